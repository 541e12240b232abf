/** Stops, grants, and the team of a key, as the API takes and shows them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grant, stop } from '../store/rows.ts';
import { NOW, openDoor } from './fake.ts';

type Door = Awaited<ReturnType<typeof openDoor>>;

async function made(door: Door, url: string, body: object) {
  const answer = await door.call('POST', url, { body });
  assert.equal(answer.statusCode, 201, answer.body);
  return answer.json();
}

async function refusedAs(door: Door, url: string, wanted: readonly (readonly [string, object])[]) {
  const before = door.world.changes.length;
  for (const [code, body] of wanted) {
    const answer = await door.call('POST', url, { body });
    assert.equal(answer.json().code, code, `${JSON.stringify(body)}: ${answer.body}`);
  }
  assert.equal(door.world.changes.length, before);
}

test('a stop names people, services and keys by name or id, and everything else as it is', async () => {
  const door = await openDoor();
  const { world, member, owner } = door;
  const ci = world.party('ci', { kind: 'service' });
  world.party('ops@example.com', { kind: 'service' });
  const key = world.credential(member.id).row.id;
  const cases = [
    ['person', 'MIA@example.com', member.id, 'mia@example.com'],
    ['person', member.id, member.id, 'mia@example.com'],
    ['service', 'CI', ci.id, 'ci'],
    ['service', ci.id, ci.id, 'ci'],
    ['key', key, key, null],
    ['session', 's-1', 's-1', null],
    ['model', 'claude-opus-*', 'claude-opus-*', null],
    ['upstream', 'anthropic', 'anthropic', null],
  ] as const;
  for (const [target, subject, id, name] of cases) {
    const shown = await made(door, '/api/stops', { target, subject, reason: 'runs wild' });
    assert.deepEqual(
      [shown.target, shown.subject, shown.subject_name, shown.reason, shown.state],
      [target, id, name, 'runs wild', 'active'],
    );
    assert.deepEqual([shown.actor, shown.actor_name, shown.lifted_at], [owner.id, 'olga@example.com', null]);
    assert.match(shown.id, /^stp_/);
  }
  const all = await made(door, '/api/stops', { target: 'everything', reason: 'incident' });
  assert.deepEqual([all.target, all.subject], ['everything', null]);
  assert.deepEqual(
    world.stops.map((row) => row.target),
    ['party', 'party', 'party', 'party', 'key', 'session', 'model', 'upstream', 'everything'],
  );
  await refusedAs(door, '/api/stops', [
    ['resource_unknown', { target: 'person', subject: 'nobody@example.com', reason: 'r' }],
    ['resource_unknown', { target: 'person', subject: ci.id, reason: 'r' }],
    ['resource_unknown', { target: 'person', subject: 'ops@example.com', reason: 'r' }],
    ['resource_unknown', { target: 'service', subject: 'mia@example.com', reason: 'r' }],
    ['resource_unknown', { target: 'key', subject: 'key_x', reason: 'r' }],
    ['invalid', { target: 'everything', subject: 'x', reason: 'r' }],
    ['invalid', { target: 'session', reason: 'r' }],
    ['invalid', { target: 'session', subject: 's' }],
    ['invalid', { target: 'session', subject: 's', reason: ' ' }],
    ['invalid', { target: 'world', subject: 's', reason: 'r' }],
  ]);
  await door.app.close();
});

test('stops are listed while they are in force, or all of them, and lifted by id', async () => {
  const door = await openDoor();
  const [old, on] = [stop({ liftedAt: NOW }), stop({ target: 'everything', subject: null })];
  door.world.stops.push(old, on);
  const list = async (query: string) => {
    const answer = (await door.call('GET', `/api/stops${query}`)).json();
    return [answer.stops.map((row: { id: string }) => row.id), answer.cursor];
  };
  assert.deepEqual(await list(''), [[on.id], null]);
  assert.deepEqual(await list('?state=all'), [[on.id, old.id], null]);
  assert.deepEqual(await list('?state=all&limit=1'), [[on.id], on.id]);
  assert.deepEqual(await list(`?state=all&limit=1&cursor=${on.id}`), [[old.id], null]);
  const lifted = (await door.call('POST', `/api/stops/${on.id}/lift`, { body: { reason: 'over' } })).json();
  assert.deepEqual([lifted.id, lifted.state], [on.id, 'lifted']);
  assert.match(lifted.lifted_at, /^2026-11-24T12:00:00/);
  await door.app.close();
});

test('P8: the stop that was asked for is in the answer, not another', async () => {
  const door = await openDoor();
  door.world.stops.push(stop(), stop({ target: 'everything', subject: null }));
  const shown = await made(door, '/api/stops', { target: 'session', subject: 's', reason: 'r' });
  assert.equal(shown.subject, 's');
  await door.app.close();
});

test('a grant is for whom the words say, exact to a micro-dollar, and ends when they say', async () => {
  const door = await openDoor();
  const { world, member } = door;
  const team = (await made(door, '/api/teams', { name: 'Data Platform' })).id;
  const ci = world.party('ci', { kind: 'service' });
  const key = world.credential(member.id).row.id;
  const budget = { kind: 'budget', hours: '8 h', reason: 'end of quarter' };
  for (const [whom, scope, subject, shown] of [
    ['organization', 'organization', null, 'organization'],
    ['team data platform', 'team', team, 'team Data Platform'],
    [team, 'team', team, 'team Data Platform'],
    ['service ci', 'service', ci.id, 'service ci'],
    [ci.id, 'service', ci.id, 'service ci'],
    ['Mia@example.com', 'person', member.id, 'mia@example.com'],
    ['person mia@example.com', 'person', member.id, 'mia@example.com'],
    [member.id, 'person', member.id, 'mia@example.com'],
    [key, 'key', key, key],
    [`key ${key}`, 'key', key, key],
  ] as const) {
    const answer = await made(door, '/api/grants', { ...budget, for: whom, usd: '1' });
    assert.deepEqual([answer.scope, answer.subject, answer.for], [scope, subject, shown], whom);
  }
  for (const [usd, micros, text] of [
    ['0.000001', 1, '0.000001'],
    ['250', 250_000_000, '250.000000'],
    ['1.1', 1_100_000, '1.100000'],
    ['4.35', 4_350_000, '4.350000'],
    ['999999999.999999', 999_999_999_999_999, '999999999.999999'],
  ] as const) {
    const answer = await made(door, '/api/grants', { ...budget, for: 'organization', usd });
    assert.deepEqual([answer.amount_micros, answer.amount_usd, answer.model], [micros, text, null]);
  }
  const approval = { kind: 'approval', for: 'organization', model: 'claude-opus-*', reason: 'audit' };
  for (const [when, end] of [
    [{ ends_at: '2027-01-31' }, '2027-02-01T00:00:00.000Z'],
    [{ ends_at: '2028-02-29' }, '2028-03-01T00:00:00.000Z'],
    [{ ends_at: '2027-01-31T18:00:00+01:00' }, '2027-01-31T17:00:00.000Z'],
  ] as const) {
    const answer = await made(door, '/api/grants', { ...approval, ...when });
    assert.deepEqual([answer.ends_at, answer.amount_usd, answer.model], [end, null, 'claude-opus-*']);
  }
  const before = world.now;
  const answer = await made(door, '/api/grants', { ...approval, hours: '90 minutes' });
  assert.equal(Date.parse(answer.ends_at), before + 5_400_000);
  await door.app.close();
});

test('a grant that says too little, too much, or names nobody is refused', async () => {
  const door = await openDoor();
  const budget = { kind: 'budget', for: 'organization', usd: '5', hours: '8 h', reason: 'r' };
  const approval = { kind: 'approval', for: 'organization', model: 'm', hours: '8 h', reason: 'r' };
  await refusedAs(door, '/api/grants', [
    ...['', '-1', '1e3', '1.0000001', '1,5', '.5', '0x10', '1234567890'].map(
      (usd) => ['invalid', { ...budget, usd }] as const,
    ),
    ...['2027-02-30', 'tomorrow', '2027-01-31T18:00:00', '8 h'].map(
      (end) => ['invalid', { ...budget, hours: undefined, ends_at: end }] as const,
    ),
    ['invalid', { ...budget, usd: 5 }],
    ['invalid', { ...budget, usd: undefined }],
    ['invalid', { ...budget, model: 'm' }],
    ['invalid', { ...budget, hours: undefined }],
    ['invalid', { ...budget, ends_at: '2027-01-31' }],
    ['invalid', { ...budget, hours: '8' }],
    ['invalid', { ...budget, reason: undefined }],
    ['invalid', { ...approval, usd: '5' }],
    ['invalid', { ...approval, model: undefined }],
    ['resource_unknown', { ...budget, for: 'team Nobody' }],
    ['resource_unknown', { ...budget, for: 'service nobody' }],
    ['resource_unknown', { ...budget, for: 'service mia@example.com' }],
    ['resource_unknown', { ...budget, for: 'nobody@example.com' }],
    ['resource_unknown', { ...budget, for: 'key_nothing' }],
    ['resource_unknown', { ...budget, for: 'everyone' }],
  ]);
  await door.app.close();
});

test('grants are listed with the state they are in now, and revoked by id', async () => {
  const door = await openDoor();
  const { world } = door;
  const rows = {
    ended: grant({ startsAt: NOW - 9, endsAt: NOW - 5 }),
    revoked: grant({ endsAt: NOW + 1e6, revokedAt: NOW }),
    scheduled: grant({ startsAt: NOW + 5e5, endsAt: NOW + 1e6 }),
    active: grant({ startsAt: NOW - 9, endsAt: NOW + 1e6 }),
  };
  world.grants.push(...Object.values(rows));
  const list = async (query: string) =>
    (await door.call('GET', `/api/grants${query}`)).json().grants.map((row: { state: string }) => row.state);
  assert.deepEqual(await list(''), ['active', 'scheduled']);
  assert.deepEqual(await list('?state=all'), ['active', 'scheduled', 'revoked', 'ended']);
  const answer = await door.call('POST', `/api/grants/${rows.active.id}/revoke`);
  assert.deepEqual([answer.json().id, answer.json().state], [rows.active.id, 'revoked']);
  await door.app.close();
});

test('a key names the team it is charged to; a service in a team stays there', async () => {
  const door = await openDoor();
  const { world } = door;
  const a = (await made(door, '/api/teams', { name: 'A' })).id;
  const b = (await made(door, '/api/teams', { name: 'B' })).id;
  const teams = async (body: object) => {
    const { key } = await made(door, '/api/keys', body);
    return [key.team_name, key.charged_team, key.charged_team_name];
  };
  assert.deepEqual(await teams({ person: 'mia@example.com' }), [null, null, null]);
  assert.deepEqual(await teams({ person: 'mia@example.com', team: 'b' }), [null, b, 'B']);
  assert.deepEqual(await teams({ service: 'ci', team: 'a' }), ['A', a, 'A']);
  assert.deepEqual(await teams({ service: 'ci', team: 'B' }), ['A', b, 'B']);
  assert.equal(world.parties.find((row) => row.name === 'ci')?.team, a);
  await refusedAs(door, '/api/keys', [
    ['resource_unknown', { person: 'mia@example.com', team: 'C' }],
    ['invalid', { person: 'olga@example.com', kind: 'admin', team: 'A' }],
  ]);
  await door.app.close();
});
