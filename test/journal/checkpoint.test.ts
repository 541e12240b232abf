import assert from 'node:assert/strict';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCheckpoints } from '../../src/journal/checkpoint.ts';
import { loadSigningKey } from '../../src/journal/signing.ts';
import { verifyJournal } from '../../src/journal/verify.ts';
import { key, note, open, quiet, stillClock, tempFolder } from './support.ts';

test('P6: checkpoints go to a folder while the head moves, and the verifier confirms them', async (t) => {
  const dir = await tempFolder(t);
  const away = join(await tempFolder(t), 'deep', 'folder');
  const journal = await open(dir);
  const clock = stillClock();
  const checkpoints = startCheckpoints({ heads: () => [journal.head], key, destinations: [away], clock, log: quiet });
  await checkpoints.now();
  await checkpoints.now();
  await journal.append(note(1));
  await checkpoints.now();
  const path = join(away, 'checkpoints.jsonl');
  await writeFile(path, `${await readFile(path, 'utf8')}{"half`);
  await journal.append(note(2));
  await checkpoints.close();
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const seqs = lines.map((line) => (line === '{"half' ? null : JSON.parse(line).heads[0].seq));
  assert.deepEqual(seqs, [1, 2, null, 3], 'one each time the head moved, and a torn line spoils no other');
  const checkpoint = JSON.parse(lines.at(-1) ?? '');
  assert.deepEqual(Object.keys(checkpoint), ['format', 'at', 'heads', 'key', 'signature']);
  assert.deepEqual(checkpoint.heads, [journal.head]);
  const report = await verifyJournal({ dir, checkpoint, publicKey: key.publicKey });
  assert.deepEqual([report.ok, report.problems, report.notes], [true, [], []]);
  assert.equal(checkpoints.status[0]?.deliveredAt, clock.now());
  await journal.close();
});

test('an address that fails is retried with the next checkpoint and delays no other', {
  timeout: 30_000,
}, async (t) => {
  const bodies: { seq: number; type: unknown; auth: unknown }[] = [];
  let status = 500;
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const { 'content-type': type, authorization: auth } = request.headers;
      bodies.push({ seq: JSON.parse(text).heads[0].seq, type, auth });
      response.writeHead(status).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const dir = await tempFolder(t);
  const away = await tempFolder(t);
  const journal = await open(dir);
  const told: string[] = [];
  const log = { ...quiet, error: (fields: object) => void told.push(JSON.stringify(fields)) };
  const destinations = [`http://user:pass@127.0.0.1:${port}/in?token=x`, away];
  const checkpoints = startCheckpoints({ heads: () => [journal.head], key, destinations, clock: stillClock(), log });
  await checkpoints.now();
  assert.equal((await readFile(join(away, 'checkpoints.jsonl'), 'utf8')).split('\n').length, 2);
  assert.match(checkpoints.status[0]?.problem ?? '', /answered 500/);
  assert.equal(told.length, 1);
  assert.doesNotMatch(told.join(), /pass|token/);
  status = 204;
  await journal.append(note(1));
  await checkpoints.now();
  await checkpoints.now();
  assert.equal(checkpoints.status[0]?.problem, null);
  assert.deepEqual(
    bodies.map(({ seq }) => seq),
    [1, 2],
  );
  assert.deepEqual(
    [bodies[0]?.type, bodies[0]?.auth],
    ['application/json', `Basic ${Buffer.from('user:pass').toString('base64')}`],
  );
  await checkpoints.close();
  await journal.close();
  assert.throws(
    () => startCheckpoints({ heads: () => [], key, destinations: ['relative'], clock: stillClock(), log }),
    /neither/,
  );
});

test('P6: a life shorter than the interval leaves a checkpoint too', { timeout: 30_000 }, async (t) => {
  const dir = await tempFolder(t);
  const journal = await open(dir);
  const options = { key, destinations: [dir], clock: stillClock(), log: quiet, intervalMs: 3_600_000 };
  const checkpoints = startCheckpoints({ ...options, heads: () => [journal.head] });
  while (checkpoints.status[0]?.deliveredAt === null) await new Promise((resolve) => setTimeout(resolve, 2));
  const lines = (await readFile(join(dir, 'checkpoints.jsonl'), 'utf8')).trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).heads),
    [[journal.head]],
  );
  await checkpoints.close();
  await journal.close();
});

test('the timer sends checkpoints by itself', { timeout: 30_000 }, async (t) => {
  const dir = await tempFolder(t);
  const journal = await open(dir);
  const options = { key, destinations: [dir], clock: stillClock(), log: quiet, intervalMs: 2 };
  const checkpoints = startCheckpoints({ ...options, heads: () => [journal.head] });
  // The first goes without the timer; it is asked for here so that it is over before the head moves.
  await checkpoints.now();
  await journal.append(note(1));
  const count = async () => (await readFile(join(dir, 'checkpoints.jsonl'), 'utf8')).trimEnd().split('\n').length;
  while ((await count()) < 2) await new Promise((resolve) => setTimeout(resolve, 2));
  await checkpoints.close();
  await journal.close();
});

test('the signing key is made once, kept closed, and its public half lies beside it', async (t) => {
  const path = join(await tempFolder(t), 'signing.key');
  const [one, two] = await Promise.all([loadSigningKey(path), loadSigningKey(path)]);
  assert.equal(one.id, two.id);
  assert.equal((await loadSigningKey(path)).publicKey, one.publicKey);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal(await readFile(`${path}.pub`, 'utf8'), one.publicKey);
  await chmod(path, 0o644);
  await assert.rejects(loadSigningKey(path), /open to others/);
  await chmod(path, 0o600);
  await writeFile(path, 'not a key');
  await assert.rejects(loadSigningKey(path), /not a private key/);
});
