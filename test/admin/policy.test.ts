/** `/policy` and `/budgets` over the real answers and a world in memory. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { request } from 'undici';
import type { JournalRecord } from '../../src/journal/records.ts';
import { replayPast } from '../../src/main/policy/replay.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import { grant, stop } from '../store/rows.ts';
import { NOW, openDoor } from './fake.ts';

const SONNET = 'access: [{ allow: claude-sonnet-*, to: everyone }]\n';
const BOTH = `${SONNET.replace(']', ', { allow: claude-opus-5-5, to: mia@example.com }]')}`;

type Door = Awaited<ReturnType<typeof openDoor>>;
const post = async (door: Door, path: string, body: object) => {
  const answer = await door.call('POST', `/api/policy/${path}`, { body });
  return { status: answer.statusCode, body: answer.json() };
};
const get = async (door: Door, path: string) => {
  const answer = await door.call('GET', `/api/${path}`);
  return { status: answer.statusCode, body: answer.json() };
};

test('P8: without a policy there is none to show; the first one can be applied and is shown with author and remarks', async () => {
  const door = await openDoor();
  const none = await get(door, 'policy');
  assert.deepEqual([none.status, none.body.code], [404, 'resource_unknown']);
  assert.match(none.body.detail, /every call is refused/);
  const text = `${SONNET}budgets: [{ for: nobody@example.com, limit: 5 USD/day }]\n`;
  const applied = await post(door, 'apply', { text, reason: 'SEC-214', expect: 0 });
  assert.equal(applied.status, 200, JSON.stringify(applied.body));
  assert.deepEqual([applied.body.revision, applied.body.unchanged], [1, false]);
  const codes = applied.body.findings.map(({ code }: { code: string }) => code);
  assert.ok(codes.includes('unknown_name'), codes.join());
  const { body } = await get(door, 'policy');
  assert.deepEqual(
    [body.source, body.file, body.revision, body.newest, body.author, body.author_name, body.reason, body.mode],
    ['store', null, 1, 1, door.owner.id, 'olga@example.com', 'SEC-214', 'enforce'],
  );
  assert.deepEqual([body.text, body.trouble, body.restores], [text, null, null]);
  assert.equal(body.applied_at, '2026-11-24T12:00:00.000Z');
  assert.ok(
    body.findings.some(
      ({ code, place }: { code: string; place: { line: number } }) => code === 'unknown_name' && place.line === 2,
    ),
  );
  assert.deepEqual(door.world.changes, ['policy.applied']);
  // A new budget refuses calls until its spending is known (P8): whoever applied it need not meet that.
  door.world.policies.waiting = 1;
  setTimeout(() => {
    door.world.policies.waiting = 0;
  }, 200);
  const again = await post(door, 'apply', { text });
  assert.equal(door.world.policies.waiting, 0);
  assert.deepEqual([again.body.revision, again.body.unchanged], [1, true]);
  assert.deepEqual(door.world.changes, ['policy.applied'], 'what changed nothing leaves no record');
  await door.app.close();
});

test('P8: an invalid document is refused with every fault and its place, and nothing of it is recorded', async () => {
  const door = await openDoor();
  door.world.policies.put(SONNET);
  const text = 'acces: []\naccess: [{ alow: claude-opus-5-5, to: ada@example.com }]\n';
  for (const path of ['apply', 'diff', 'replay'] as const) {
    const { status, body } = await post(door, path, { text });
    assert.deepEqual([status, body.code], [400, 'invalid'], path);
    const [first] = body.errors;
    assert.deepEqual([first.pointer, first.detail], ['acces', '1:1: unknown key. Did you mean "access"?']);
    assert.ok(body.errors.some(({ pointer }: { pointer: string }) => pointer === 'access[0].alow'));
    assert.doesNotMatch(JSON.stringify(door.world.refusals.at(-1)), /ada@example|acces/, 'nothing typed is recorded');
  }
  const checked = await post(door, 'check', { text });
  assert.equal(checked.body.valid, false);
  assert.deepEqual(checked.body.problems[0], {
    line: 1,
    column: 1,
    path: 'acces',
    message: 'unknown key',
    suggestion: 'access',
  });
  assert.equal((await get(door, 'policy')).body.text, SONNET);
  assert.deepEqual(door.world.changes, []);
  await door.app.close();
});

test('a document of one megabyte is read, one of one byte more is refused', async () => {
  const door = await openDoor();
  const most = 1024 * 1024;
  // Characters that JSON may escape as three bytes each.
  const filled = (bytes: number): string => `${SONNET}#${'é'.repeat(Math.floor((bytes - SONNET.length - 1) / 2))}`;
  const fits = filled(most);
  const exact = fits + '#'.repeat(most - Buffer.byteLength(fits));
  const escaped = JSON.stringify({ text: exact }).replaceAll('é', '\\u00e9');
  const headers = { authorization: `Bearer ${door.token}`, 'content-type': 'application/json' };
  const read = await door.app.inject({ method: 'POST', url: '/api/policy/apply', headers, payload: escaped });
  assert.equal(read.statusCode, 200, read.body.slice(0, 300));
  const over = await post(door, 'apply', { text: `${exact}#` });
  assert.equal(over.status, 400);
  assert.match(over.body.errors[0].detail, /over 1 MiB/);
  const checked = await post(door, 'check', { text: `${exact}#` });
  assert.equal(checked.body.valid, false);
  const huge = await post(door, 'apply', { text: 'x'.repeat(5 * most) });
  assert.equal(huge.status, 413);
  assert.equal((await door.call('POST', '/api/people', { body: { email: 'x'.repeat(2 * most) } })).statusCode, 413);
  assert.equal(door.world.policies.rows.length, 1);
  await door.app.close();
});

test('an apply of somebody who saw an older revision conflicts, and so does every change where a file is the source', async () => {
  const door = await openDoor();
  door.world.policies.put(SONNET);
  door.world.policies.put(BOTH);
  const stale = await post(door, 'apply', { text: '{}', expect: 1 });
  assert.deepEqual([stale.status, stale.body.code], [409, 'conflict']);
  assert.match(stale.body.detail, /revision 2/);
  assert.equal((await post(door, 'rollback', { revision: 1, expect: 1 })).status, 409);
  door.world.policies.file = '/etc/gatehouse/policy.yaml';
  for (const [path, body] of [
    ['apply', { text: '{}' }],
    ['rollback', { revision: 1 }],
  ] as const) {
    const refused = await post(door, path, body);
    assert.equal(refused.status, 409);
    assert.match(refused.body.detail, /the file \/etc\/gatehouse\/policy\.yaml/);
  }
  const shown = (await get(door, 'policy')).body;
  assert.deepEqual([shown.source, shown.file], ['file', '/etc/gatehouse/policy.yaml']);
  assert.deepEqual(door.world.changes, []);
  await door.app.close();
});

test('revisions are listed newest first, page by page, and a rollback is a new one', async () => {
  const door = await openDoor();
  for (const text of [SONNET, BOTH, '{}']) door.world.policies.put(text);
  const page = (await get(door, 'policy/revisions?limit=2')).body;
  assert.deepEqual(
    page.revisions.map(({ revision }: { revision: number }) => revision),
    [3, 2],
  );
  const rest = (await get(door, `policy/revisions?limit=2&cursor=${page.cursor}`)).body;
  assert.deepEqual([rest.revisions[0].revision, rest.cursor], [1, null]);
  assert.equal((await get(door, 'policy/revisions?cursor=x')).status, 400);
  assert.equal((await get(door, 'policy/revisions/2')).body.text, BOTH);
  assert.equal((await get(door, 'policy/revisions/9')).status, 404);
  assert.equal((await get(door, 'policy/revisions/0')).status, 400);
  const back = await post(door, 'rollback', { revision: 2, reason: 'INC-42' });
  assert.deepEqual([back.status, back.body.revision], [200, 4]);
  const { body } = await get(door, 'policy');
  assert.deepEqual([body.text, body.restores, body.reason], [BOTH, 2, 'INC-42']);
  assert.equal((await post(door, 'rollback', { revision: 9 })).status, 404);
  door.world.policies.put('', { sha256: 'ab'.repeat(32) });
  assert.equal((await post(door, 'rollback', { revision: 5 })).status, 409, 'a text that was lost cannot come back');
  await door.app.close();
});

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
    record('refusal', { who: member.id, key: 'adm_1', team: null, action: 'admin', code: 'owner_required' }),
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
  assert.match(body.lines.join('\n'), /3 calls seen: 2 newly refused, 1 newly allowed, 0 unchanged/);
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

test('budgets show every counter of today, with name, grants and rest; money exact', async () => {
  const door = await openDoor();
  const { world, member } = door;
  world.teams.push({ id: 'tea_00000000000000000000000001', name: 'Research', createdAt: 0 });
  world.policies.put(
    [
      'time_zone: America/New_York',
      'teams: { research: {} }',
      'budgets:',
      '  - { for: organization, limit: 100 USD/day }',
      '  - { each: person, limit: 0.30 USD/month, except: { olga@example.com: 0 USD/month } }',
      '  - { each: team, limit: 5 USD/week, mode: observe }',
    ].join('\n'),
  );
  const { ledger } = world.policies;
  const facts = {
    kind: 'person',
    name: null,
    key: 'k',
    team: null,
    teamName: null,
    model: 'm',
    day: '2026-11-24',
  } as const;
  for (const [id, who, micros] of [
    ['rec_1', door.owner.id, 1],
    ['rec_2', member.id, 100_001],
  ] as const) {
    ledger.reserve({ id, facts: { ...facts, who }, bound: null, estimate: micros }, () => 1);
    ledger.settle(id, micros);
  }
  // Yesterday's money is spent of yesterday's budget.
  const yesterday = { ...facts, who: 'svc_1', kind: 'service', day: '2026-11-23' } as const;
  ledger.reserve({ id: 'rec_3', facts: yesterday, bound: null, estimate: 9 }, () => 1);
  ledger.settle('rec_3', 9);
  world.grants.push(
    grant({ kind: 'budget', scope: 'organization', subject: null, micros: 1_000_000, startsAt: 0, endsAt: NOW + 1e9 }),
  );
  const { body } = await get(door, 'budgets');
  assert.deepEqual(
    [body.day, body.time_zone, body.waiting, body.more, body.simulated],
    ['2026-11-24', 'America/New_York', 0, 0, false],
  );
  const rows = body.budgets.map(
    (row: Record<string, never> & { whom: Record<string, string>; budget: { path: string } }) => [
      row.budget.path,
      row.whom.scope,
      row.whom.name,
      row.limit_usd,
      row.granted_usd,
      row.spent_micros,
      row.percent,
      row.mode,
      row.resets_at,
    ],
  );
  assert.deepEqual(rows, [
    ['budgets[0]', 'organization', null, '100.000000', '1.000000', 100_002, 0.1, 'enforce', '2026-11-25T05:00:00.000Z'],
    [
      'budgets[1]',
      'person',
      'olga@example.com',
      '0.000000',
      '0.000000',
      1,
      null,
      'enforce',
      '2026-12-01T05:00:00.000Z',
    ],
    [
      'budgets[1]',
      'person',
      'mia@example.com',
      '0.300000',
      '0.000000',
      100_001,
      33.3,
      'enforce',
      '2026-12-01T05:00:00.000Z',
    ],
    ['budgets[2]', 'team', 'Research', '5.000000', '0.000000', 0, 0, 'observe', '2026-11-30T05:00:00.000Z'],
  ]);
  assert.equal((await get(door, 'budgets?scope=person')).body.budgets.length, 2);
  const cut = (await get(door, 'budgets?limit=1')).body;
  assert.deepEqual([cut.budgets.length, cut.more], [1, 3]);
  await door.app.close();
});
