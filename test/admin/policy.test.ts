/** `/policy` and `/budgets` over the real answers and a world in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grant } from '../store/rows.ts';
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
