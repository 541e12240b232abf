import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readRecords } from '../../src/journal/read.ts';
import type { JournalRecord } from '../../src/journal/records.ts';
import { verifyJournal } from '../../src/journal/verify.ts';
import { PATH } from '../../src/pipeline.ts';
import { type Double, startDouble } from '../support/double.ts';
import { adminOf, claim, type House, makeHouse, startChild } from '../support/house.ts';
import { CALL, delta, MESSAGE_END, MESSAGE_START, raw, STREAM_CALL } from '../support/raw.ts';

let double: Double;
let house: House;
let key: string;
let token: string;

before(async () => {
  double = await startDouble();
  double.answer = (seen, response) => {
    if (seen.body.toString() === CALL) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        '{"id":"msg_1","type":"message","model":"m","stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}',
      );
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(MESSAGE_START + delta('one') + MESSAGE_END);
  };
  house = makeHouse({ upstream: double.url });
  const child = await startChild(house);
  const admin = await claim(child);
  token = admin.token;
  await admin.call('POST', '/api/people', { email: 'dev@example.com' });
  key = String((await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'test' })).secret);
  await child.stop();
});

after(async () => {
  await double.close();
  house.remove();
});

async function recordsOf(): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const { record } of readRecords(join(house.dataDir, 'journal'), 'main')) records.push(record);
  return records;
}

const STEPS = [...PATH.filter(([, , call]) => call).map(([name]) => name), 'settle'];

for (const step of STEPS) {
  test(`P1: killed before the step "${step}", the provider has seen nothing without a durable intent`, async () => {
    const seenBefore = double.seen.length;
    const child = await startChild(house, step);
    const calls = [CALL, STREAM_CALL].map((body) =>
      raw(child.url, { body, headers: { authorization: `Bearer ${key}` } }).catch(() => null),
    );
    await child.ended;
    await Promise.all(calls);
    const intents = (await recordsOf()).filter((record) => record.kind === 'intent');
    for (const seen of double.seen.slice(seenBefore)) {
      const trace = String(seen.headers.traceparent).split('-')[1];
      assert.ok(
        intents.some((intent) => intent.trace === trace),
        `the provider saw a call (trace ${trace}) that has no intent`,
      );
    }
    const reached = STEPS.indexOf(step) > STEPS.indexOf('forward');
    if (reached) assert.ok(double.seen.length > seenBefore, 'the test must really get as far as the provider');
  });
}

test('P1: after all those crashes every intent has exactly one outcome, the trail verifies, and the gateway works', async () => {
  const child = await startChild(house);
  const admin = adminOf(child.url, token);
  const reply = await raw(child.url, { body: CALL, headers: { authorization: `Bearer ${key}` } });
  assert.equal(reply.status, 200);
  assert.equal(typeof (await admin.call('GET', '/api/health')).version, 'string');
  await child.stop();
  const records = await recordsOf();
  const intents = records.filter((record) => record.kind === 'intent').map((record) => record.id);
  const outcomes = records.filter((record) => record.kind === 'outcome').map((record) => record.intent);
  assert.ok(intents.length >= 4);
  assert.deepEqual([...outcomes].sort(), [...intents].sort());
  const unknown = records.filter((record) => record.kind === 'outcome' && record.result === 'unknown');
  assert.ok(unknown.length > 0, 'some of the crashes must have left an intent open');
  const report = await verifyJournal({ dir: join(house.dataDir, 'journal') });
  assert.deepEqual(
    report.writers.flatMap((writer) => writer.problems),
    [],
  );
});
