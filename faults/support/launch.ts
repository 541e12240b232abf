import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { House } from '../../test/support/house.ts';

const HERE = new URL('.', import.meta.url).pathname;

export interface Life {
  readonly url: string;
  readonly ownerSecret: string | null;
  readonly ended: Promise<void>;
  readonly alive: () => boolean;
  readonly stderr: () => string;
  /** From now on the process kills itself at this hit of this failpoint. */
  order(point: string, hit: number): void;
  kill(): void;
  stop(): Promise<void>;
}

/**
 * Starts a gateway that can be killed at failpoints; null when it was killed before it served. `atStart` orders that already for its
 * start. Rejects when it ends by itself.
 */
export async function launch(house: House, atStart?: { point: string; hit: number }): Promise<Life | null> {
  const order = join(house.folder, 'order');
  const write = (point: string, hit: number): void => writeFileSync(order, `${point} ${hit}`);
  write(atStart?.point ?? 'none', atStart?.hit ?? 1);
  const child = spawn(
    process.execPath,
    ['--import', join(HERE, 'armed.ts'), join(HERE, 'child.ts'), house.configFile],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        TEST_PROVIDER_KEY: 'provider-secret',
        FAULT_ORDER: order,
        ...(atStart === undefined ? {} : { FAULT_AT_START: 'yes' }),
      },
    },
  );
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve)),
    ended.then(() => null),
  ]);
  if (line === null) {
    if (child.signalCode === 'SIGKILL') return null;
    throw new Error(`the gateway did not start:\n${stderr}`);
  }
  return {
    ...(JSON.parse(line) as { url: string; ownerSecret: string | null }),
    ...handle(child, ended),
    stderr: () => stderr,
    order: (point, hit) => {
      write(point, hit);
      child.kill('SIGUSR2');
    },
  };
}

function handle(child: ChildProcess, ended: Promise<void>): Pick<Life, 'ended' | 'alive' | 'kill' | 'stop'> {
  return {
    ended,
    alive: () => child.exitCode === null && child.signalCode === null,
    kill: () => void child.kill('SIGKILL'),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
