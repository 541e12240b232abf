import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { readRecords } from '../../src/journal/read.ts';
import { verifyJournal } from '../../src/journal/verify.ts';
import { note, open, tempFolder } from './support.ts';

const CHILD = join(import.meta.dirname, 'kill-child.ts');

test('P1: after kill -9 every acknowledged record is there, and every intent has one outcome', {
  timeout: 60_000,
}, async (t) => {
  const dir = await tempFolder(t);
  const acknowledged = new Map<number, string>();
  for (const stopAfter of [1, 150, 400]) {
    const child = spawn(process.execPath, [CHILD, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    let seen = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [seq, hash = ''] = line.split(' ');
      // The kill may cut the line being printed; its record was acknowledged, but nobody learnt which one.
      if (hash.length === 64) acknowledged.set(Number(seq), hash);
      if (++seen === stopAfter) {
        await assert.rejects(open(dir), /in use by another running Gatehouse/);
        child.kill('SIGKILL');
      }
    }
    await exited;
    assert.ok(seen >= stopAfter);
  }
  const journal = await open(dir);
  assert.deepEqual(journal.openIntents(), []);
  await journal.close();
  const outcomes = new Map<unknown, number>();
  const intents = new Set<string>();
  for await (const { record, hash } of readRecords(dir, 'one')) {
    const expected = acknowledged.get(record.seq);
    if (expected !== undefined) assert.equal(hash, expected);
    acknowledged.delete(record.seq);
    if (record.kind === 'intent') intents.add(record.id);
    if (record.kind === 'outcome') outcomes.set(record.intent, (outcomes.get(record.intent) ?? 0) + 1);
  }
  assert.deepEqual([...acknowledged], [], 'acknowledged and gone');
  assert.deepEqual(new Set(outcomes.keys()), intents);
  assert.ok([...outcomes.values()].every((count) => count === 1));
  assert.deepEqual((await verifyJournal({ dir })).writers[0]?.problems, []);
});

test('P1: a disk that is really full refuses, and the journal goes on once there is room', {
  timeout: 60_000,
}, async (t) => {
  const dir = await tempFolder(t);
  const run = promisify(execFile);
  const disk = join(dir, 'small');
  await mkdir(disk);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', disk]);
  } catch (error) {
    t.skip(`no small file system can be mounted here: ${(error as Error).message.split('\n').at(-2)}`);
    return;
  }
  try {
    await writeFile(join(disk, 'ballast'), Buffer.alloc(256 * 1024));
    const journal = await open(disk, { retryMs: { first: 5, longest: 20 } });
    const acknowledged: number[] = [];
    let n = 0;
    const big = (): Promise<unknown> => {
      const mine = n++;
      const record = { kind: 'gateway', body: { n: mine, filler: 'x'.repeat(20_000) } } as const;
      return journal.append(record).then(() => acknowledged.push(mine));
    };
    await assert.rejects(async () => {
      for (;;) await big();
    }, /cannot record this call/);
    assert.match(journal.trouble ?? '', /ENOSPC/);
    assert.ok(acknowledged.length > 3);
    await rm(join(disk, 'ballast'));
    while (journal.trouble !== null) await new Promise((resolve) => setTimeout(resolve, 5));
    await big();
    await journal.append(note(-1));
    await journal.close();
    const lines = (await readFile(join(disk, 'one', '000000000001.jsonl'), 'utf8')).split('\n').slice(1, -1);
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).n),
      [...acknowledged, -1],
    );
    assert.deepEqual((await verifyJournal({ dir: disk })).writers[0]?.problems, []);
  } finally {
    await run('umount', [disk]);
  }
});
