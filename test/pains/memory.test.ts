import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/kernel/clock.ts';
import { MemoryDisk } from '../journal/memory-disk.ts';
import { open } from '../journal/support.ts';
import { until } from '../support/gateway.ts';
import { raw } from '../support/raw.ts';
import { answers, call, HAIKU, start } from './support.ts';

test('P1: while the log cannot be written, nothing piles up: calls are refused unsent, and afterwards every record is there once', async (t) => {
  const disk = new MemoryDisk();
  const retryMs = { first: 20, longest: 40 };
  // Small, as after hours of an outage in which many callers keep asking.
  const bounds = { records: 60, bytes: 1024 * 1024 };
  const journal = await open('/journal', { files: disk, clock: systemClock, retryMs, bounds });
  t.after(() => journal.close());
  const gateway = await start(t, '', { services: { journal } });
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { answer } = gateway.double;
  gateway.double.answer = async (seen, response) => {
    await held;
    return answer(seen, response);
  };
  // Ten calls are under way when the disk fails; their outcomes must be kept, and nothing else.
  const running = Array.from({ length: 10 }, () => raw(gateway.url, { body: call(HAIKU) }));
  await until(() => gateway.double.seen.length === 10);
  disk.fault = (operation) => (operation === 'datasync' || operation === 'write' ? { error: 'ENOSPC' } : null);
  const statuses = new Set<number>();
  let most = 0;
  const storm = async (): Promise<void> => {
    for (let n = 0; n < 25; n++) {
      statuses.add((await raw(gateway.url, { body: call(HAIKU) })).status);
      most = Math.max(most, journal.metrics.waiting);
    }
  };
  await Promise.all(Array.from({ length: 6 }, storm));
  release();
  for (const { status } of await Promise.all(running)) assert.equal(status, 200);
  await storm();
  assert.deepEqual([...statuses], [503]);
  assert.equal(gateway.double.begun(), 10, 'nothing was sent that could not be recorded');
  assert.ok(most <= bounds.records, `${most} records waited`);
  disk.fault = () => null;
  await until(() => journal.trouble === null && journal.metrics.waiting === 0);
  answers(gateway, { input_tokens: 1, output_tokens: 1 });
  assert.equal((await raw(gateway.url, { body: call(HAIKU) })).status, 200);
  await until(() => journal.openIntents().length === 0);
  const records = disk.lines().map((text) => JSON.parse(text) as { kind: string; id: string; intent?: string });
  const outcomes = records.filter(({ kind }) => kind === 'outcome').map(({ intent }) => intent);
  assert.equal(outcomes.length, 11);
  assert.equal(new Set(outcomes).size, 11, 'none was written twice');
});
