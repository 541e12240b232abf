import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyJournal } from '../src/journal/verify.ts';
import { type Double, startDouble } from '../test/support/double.ts';
import {
  type Admin,
  adminOf,
  claim,
  type House,
  makeHouse,
  type RunningChild,
  startChild,
} from '../test/support/house.ts';
import { raw } from '../test/support/raw.ts';
import { readTrail } from './support/trail.ts';

const LIBRARY = ['x86_64-linux-gnu', 'aarch64-linux-gnu']
  .map((machine) => `/usr/lib/${machine}/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));
const skip = LIBRARY === undefined ? 'libfaketime is not installed' : false;

const HAIKU = 'claude-haiku-4-5';
const POLICY = 'access: [ { allow: "*", to: everyone } ]';

interface World {
  readonly double: Double;
  readonly house: House;
  token: string;
  /** Sets the clock of the gateway, which runs or does not, this many hours from the real one. */
  setClock(hours: number): void;
  start(): Promise<RunningChild>;
}

async function makeWorld(t: TestContext, policy: string): Promise<World> {
  const double = await startDouble();
  t.after(() => double.close());
  // 1000 × $1 + 500 × $5 a million: every call costs 3500 micro-dollars.
  double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const usage = { input_tokens: 1000, output_tokens: 500 };
    response.end(JSON.stringify({ type: 'message', model: HAIKU, stop_reason: 'end_turn', usage }));
  };
  const house = makeHouse({ upstream: double.url, policy, extra: 'journal: { checkpoint_every: 1 s }' });
  t.after(() => house.remove());
  const file = join(house.folder, 'clock');
  const wrap = [
    'env',
    `LD_PRELOAD=${LIBRARY}`,
    `FAKETIME_TIMESTAMP_FILE=${file}`,
    'FAKETIME_NO_CACHE=1',
    'FAKETIME_DONT_FAKE_MONOTONIC=1',
  ];
  const world: World = {
    double,
    house,
    token: '',
    setClock: (hours) => writeFileSync(file, `${hours < 0 ? '' : '+'}${hours}h\n`),
    start: async () => {
      const child = await startChild(house, 'none', wrap);
      t.after(() => {
        child.kill();
        // libfaketime leaves these behind where its process is killed or replaced.
        for (const name of ['faketime_shm', 'sem.faketime_sem']) {
          rmSync(`/dev/shm/${name}_${child.process.pid}`, { force: true });
        }
      });
      return child;
    },
  };
  world.setClock(0);
  return world;
}

async function keyOf(admin: Admin, email: string, more: object = {}): Promise<string> {
  await admin.call('POST', '/api/people', { email });
  return String((await admin.call('POST', '/api/keys', { person: email, label: 'test', ...more })).secret);
}

async function call(url: string, key: string): Promise<number> {
  const body = JSON.stringify({ model: HAIKU, max_tokens: 500, messages: [{ role: 'user', content: 'hi' }] });
  return (await raw(url, { body, headers: { authorization: `Bearer ${key}` } })).status;
}

/** As `call`; a call that is refused because spending is still being looked up is sent again. */
async function decided(url: string, key: string): Promise<number> {
  for (let turn = 0; turn < 200; turn++) {
    const status = await call(url, key);
    if (status !== 503) return status;
    await sleep(50);
  }
  throw new Error('spending never became known');
}

/** Order and hashes of the trail, and its checkpoints, whatever the clock did. */
async function verify({ house }: World): Promise<void> {
  const kept = readFileSync(join(house.dataDir, 'checkpoints', 'checkpoints.jsonl'), 'utf8')
    .trim()
    .split('\n');
  const [checkpoint, ...earlier] = kept.map((line) => JSON.parse(line)).reverse();
  const publicKey = readFileSync(join(house.dataDir, 'keys', 'signing.key.pub'), 'utf8');
  const report = await verifyJournal({ dir: join(house.dataDir, 'journal'), checkpoint, earlier, publicKey });
  assert.deepEqual([...report.problems, ...report.writers.flatMap(({ problems }) => problems)], []);
}

/** Whole days that the clock of the gateway went back and forth between its records. */
function daysSeen({ house }: World): Set<string> {
  return new Set(readTrail(house.dataDir).map(({ body }) => String(body.at).slice(0, 10)));
}

test('P2, P8: the clock of a running gateway jumps a day ahead and back: a spent day stays spent, keys expire and do not', {
  skip,
}, async (t) => {
  const world = await makeWorld(t, `${POLICY}\nbudgets: [ { each: person, limit: 0.008 USD/day, hold: strict } ]`);
  const child = await world.start();
  const admin = await claim(child);
  const key = await keyOf(admin, 'ada@example.com');
  const expires = new Date(Date.now() + 3_600_000).toISOString();
  const short = await keyOf(admin, 'alan@example.com', { expires });
  assert.equal(await call(child.url, key), 200);
  assert.equal(await call(child.url, key), 429);
  world.setClock(26);
  assert.equal(await decided(child.url, key), 200, 'another day has its own budget');
  assert.equal(await call(child.url, short), 401, 'this key is over');
  world.setClock(0);
  assert.equal(await decided(child.url, key), 429, 'the day of before is spent as it was');
  assert.equal(await decided(child.url, short), 200);
  await child.stop();
  assert.ok(daysSeen(world).size >= 2, 'the clock must really have jumped');
  await verify(world);
});

test('P2: started while its clock was a day ahead, then put right: the day of before is spent as it was', {
  skip,
}, async (t) => {
  const world = await makeWorld(t, `${POLICY}\nbudgets: [ { each: person, limit: 0.008 USD/day, hold: strict } ]`);
  let child = await world.start();
  const key = await keyOf(await claim(child), 'ada@example.com');
  assert.equal(await call(child.url, key), 200);
  await child.stop();
  world.setClock(26);
  child = await world.start();
  assert.equal(await call(child.url, key), 200);
  world.setClock(0);
  assert.equal(await decided(child.url, key), 429);
  await child.stop();
  await verify(world);
});

test('rates are counted by the monotonic clock: no jump gives or takes requests', { skip }, async (t) => {
  const world = await makeWorld(t, `${POLICY}\nrates: [ { each: person, requests: 3/min } ]`);
  const child = await world.start();
  const key = await keyOf(await claim(child), 'ada@example.com');
  for (let n = 0; n < 3; n++) assert.equal(await call(child.url, key), 200);
  assert.equal(await call(child.url, key), 429);
  for (const hours of [5, -5, 0]) {
    world.setClock(hours);
    assert.equal(await call(child.url, key), 429, `${hours} h`);
  }
  await child.stop();
});

test('P1, P6, P10: started again with a clock that went back by hours, the trail goes on, verifies, and its sums are the same', {
  skip,
}, async (t) => {
  const world = await makeWorld(t, `${POLICY}\nbudgets: [ { for: organization, limit: 10 USD/month } ]`);
  let child = await world.start();
  const { token } = await claim(child);
  const key = await keyOf(adminOf(child.url, token), 'ada@example.com');
  assert.equal(await call(child.url, key), 200);
  await child.stop();
  for (const hours of [-5, 3, -2]) {
    world.setClock(hours);
    child = await world.start();
    assert.equal(await call(child.url, key), 200);
    await child.stop();
  }
  const times = readTrail(world.house.dataDir).map(({ body }) => Date.parse(String(body.at)));
  assert.ok(
    times.some((at, index) => index > 0 && at < (times[index - 1] ?? 0) - 3_600_000),
    'it went back',
  );
  await verify(world);
  world.setClock(0);
  child = await world.start();
  const admin = adminOf(child.url, token);
  const { records } = await admin.call('GET', '/api/audit?kind=intent');
  assert.equal((records as unknown[]).length, 4);
  const usage = await admin.call('GET', '/api/usage?by=person&from=2020-01-01');
  assert.equal((usage.total as { cost_micros: number }).cost_micros, 4 * 3500);
});
