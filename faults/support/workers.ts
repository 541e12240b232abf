import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRecords } from '../../src/journal/read.ts';
import type { JournalRecord } from '../../src/journal/records.ts';
import { OPEN_POLICY } from '../../test/support/governance.ts';
import { type Admin, claim, type House, makeHouse, type RunningChild, startChild } from '../../test/support/house.ts';
import { raw } from '../../test/support/raw.ts';

export const WORKERS = 3;
export const HAIKU = 'claude-haiku-4-5';

export interface Running {
  readonly house: House;
  readonly child: RunningChild;
  readonly admin: Admin;
  readonly key: string;
  readonly keyId: string;
  workers(): Promise<number[]>;
  metric(name: string): Promise<number[]>;
}

/** A gateway with relay workers in front, and a key that may call. */
export async function startRunning(
  t: { after(undo: () => void): void },
  options: { upstream: string; policy?: string; workers?: number; listen?: string },
): Promise<Running> {
  const { upstream, workers = WORKERS, policy = OPEN_POLICY } = options;
  const listen = `workers: ${workers}, open_metrics: true${options.listen === undefined ? '' : `, ${options.listen}`}`;
  const house = makeHouse({ upstream, policy, listen, extra: 'limits: { open_calls_per_caller: 1000 }' });
  t.after(() => house.remove());
  const child = await startChild(house);
  t.after(() => child.kill());
  const admin = await claim(child);
  await admin.call('POST', '/api/people', { email: 'dev@example.com' });
  const { secret, key } = await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'laptop' });
  const metrics = async (): Promise<string> =>
    (await raw(child.url, { method: 'GET', path: '/metrics' })).body.toString();
  return {
    house,
    child,
    admin,
    key: String(secret),
    keyId: String((key as { id: string }).id),
    workers: async () =>
      [...(await metrics()).matchAll(/^gatehouse_worker_calls\{worker="(\d+)"\}/gm)].map((match) => Number(match[1])),
    metric: async (name) =>
      [...(await metrics()).matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].map((match) =>
        Number(match[1]),
      ),
  };
}

export interface Ended {
  readonly status: number;
  readonly whole: boolean;
  readonly text: string;
}

export function call({ child, key }: Running, stream = false): Promise<Ended> {
  const body = JSON.stringify({ model: HAIKU, stream, max_tokens: 500, messages: [{ role: 'user', content: 'hi' }] });
  return raw(child.url, { body, headers: { authorization: `Bearer ${key}` } }).then(
    ({ status, body: answer }) => ({ status, whole: true, text: answer.toString() }),
    () => ({ status: 0, whole: false, text: '' }),
  );
}

export async function recordsOf({ house }: Running): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const { record } of readRecords(join(house.dataDir, 'journal'), 'main')) records.push(record);
  return records;
}

/** Every intent has its one outcome; returns the outcomes. */
export function outcomesOf(records: readonly JournalRecord[]): JournalRecord[] {
  const outcomes = records.filter(({ kind }) => kind === 'outcome');
  const intents = records.filter(({ kind }) => kind === 'intent').map(({ id }) => id);
  assert.deepEqual(outcomes.map(({ intent }) => intent).sort(), intents.sort(), 'one outcome for every intent');
  return outcomes;
}

/** The process lives. */
export function runs(pid: number): boolean {
  const status = `/proc/${pid}/stat`;
  return existsSync(status) && !/^\d+ \(.*\) Z/.test(readFileSync(status, 'utf8'));
}
