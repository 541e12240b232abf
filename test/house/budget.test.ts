import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readRecords } from '../../src/journal/read.ts';
import { type Double, startDouble } from '../support/double.ts';
import { OPEN_POLICY } from '../support/governance.ts';
import { type Admin, adminOf, claim, type House, makeHouse, type RunningChild, startChild } from '../support/house.ts';
import { delta, MESSAGE_START, raw } from '../support/raw.ts';

const HAIKU = 'claude-haiku-4-5';

/** A provider that is slow enough to be killed under, and whose every answer costs 1000 × $1 + 500 × $5 a million = 3500 micro-dollars. */
function slow(double: Double): void {
  double.answer = async (seen, response) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (seen.body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(MESSAGE_START.replace('claude-sonnet-5-5', HAIKU) + delta('x'.repeat(600)));
      // Broken off without a report of what it used.
      setTimeout(() => response.destroy(), 150);
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    const usage = { input_tokens: 1000, output_tokens: 500 };
    response.end(JSON.stringify({ type: 'message', model: HAIKU, stop_reason: 'end_turn', usage }));
  };
}

function call(url: string, key: string, stream: boolean): Promise<number> {
  const body = JSON.stringify({ model: HAIKU, stream, max_tokens: 500, messages: [{ role: 'user', content: 'hi' }] });
  return raw(url, { body, headers: { authorization: `Bearer ${key}` } }).then(
    ({ status }) => status,
    () => 0,
  );
}

interface Charged {
  readonly total: number;
  readonly byPerson: Map<string, number>;
  readonly byTeam: Map<string, number>;
}

/** What the journal says was charged, added up by hand: outcomes, and for those that a crash left unknown what was held. */
async function chargedIn(house: House): Promise<Charged> {
  const held = new Map<string, number>();
  const who = new Map<string, { person: string; team: string }>();
  const charged: Charged = { total: 0, byPerson: new Map(), byTeam: new Map() };
  let total = 0;
  for await (const { record } of readRecords(join(house.dataDir, 'journal'), 'main')) {
    if (record.kind === 'intent') {
      held.set(record.id, Number(record.reserved));
      who.set(record.id, { person: String(record.who), team: String(record.team) });
    }
    if (record.kind === 'extension') held.set(String(record.intent), Number(record.reserved));
    if (record.kind !== 'outcome') continue;
    const cost = record.cost as { micros: number } | undefined;
    const micros = cost?.micros ?? held.get(String(record.intent)) ?? 0;
    const { person, team } = who.get(String(record.intent)) ?? { person: '', team: '' };
    total += micros;
    charged.byPerson.set(person, (charged.byPerson.get(person) ?? 0) + micros);
    charged.byTeam.set(team, (charged.byTeam.get(team) ?? 0) + micros);
  }
  return { ...charged, total };
}

async function keysFor(admin: Admin): Promise<string[]> {
  const keys: string[] = [];
  for (const [email, team] of [
    ['ada@example.com', 'payments'],
    ['grace@example.com', 'payments'],
    ['alan@example.com', 'research'],
  ]) {
    await admin.call('POST', '/api/people', { email, team });
    for (const label of ['laptop', 'other']) {
      keys.push(String((await admin.call('POST', '/api/keys', { person: email, label })).secret));
    }
  }
  return keys;
}

function storm(child: RunningChild, keys: readonly string[]): Promise<number[]> {
  return Promise.all(
    keys.flatMap((key, index) => Array.from({ length: 20 }, (_, n) => call(child.url, key, (n + index) % 5 === 0))),
  );
}

const TEAMS = `${OPEN_POLICY}
teams: { payments: {}, research: {} }`;
const POLICY = `${TEAMS}
budgets:
  - { for: organization, limit: 0.12 USD/month, hold: strict }
  - { each: team, limit: 0.07 USD/month, hold: strict }
  - { each: person, limit: 0.04 USD/month, hold: strict }`;

test('P2, P10: killed in the middle of a storm and started again, no strict budget is passed, and what is spent is the replay', async (t) => {
  const double = await startDouble();
  t.after(() => double.close());
  slow(double);
  const house = makeHouse({ upstream: double.url, policy: POLICY });
  t.after(() => house.remove());
  let child = await startChild(house);
  t.after(() => child.kill());
  const admin = await claim(child);
  const keys = await keysFor(admin);
  for (let life = 0; life < 3; life++) {
    const running = storm(child, keys);
    await new Promise((resolve) => setTimeout(resolve, 30 + 40 * life));
    child.kill();
    await child.ended;
    await running;
    child = await startChild(house);
  }
  const again = adminOf(child.url, admin.token);
  const ends = await Promise.race([
    storm(child, keys),
    new Promise<number[]>((resolve) => setTimeout(resolve, 1500, [])),
  ]);
  assert.ok(!ends.includes(500));
  await child.stop();
  child = await startChild(house);
  const after = adminOf(child.url, again.token);
  const usage = await after.call('GET', '/api/usage?by=person');
  const charged = await chargedIn(house);
  assert.ok(charged.total > 0);
  assert.ok(charged.total <= 120_000, `${charged.total}`);
  for (const micros of charged.byTeam.values()) assert.ok(micros <= 70_000, `${micros}`);
  for (const micros of charged.byPerson.values()) assert.ok(micros <= 40_000, `${micros}`);
  assert.equal((usage.total as { cost_micros: number }).cost_micros, charged.total);
  const { budgets } = await after.call('GET', '/api/budgets?scope=organization');
  const spent = (budgets as { spent_micros: number }[]).map(({ spent_micros }) => spent_micros);
  assert.deepEqual(spent, [charged.total]);
});

test('P10: a budget that is new finds what was spent before it, and a rebuild changes nothing', async (t) => {
  const double = await startDouble();
  t.after(() => double.close());
  slow(double);
  const house = makeHouse({ upstream: double.url, policy: TEAMS });
  t.after(() => house.remove());
  const child = await startChild(house);
  t.after(() => child.kill());
  const admin = await claim(child);
  const [key = ''] = await keysFor(admin);
  assert.equal(await call(child.url, key, false), 200);
  assert.equal(await call(child.url, key, false), 200);
  // Two calls cost 7000 micro-dollars: nothing is left of the new budget.
  writeFileSync(house.policyFile, `${TEAMS}\nbudgets: [ { each: person, limit: 0.007 USD/day } ]`);
  let status = 200;
  for (let turn = 0; turn < 100 && status !== 429; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = double.begun();
    status = await call(child.url, key, false);
    if (status === 200) assert.equal(double.begun(), before + 1);
  }
  assert.equal(status, 429);
  await admin.call('POST', '/api/usage/rebuild', {});
  assert.equal(await call(child.url, key, false), 429);
});
