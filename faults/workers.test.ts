import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { verifyJournal } from '../src/journal/verify.ts';
import { type Double, startDouble } from '../test/support/double.ts';
import { until } from '../test/support/gateway.ts';
import { OPEN_POLICY } from '../test/support/governance.ts';
import { startChild } from '../test/support/house.ts';
import { delta, MESSAGE_END, MESSAGE_START } from '../test/support/raw.ts';
import { call, type Ended, HAIKU, outcomesOf, recordsOf, runs, startRunning, WORKERS } from './support/workers.ts';

/** 1000 tokens at $1 and 500 at $5 a million, micro-dollars. */
const COST = 3500;

let double: Double;
const streams = new Set<() => void>();

before(async () => {
  double = await startDouble();
  double.answer = async (seen, response) => {
    if (seen.body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(MESSAGE_START.replace('claude-sonnet-5-5', HAIKU) + delta('one'));
      const end = (): void => void response.end(MESSAGE_END);
      streams.add(end);
      response.on('close', () => streams.delete(end));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 15));
    response.writeHead(200, { 'content-type': 'application/json' });
    const usage = { input_tokens: 1000, output_tokens: 500 };
    response.end(JSON.stringify({ type: 'message', model: HAIKU, stop_reason: 'end_turn', usage }));
  };
});

after(() => double.close());

test('the tests of the pipeline and the attacks on it pass through relay workers', async () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--test', '--test-reporter=tap', 'test/pipeline/*.test.ts', 'test/attacks/*.test.ts'],
    { env: { ...env, GATEHOUSE_TEST_RELAYED: '1' }, maxBuffer: 64 * 1024 * 1024 },
  );
  assert.match(stdout, /^# fail 0$/m);
  assert.ok(Number(/^# pass (\d+)$/m.exec(stdout)?.[1]) > 150);
});

test('P2: the overspend attack: however many calls come at once through several workers, a strict budget is never passed', async (t) => {
  const limit = 20 * COST + 100;
  const policy = `${OPEN_POLICY}\nbudgets:\n  - { for: organization, limit: ${limit / 1e6} USD/month, hold: strict }`;
  const running = await startRunning(t, { upstream: double.url, policy });
  const seenBefore = double.seen.length;
  const ends = await Promise.all(Array.from({ length: 200 }, () => call(running)));
  // What was refused for want of room is asked for again until nothing is left.
  for (let round = 0; round < 30; round++) ends.push(await call(running));
  await running.child.stop();
  const spent = outcomesOf(await recordsOf(running)).reduce(
    (sum, { cost }) => sum + (cost as { micros: number }).micros,
    0,
  );
  assert.ok(spent <= limit, `${spent} of ${limit}`);
  assert.equal(spent, COST * (double.seen.length - seenBefore), 'every call that reached the provider is charged');
  assert.equal(ends.filter(({ status }) => status === 200).length, double.seen.length - seenBefore);
  assert.match(ends.at(-1)?.text ?? '', /billing_error/, 'in the end there is too little left for one more');
});

test('P1: workers killed in a loop under load lose no record, refuse nobody else, and the trail verifies', async (t) => {
  const running = await startRunning(t, { upstream: double.url });
  const seenBefore = double.seen.length;
  let going = true;
  const ends: Ended[] = [];
  const ending = setInterval(() => {
    for (const end of streams) end();
  }, 20);
  t.after(() => clearInterval(ending));
  const callers = Array.from({ length: 24 }, async (_, index) => {
    for (let turn = 0; going; turn++) {
      ends.push(await call(running, (index + turn) % 6 === 0));
    }
  });
  const killed: number[] = [];
  for (let round = 0; round < 8; round++) {
    await until(() => ends.length > 40 * (round + 1));
    const alive = (await running.workers()).filter((pid) => !killed.includes(pid));
    const victim = alive[round % alive.length];
    assert.ok(victim !== undefined, 'some worker lives');
    process.kill(victim, 'SIGKILL');
    killed.push(victim);
  }
  going = false;
  await Promise.all(callers);
  assert.deepEqual(await running.metric('gatehouse_workers_died'), [8]);
  // Nobody was told no: a call either came to its end or went down with the connection its worker held.
  assert.deepEqual(
    [...new Set(ends.map(({ status }) => status))].filter((status) => status !== 0),
    [200],
  );
  const broken = ends.filter(({ whole }) => !whole).length;
  assert.ok(broken <= 8 * 24 && broken < ends.length / 2, `${broken} of ${ends.length} connections broke`);
  assert.deepEqual(await running.metric('gatehouse_open_calls'), [0]);
  assert.deepEqual(await running.metric('gatehouse_reservations'), [0]);
  const back = await Promise.all(Array.from({ length: 12 }, () => call(running)));
  assert.ok(
    back.every(({ status }) => status === 200),
    'the workers that took their place serve',
  );
  await running.child.stop();
  const records = await recordsOf(running);
  const outcomes = outcomesOf(records);
  assert.ok(records.filter(({ kind }) => kind === 'intent').length >= double.seen.length - seenBefore);
  const lost = outcomes.filter(({ code }) => code === 'relay_lost');
  assert.ok(lost.length > 0, 'some calls were running in the workers that died');
  const report = await verifyJournal({ dir: join(running.house.dataDir, 'journal') });
  assert.equal(report.ok, true);
});

test('P3: a revoked key ends its streams in every worker, and a worker that does not obey is killed', async (t) => {
  const running = await startRunning(t, { upstream: double.url });
  const open = Array.from({ length: 9 }, () => call(running, true));
  await until(() => streams.size === 9);
  const carried = await running.metric('gatehouse_worker_calls');
  assert.ok(
    carried.every((calls) => calls > 0),
    `streams run in every worker: ${carried}`,
  );
  const [stuck = 0] = await running.workers();
  process.kill(stuck, 'SIGSTOP');
  await running.admin.call('POST', `/api/keys/${running.keyId}/revoke`, { reason: 'lost' });
  const ends = await Promise.all(open);
  assert.equal(
    ends.filter(({ text }) => text.includes('revoked')).length + ends.filter(({ whole }) => !whole).length,
    9,
  );
  assert.ok(ends.filter(({ text }) => text.includes('revoked')).length >= 3, 'the others are told why');
  await until(() => !runs(stuck));
  assert.equal((await call(running)).status, 401);
  await running.child.stop();
  outcomesOf(await recordsOf(running));
});

test('P1: when the ledger dies its workers die, and its open calls have an outcome after the next start', async (t) => {
  const running = await startRunning(t, { upstream: double.url });
  const open = Array.from({ length: 6 }, () => call(running, true));
  await until(() => streams.size >= 6);
  const workers = await running.workers();
  assert.equal(workers.length, WORKERS);
  process.kill(running.child.process.pid ?? 0, 'SIGKILL');
  await running.child.ended;
  await Promise.all(open);
  await until(() => workers.every((pid) => !runs(pid)));
  const again = await startChild(running.house);
  t.after(() => again.kill());
  assert.equal((await call({ ...running, child: again })).status, 200);
  await again.stop();
  const unknown = outcomesOf(await recordsOf(running)).filter(({ result }) => result === 'unknown');
  assert.equal(unknown.length, 6);
});

test('a stop lets running answers finish, in workers as well, and leaves no process behind', async (t) => {
  const running = await startRunning(t, { upstream: double.url, workers: 2 });
  const open = call(running, true);
  await until(() => streams.size > 0);
  const workers = await running.workers();
  running.child.process.kill('SIGTERM');
  await until(() => running.child.process.exitCode === null);
  for (const end of streams) end();
  const { status, text } = await open;
  assert.equal(status, 200);
  assert.match(text, /message_stop/);
  await running.child.ended;
  assert.ok(workers.every((pid) => !runs(pid)));
});
