/** What a policy would do: diff, explain, replay, over the real answers and a world in memory. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { request } from 'undici';
import type { JournalRecord } from '../../src/journal/records.ts';
import { replayPast } from '../../src/main/policy/replay.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import { grant, stop } from '../store/rows.ts';
import { NOW, openDoor } from './fake.ts';

type Door = Awaited<ReturnType<typeof openDoor>>;
const post = async (door: Door, path: string, body: object) => {
  const answer = await door.call('POST', `/api/policy/${path}`, { body });
  return { status: answer.statusCode, body: answer.json() };
};

test('a diff says who gains and loses what, over the living, with teams of directory and policy', async () => {
  const door = await openDoor();
  const { world } = door;
  const team = { id: 'tea_00000000000000000000000001', name: 'Research', createdAt: 0 };
  world.teams.push(team);
  world.party('alan@example.com', { team: team.id });
  world.party('gone@example.com', { team: team.id, disabledAt: 1 });
  world.party('payments-ci', { kind: 'service' });
  world.policies.put('access: [{ allow: claude-sonnet-5-5, to: everyone }]\n');
  const text = [
    'teams: { payments: { members: [alan@example.com] }, research: { members: [mia@example.com] } }',
    'access:',
    '  - { allow: claude-sonnet-5-5, to: everyone }',
    '  - { allow: claude-opus-5-5, to: team research }',
    '  - { deny: claude-sonnet-5-5, to: service payments-ci }',
  ].join('\n');
  const { status, body } = await post(door, 'diff', { text });
  assert.equal(status, 200, JSON.stringify(body));
  const told = body.access.map(
    (entry: { change: string; names: string[]; who: { count: number; first: { name: string }[] } }) => [
      entry.change,
      entry.names,
      entry.who.count,
      entry.who.first.map(({ name }) => name),
    ],
  );
  assert.deepEqual(told, [
    ['gained', ['claude-opus-5-5'], 2, ['alan@example.com', 'mia@example.com']],
    ['lost', ['claude-sonnet-5-5'], 1, ['payments-ci']],
  ]);
  assert.deepEqual([body.against, body.newest, body.empty, body.tried.parties], [1, 1, false, 4]);
  assert.match(body.lines[0], /^claude-sonnet-5-5: lost by 1 service: payments-ci$/);
  const same = (await post(door, 'diff', { revision: 1 })).body;
  assert.deepEqual([same.empty, same.access], [true, []]);
  world.policies.put('{}');
  const back = (await post(door, 'diff', { revision: 1 })).body;
  assert.equal(back.access[0].change, 'gained');
  assert.equal((await post(door, 'diff', { revision: 1, against: 1 })).body.empty, true);
  assert.equal((await post(door, 'diff', { revision: 1, against: 9 })).status, 404);
  assert.equal((await post(door, 'diff', { text: '{}', revision: 1 })).status, 400);
  await door.app.close();
});

test('a diff over many people is one answer, the same as for few', async () => {
  const door = await openDoor();
  for (let i = 119; i >= 0; i--) door.world.party(`p${String(i).padStart(3, '0')}@example.com`);
  const { body } = await post(door, 'diff', { text: 'access: [{ allow: claude-opus-5-5, to: everyone }]' });
  assert.equal(body.against, null, 'nothing is in force: compared with what allows nothing');
  assert.deepEqual([body.access.length, body.access[0].who.count, body.tried.parties], [1, 122, 122]);
  assert.deepEqual(
    [body.access[0].who.first[0].name, body.access[0].who.first[121].name],
    ['mia@example.com', 'p119@example.com'],
  );
  await door.app.close();
});

test('a diff tells keys apart that a policy names', async () => {
  const door = await openDoor();
  const { world, member } = door;
  const [one, two] = [world.credential(member.id).row.id, world.credential(member.id).row.id];
  world.policies.put('access: [{ allow: claude-opus-5-5, to: mia@example.com }]');
  const text = `access: [{ allow: claude-opus-5-5, to: mia@example.com }, { deny: claude-opus-5-5, to: key ${two} }]`;
  const { body } = await post(door, 'diff', { text });
  assert.deepEqual([body.access.length, body.access[0].change, body.access[0].who.count], [1, 'lost', 1]);
  const explained = async (key: string) =>
    (await post(door, 'explain', { person: member.id, key, model: 'claude-opus-5-5', text })).body.code;
  assert.deepEqual([await explained(one), await explained(two)], [null, 'not_permitted']);
  await door.app.close();
});

test('explain tells what decides, and what lies over the policy: stops, approvals, spent budgets, a disabled caller', async () => {
  const door = await openDoor();
  const { world, member } = door;
  world.policies.put(
    [
      'models: { allowed: [claude-sonnet-5-5, claude-opus-5-5] }',
      'access: [{ allow: claude-*, to: everyone }, { ask: claude-opus-*, to: everyone, because: "dear" }]',
      'server_side: [{ allow: web_search, to: everyone, max_uses: 3 }]',
      'budgets: [{ each: person, limit: 10 USD/month }]',
    ].join('\n'),
  );
  const ask = async (resource: object, more: object = {}) =>
    (await post(door, 'explain', { person: 'Mia@example.com', ...resource, ...more })).body;
  const sonnet = await ask({ model: 'claude-sonnet-5-5' });
  assert.deepEqual(
    [sonnet.code, sonnet.decision.effect, sonnet.decision.place.path, sonnet.revision],
    [null, 'allow', 'access[0]', 1],
  );
  assert.equal(sonnet.lines[0], 'The gateway lets this call through now.');
  const [budget] = sonnet.budgets;
  assert.deepEqual(
    [budget.place.path, budget.limit_usd, budget.spent_usd, budget.held_usd, budget.known, budget.resets_at],
    ['budgets[0]', '10.000000', '0.000000', '0.000000', true, '2026-12-01T00:00:00.000Z'],
  );
  assert.equal((await ask({ model: 'claude-haiku-5-5' })).code, 'not_permitted', 'outside the ceiling');
  const capability = await ask({ capability: 'web_search' });
  assert.deepEqual([capability.code, capability.decision.max_uses], [null, 3]);
  assert.equal((await ask({ capability: 'remote_mcp' })).code, 'not_permitted');
  const opus = await ask({ model: 'claude-opus-5-5' });
  assert.deepEqual([opus.code, opus.decision.because], ['approval_required', 'dear']);
  world.grants.push(
    grant({
      kind: 'approval',
      scope: 'person',
      subject: member.id,
      models: 'claude-opus-*',
      micros: null,
      startsAt: 0,
      endsAt: NOW + 1e9,
    }),
  );
  const approved = await ask({ model: 'claude-opus-5-5' });
  assert.deepEqual([approved.code, approved.approvals.length], [null, 1]);
  assert.equal((await ask({ model: 'claude-sonnet-5-5' })).approvals.length, 0, 'it is for another model');

  const facts = {
    who: member.id,
    kind: 'person',
    name: 'mia@example.com',
    key: '',
    team: null,
    teamName: null,
    day: '2026-11-24',
  } as const;
  const { ledger } = world.policies;
  ledger.reserve({ id: 'rec_1', facts: { ...facts, model: 'm' }, bound: null, estimate: 10_000_000 }, () => 0);
  assert.equal((await ask({ model: 'claude-sonnet-5-5' })).budgets[0].held_usd, '10.000000');
  ledger.settle('rec_1', 10_000_000);
  const spent = await ask({ model: 'claude-sonnet-5-5' });
  assert.deepEqual([spent.code, spent.budgets[0].spent_usd], ['budget_spent', '10.000000']);
  assert.match(
    spent.lines.join('\n'),
    /budgets\[0\]: 10 USD spent, 0 USD held of 10 USD; begins anew 2026-12-01 00:00 UTC/,
  );
  world.grants.push(
    grant({ kind: 'budget', scope: 'person', subject: member.id, micros: 5_000_000, startsAt: 0, endsAt: NOW + 1e9 }),
  );
  const granted = await ask({ model: 'claude-sonnet-5-5' });
  assert.deepEqual([granted.code, granted.budgets[0].granted_usd], [null, '5.000000']);

  const text =
    'access: [{ allow: "*", to: everyone }]\nbudgets: [{ each: person, limit: 1 USD/month }, { each: person, limit: 1 USD/day }]';
  const candidate = await ask({ model: 'claude-sonnet-5-5' }, { text });
  assert.deepEqual(
    [candidate.revision, candidate.budgets.map(({ known }: { known: boolean }) => known)],
    [null, [true, false]],
  );
  assert.equal(candidate.budgets[0].spent_usd, '10.000000', 'the same line is found again under the candidate');

  world.stops.push(stop({ target: 'model', subject: 'claude-sonnet-*', reason: 'INC-42', liftedAt: null }));
  const stopped = await ask({ model: 'claude-sonnet-5-5' });
  assert.deepEqual([stopped.code, stopped.stops[0].reason], ['stopped', 'INC-42']);
  world.set('parties', member.id, { disabledAt: 1 });
  assert.equal((await ask({ model: 'claude-opus-5-5' })).code, 'owner_disabled');
  await door.app.close();
});

test('explain knows that a policy refuses models without a price', async () => {
  const door = await openDoor();
  door.world.party('mia@example.com');
  const text = 'access: [{ allow: claude-*, to: everyone }]\nmodels: { unknown_price: refuse }\n';
  const codeFor = async (model: string, policy: string) =>
    (await post(door, 'explain', { person: 'mia@example.com', model, text: policy })).body.code;
  await post(door, 'apply', { text });
  assert.equal(await codeFor('claude-unheard-of', text), 'price_unknown');
  assert.equal(await codeFor('claude-sonnet-5-5', text), null);
  assert.equal(await codeFor('claude-unheard-of', text.replace('refuse', 'pessimistic')), null);
});

test('explain refuses what it cannot answer: unknown callers, keys and teams, no policy, two questions at once', async () => {
  const door = await openDoor();
  const question = { person: 'mia@example.com', model: 'm' };
  assert.equal((await post(door, 'explain', question)).status, 404, 'no policy is in force');
  door.world.policies.put('teams: { a: { members: [mia@example.com] }, b: {}, c: { members: [mia@example.com] } }');
  assert.equal((await post(door, 'explain', { ...question, person: 'x@example.com' })).status, 404);
  assert.equal((await post(door, 'explain', { ...question, key: 'key_x' })).status, 404);
  const team = await post(door, 'explain', { ...question, team: 'b' });
  assert.match(team.body.detail, /not in that team; it is in a, c/);
  assert.equal((await post(door, 'explain', { ...question, team: 'C' })).body.caller.team, 'c');
  for (const wrong of [{ service: 's' }, { capability: 'c' }, { model: undefined }]) {
    assert.equal((await post(door, 'explain', { ...question, ...wrong })).status, 400);
  }
  await door.app.close();
});

test('a replay reads the journal page by page, charges orphans what they held, and one runs at a time', async () => {
  const door = await openDoor();
  const { world, member } = door;
  const at = (minute: number): string => new Date(NOW - 3_600_000 + minute * 60_000).toISOString();
  let seq = 0;
  const record = (kind: JournalRecord['kind'], body: object, minute = seq): JournalRecord =>
    ({ seq: ++seq, prev: '', id: `rec_${seq}`, at: at(minute), kind, ...body }) as JournalRecord;
  const caller = { who: member.id, key: 'key_1', team: null, day: '2026-11-24', action: 'model.call' };
  const opus = { ...caller, model: 'claude-opus-5-5' };
  world.policies.past = [
    record('intent', { ...opus, reserved: 100, decision: { rule: 'access[0]' } }),
    record('outcome', { ...opus, intent: 'rec_1', cost: { micros: 2_000_000 } }),
    record('intent', { ...opus, reserved: 100, decision: { rule: 'gra_1' } }),
    record('extension', { intent: 'rec_3', reserved: 1_500_000 }),
    record('outcome', { intent: 'rec_3', result: 'unknown' }),
    record('refusal', { ...caller, model: 'claude-sonnet-5-5', code: 'not_permitted' }),
    record('refusal', { who: member.id, key: 'adm_1', team: null, action: 'admin', code: 'role_required' }),
    record('strangers', {}),
  ];
  const text = 'access: [{ allow: claude-sonnet-*, to: everyone }]\nbudgets: [{ each: person, limit: 3 USD/day }]';
  const { status, body } = await post(door, 'replay', { text, days: 1 });
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(
    [body.records, body.stopped_early, Date.parse(body.to) - Date.parse(body.from)],
    [7, false, 86_400_000],
  );
  const { decisions, budgets } = body;
  assert.deepEqual([decisions.seen, decisions.newly_refused.calls, decisions.newly_allowed.calls], [3, 2, 1]);
  assert.equal(decisions.newly_refused.by_caller.groups[0].name, 'mia@example.com');
  assert.deepEqual(
    [budgets.passed.length, budgets.passed[0].spent_usd, budgets.passed[0].counter],
    [1, '3.500000', member.id],
  );
  assert.match(body.lines.join('\n'), /3 calls seen: 2 newly refused by rules, 1 newly allowed, 0 unchanged/);
  const [page] = world.policies.pages;
  assert.deepEqual(
    [page?.oldestFirst, page?.limit, page?.kinds],
    [true, 1000, ['intent', 'extension', 'outcome', 'refusal']],
  );

  // What an approval let through, the candidate's ask lets through too; a rule that it has only for the service is no one's.
  const asks = await post(door, 'replay', { text: 'access: [{ ask: claude-*, to: everyone }]' });
  assert.equal(asks.body.decisions.newly_refused.calls, 1);
  assert.equal((await post(door, 'replay', { text, days: 91 })).status, 400);

  let release = (): void => undefined;
  world.policies.onPage = () =>
    new Promise<void>((resolve) => {
      release = resolve;
    });
  const first = post(door, 'replay', { text });
  while (world.policies.pages.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const second = await post(door, 'replay', { text });
  assert.deepEqual([second.status, second.body.code], [409, 'conflict']);
  release();
  assert.equal((await first).status, 200);
  world.policies.onPage = () => undefined;
  assert.equal((await post(door, 'replay', { text })).status, 200, 'the next one may run');
  await door.app.close();
});

test('a replay ends at its bound of records, or when nobody waits for it any more, and says how far it came', async () => {
  const { world, app, token } = await openDoor();
  const { policies } = world;
  const call = { who: 'per_1', key: 'key_1', team: null, action: 'model.call', model: 'm', day: '2026-11-24' };
  policies.past = Array.from({ length: 2500 }, (_, i) => {
    const at = new Date(NOW - 3_600_000 + i).toISOString();
    return { seq: i + 1, prev: '', id: `rec_${i}`, at, kind: 'intent', reserved: 0, ...call } as JournalRecord;
  });
  const loaded = loadPolicy({ text: '{}', file: 'policy' });
  assert.ok(loaded.ok);
  const options = { policy: loaded.policy, days: 1, gone: new AbortController().signal };
  const whole = await replayPast(policies.parts, options);
  assert.deepEqual([whole.records, whole.stoppedEarly, whole.to], [2500, false, world.now]);
  const exact = await replayPast(policies.parts, { ...options, mostRecords: 2500 });
  assert.deepEqual([exact.records, exact.stoppedEarly], [2500, false]);
  const bounded = await replayPast(policies.parts, { ...options, mostRecords: 1200 });
  assert.deepEqual([bounded.records, bounded.stoppedEarly, bounded.to], [1200, true, NOW - 3_600_000 + 1199]);
  assert.match(bounded.lines[1] ?? '', /There are more/);
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ text: '{}' });
  const heard = await request(`${address}/api/policy/replay`, { method: 'POST', headers, body });
  assert.equal(((await heard.body.json()) as { records: number }).records, 2500, 'who waits is told everything');
  policies.pages = [];
  const closed = new Promise<void>((resolve) => {
    app.server.once('connection', (socket) => socket.once('close', () => resolve()));
  });
  const leaver = httpRequest(`${address}/api/policy/replay`, { method: 'POST', headers, agent: false });
  leaver.on('error', () => undefined);
  policies.onPage = () => {
    leaver.destroy();
    return closed;
  };
  leaver.end(body);
  while (policies.pages.length === 0) await new Promise((resolve) => setImmediate(resolve));
  // The next replay may run as soon as the one that nobody waits for has ended.
  policies.onPage = () => undefined;
  while (
    (await app.inject({ method: 'POST', url: '/api/policy/replay', headers, payload: { text: '{}', days: 2 } }))
      .statusCode !== 200
  );
  assert.equal(
    policies.pages.filter(({ from }) => from === policies.pages[0]?.from).length,
    1,
    'no page more was read',
  );
  await app.close();
});
