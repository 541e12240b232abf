import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyJournal } from '../../src/journal/verify.ts';
import { startDouble } from '../support/double.ts';
import { claim, makeHouse, startChild } from '../support/house.ts';
import { CALL, raw } from '../support/raw.ts';

/** A file system of its own that is really full; null where this user may not mount. */
function smallDisk(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder], { stdio: 'ignore' });
    return folder;
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return null;
  }
}

function fill(folder: string): string {
  const file = join(folder, 'filler');
  // In pieces: the gateway writes meanwhile, so how much room there is cannot be known before.
  for (const size of [256 * 1024, 4096]) {
    for (;;) {
      try {
        writeFileSync(file, Buffer.alloc(size, 1), { flag: 'a' });
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
        break;
      }
    }
  }
  return file;
}

test('P1: on a full disk calls are refused and nothing is sent; with space again everything works and verifies', async (t) => {
  const disk = smallDisk();
  if (disk === null) return t.skip('mounting a small file system needs root');
  t.after(() => {
    execFileSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true, force: true });
  });
  const double = await startDouble();
  t.after(() => double.close());
  const house = makeHouse({ upstream: double.url, dataDir: join(disk, 'data') });
  t.after(() => house.remove());
  const child = await startChild(house);
  t.after(() => child.kill());
  const admin = await claim(child);
  await admin.call('POST', '/api/people', { email: 'dev@example.com' });
  const keyFor = async () => {
    const made = await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'test' });
    return { id: (made.key as { id: string }).id, secret: String(made.secret) };
  };
  const { secret: key } = await keyFor();
  const leaked = await keyFor();
  const call = () => raw(child.url, { body: CALL, headers: { authorization: `Bearer ${key}` } });
  assert.equal((await call()).status, 200);

  fill(disk);
  let refused = await call();
  // The open segment's last block may still take a few records.
  for (let i = 0; i < 200 && refused.status === 200; i++) refused = await call();
  const sent = double.begun();
  assert.equal(refused.status, 503);
  assert.match(refused.body.toString(), /cannot record this call now, so it was not sent/);
  assert.equal((await call()).status, 503);
  assert.equal(double.begun(), sent, 'nothing was sent while nothing could be recorded');
  assert.equal((await raw(child.url, { method: 'GET', path: '/readyz' })).status, 503);

  // P3: a full disk must not keep anybody from being revoked; the reserve makes room for that.
  await admin.call('POST', `/api/keys/${leaked.id}/revoke`, { reason: 'leaked' });
  const next = await raw(child.url, { body: CALL, headers: { authorization: `Bearer ${leaked.secret}` } });
  assert.equal(next.status, 401);

  rmSync(join(disk, 'filler'));
  let works = await call();
  for (let i = 0; i < 100 && works.status !== 200; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    works = await call();
  }
  assert.equal(works.status, 200);
  await child.stop();
  const report = await verifyJournal({ dir: join(house.dataDir, 'journal') });
  const [writer] = report.writers;
  assert.deepEqual(writer?.problems, []);
  assert.equal(writer?.openIntents, 0);
});

test('a gateway whose disk is full can still be stopped, and starts again when there is room', async (t) => {
  const disk = smallDisk();
  if (disk === null) return t.skip('mounting a small file system needs root');
  t.after(() => {
    execFileSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true, force: true });
  });
  const house = makeHouse({ upstream: 'http://127.0.0.1:9', dataDir: join(disk, 'data') });
  t.after(() => house.remove());
  const child = await startChild(house);
  t.after(() => child.kill());
  const admin = await claim(child);
  fill(disk);
  // Until the journal notices: a listing asks for an intent.
  await admin.call('POST', '/api/people', { email: 'dev@example.com' }).catch(() => undefined);
  await child.stop();
  rmSync(join(disk, 'filler'));
  const again = await startChild(house);
  t.after(() => again.kill());
  await again.stop();
  const report = await verifyJournal({ dir: join(house.dataDir, 'journal') });
  assert.deepEqual(
    report.writers.flatMap((writer) => writer.problems),
    [],
  );
});

test('P1: when the sync of the journal fails, the call is refused and nothing is sent', async (t) => {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' });
  } catch {
    return t.skip('strace is not installed');
  }
  const double = await startDouble();
  t.after(() => double.close());
  const house = makeHouse({ upstream: double.url });
  t.after(() => house.remove());
  const seed = await startChild(house);
  const admin = await claim(seed);
  await admin.call('POST', '/api/people', { email: 'dev@example.com' });
  const key = String((await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'test' })).secret);
  await seed.stop();

  // Every fdatasync after the first few of the start fails, as a dying disk's does.
  const strace = [
    'strace',
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=fdatasync',
    '-e',
    'inject=fdatasync:error=EIO:when=12+',
  ];
  const child = await startChild(house, 'none', strace);
  t.after(() => child.kill());
  let reply = await raw(child.url, { body: CALL, headers: { authorization: `Bearer ${key}` } });
  for (let i = 0; i < 50 && reply.status === 200; i++) {
    reply = await raw(child.url, { body: CALL, headers: { authorization: `Bearer ${key}` } });
  }
  assert.equal(reply.status, 503);
  const sent = double.begun();
  for (let i = 0; i < 3; i++) {
    assert.equal((await raw(child.url, { body: CALL, headers: { authorization: `Bearer ${key}` } })).status, 503);
  }
  assert.equal(double.begun(), sent);
});
