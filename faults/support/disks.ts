import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';

/** Whether a command can be run here. */
export function has(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).error === undefined;
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: 'ignore' });
}

/** An ext4 file system of its own, in a file. */
export interface Disk {
  readonly folder: string;
  /** What the kernel does when it finds the disk broken: everything becomes read-only, at once and for good. */
  fail(): void;
  /** What an operator does then: unmount, check, mount. Nothing may have a file open there. */
  repair(): void;
}

/** Null where this user may not mount one. */
export function ownDisk(t: TestContext): Disk | null {
  const place = mkdtempSync(join(tmpdir(), 'gatehouse-disk-'));
  const remove = (): void => rmSync(place, { recursive: true, force: true });
  const image = join(place, 'image');
  const folder = mkdtempSync(join(place, 'mounted-'));
  const mount = (): void => run('mount', '-o', 'loop,errors=remount-ro', image, folder);
  try {
    run('truncate', '-s', '48M', image);
    run('mkfs.ext4', '-q', image);
    mount();
  } catch {
    remove();
    return null;
  }
  t.after(() => {
    run('umount', '-l', folder);
    remove();
  });
  return {
    folder,
    fail: () => {
      const [device = ''] = execFileSync('losetup', ['-j', image]).toString().split(':');
      writeFileSync(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, '1');
    },
    repair: () => {
      run('umount', folder);
      // 1: errors were corrected.
      const { status } = spawnSync('fsck.ext4', ['-y', '-f', image], { stdio: 'ignore' });
      if (status === null || status > 1) throw new Error(`fsck ended with ${status}`);
      mount();
    },
  };
}

/** The plain segments of a data folder, newest last. */
export function segmentsOf(dataDir: string): string[] {
  const folder = join(dataDir, 'journal', 'main');
  return readdirSync(folder)
    .filter((name) => /^\d{12}\.jsonl$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}
