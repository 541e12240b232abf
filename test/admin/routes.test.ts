import assert from 'node:assert/strict';
import { test } from 'node:test';
import fastify from 'fastify';
import { adminDoor } from '../../src/doors/admin/door.ts';
import { grant, stop } from '../store/rows.ts';
import { NOW, openDoor, World } from './fake.ts';

type Door = Awaited<ReturnType<typeof openDoor>>;

/** Every operation of the document, with a body and path that succeed. `records` counts the outbox rows it must leave. */
function operations(door: Door, key: string, record: string) {
  const mia = 'mia%40example.com';
  const { world } = door;
  const stop = { target: 'everything', reason: 'incident' };
  const grant = { kind: 'budget', for: 'organization', usd: '5', hours: '8 h', reason: 'end of quarter' };
  const question = { person: door.member.id, model: 'm' };
  return [
    { name: 'listPeople', method: 'GET', url: '/api/people', records: 0 },
    { name: 'getPerson', method: 'GET', url: `/api/people/${door.member.id}`, records: 0 },
    { name: 'listTeams', method: 'GET', url: '/api/teams', records: 0 },
    { name: 'listKeys', method: 'GET', url: '/api/keys', records: 0 },
    { name: 'getKey', method: 'GET', url: `/api/keys/${key}`, records: 0 },
    { name: 'searchAudit', method: 'GET', url: '/api/audit', records: 0 },
    { name: 'getAuditHead', method: 'GET', url: '/api/audit/head', records: 0 },
    { name: 'getAuditRecord', method: 'GET', url: `/api/audit/${record}`, records: 0 },
    // Reading what somebody said is itself recorded.
    { name: 'getAuditContent', method: 'GET', url: `/api/audit/${record}/content`, records: 1 },
    { name: 'getUsage', method: 'GET', url: '/api/usage', records: 0 },
    { name: 'getForecast', method: 'GET', url: '/api/usage/forecast', records: 0 },
    { name: 'getUnusualSpending', method: 'GET', url: '/api/usage/unusual', records: 0 },
    { name: 'getHealth', method: 'GET', url: '/api/health', records: 0 },
    { name: 'addPerson', method: 'POST', url: '/api/people', body: { email: 'new@example.com' }, records: 1 },
    { name: 'addTeam', method: 'POST', url: '/api/teams', body: { name: 'Payments' }, records: 1 },
    { name: 'setPersonTeam', method: 'POST', url: `/api/people/${mia}/team`, body: { team: 'payments' }, records: 1 },
    { name: 'createKey', method: 'POST', url: '/api/keys', body: { person: door.member.id }, records: 1 },
    { name: 'rotateKey', method: 'POST', url: `/api/keys/${key}/rotate`, records: 1 },
    { name: 'revokeKey', method: 'POST', url: `/api/keys/${key}/revoke`, body: { reason: 'lost' }, records: 1 },
    { name: 'disablePerson', method: 'POST', url: `/api/people/${mia}/disable`, records: 1 },
    { name: 'enablePerson', method: 'POST', url: `/api/people/${mia}/enable`, records: 1 },
    { name: 'erasePerson', method: 'POST', url: `/api/people/${mia}/erase`, records: 1 },
    { name: 'listStops', method: 'GET', url: '/api/stops', records: 0 },
    { name: 'listGrants', method: 'GET', url: '/api/grants', records: 0 },
    { name: 'makeStop', method: 'POST', url: '/api/stops', body: stop, records: 1 },
    { name: 'liftStop', method: 'POST', url: `/api/stops/${world.stops[0]?.id}/lift`, records: 1 },
    { name: 'makeGrant', method: 'POST', url: '/api/grants', body: grant, records: 1 },
    { name: 'revokeGrant', method: 'POST', url: `/api/grants/${world.grants[0]?.id}/revoke`, records: 1 },
    { name: 'getPolicy', method: 'GET', url: '/api/policy', records: 0 },
    { name: 'listPolicyRevisions', method: 'GET', url: '/api/policy/revisions', records: 0 },
    { name: 'getPolicyRevision', method: 'GET', url: '/api/policy/revisions/1', records: 0 },
    { name: 'checkPolicy', method: 'POST', url: '/api/policy/check', body: { text: '{}' }, records: 0, asks: true },
    { name: 'diffPolicy', method: 'POST', url: '/api/policy/diff', body: { text: '{}' }, records: 0, asks: true },
    { name: 'explainPolicy', method: 'POST', url: '/api/policy/explain', body: question, records: 0, asks: true },
    { name: 'replayPolicy', method: 'POST', url: '/api/policy/replay', body: { text: '{}' }, records: 0, asks: true },
    { name: 'applyPolicy', method: 'POST', url: '/api/policy/apply', body: { text: '{}' }, records: 1 },
    { name: 'rollbackPolicy', method: 'POST', url: '/api/policy/rollback', body: { revision: 1 }, records: 1 },
    { name: 'listBudgets', method: 'GET', url: '/api/budgets', records: 0 },
    { name: 'rebuildUsage', method: 'POST', url: '/api/usage/rebuild', records: 1 },
    { name: 'createBackup', method: 'POST', url: '/api/backup', body: { name: 'monday' }, records: 1 },
  ] as const;
}

function aRecord(world: World) {
  const record = {
    seq: 1,
    prev: '00',
    id: `rec_${'0'.repeat(26)}`,
    at: '2026-11-24T11:00:00.000Z',
    kind: 'intent' as const,
  };
  world.records.push(record);
  return record.id;
}

/** A stop to lift, a grant to revoke, a policy in force. */
function overlaid(world: World) {
  world.policies.put('access: [{ allow: "*", to: everyone }]');
  world.stops.push(stop({ target: 'session', subject: 's1' }));
  world.grants.push(grant({ endsAt: NOW + 86_400_000 }));
}

const PUBLIC = ['claimOwner', 'getOpenapi'];

test('P1: every operation that changes something leaves exactly one record, and no other does', async () => {
  const door = await openDoor();
  const key = door.world.credential(door.member.id).row.id;
  overlaid(door.world);
  const walked = operations(door, key, aRecord(door.world));
  for (const operation of walked) {
    const before = door.world.changes.length;
    const body = 'body' in operation ? { body: operation.body } : {};
    const answer = await door.call(operation.method, operation.url, body);
    assert.ok(answer.statusCode < 300, `${operation.name}: ${answer.statusCode} ${answer.body}`);
    assert.equal(door.world.changes.length - before, operation.records, operation.name);
    // What a POST that only asks was given is too large for an address: a document.
    if (operation.method === 'POST' && !('asks' in operation)) assert.equal(operation.records, 1, operation.name);
  }
  assert.deepEqual(door.world.refusals, []);
  const document = (await door.call('GET', '/api/openapi.json', { token: null })).json();
  const documented = Object.values(document.paths).flatMap((path) =>
    Object.values(path as Record<string, { operationId: string }>).map((operation) => operation.operationId),
  );
  assert.deepEqual(
    documented.sort(),
    [...walked.map((one) => one.name), ...PUBLIC].sort(),
    'an operation is not walked',
  );
  await door.app.close();
});

test('P8: no operation works without an admin token of an owner, and nothing changes on the way', async () => {
  const door = await openDoor();
  const record = aRecord(door.world);
  const cases = [
    { token: null, status: 401, code: 'credential_missing', known: false },
    { token: 'gha_invented', status: 401, code: 'credential_unknown', known: false },
    { token: door.virtualKey, status: 401, code: 'wrong_door', known: true },
    { token: door.memberToken, status: 403, code: 'owner_required', known: true },
  ];
  const key = door.world.credential(door.member.id).row.id;
  overlaid(door.world);
  for (const operation of operations(door, key, record)) {
    for (const { token, status, code, known } of cases) {
      const answer = await door.call(operation.method, operation.url, { token, body: { anything: 1 } });
      const text = `${operation.name} ${code}`;
      assert.equal(answer.statusCode, status, text);
      assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/, text);
      assert.equal(answer.json().code, code, text);
      if (status === 401) assert.equal(answer.headers['www-authenticate'], 'Bearer realm="gatehouse"');
      const recorded = door.world.refusals.at(-1);
      assert.equal(recorded?.code, code, text);
      assert.equal(recorded?.caller?.who, known ? door.member.id : undefined, text);
    }
  }
  assert.deepEqual(door.world.changes, []);
  await door.app.close();
});

test('a route that states no permission stops the start', async () => {
  const app = fastify();
  // The hook is what adminDoor itself adds: a route registered through it by mistake must not get by.
  app.addHook('onRoute', (route) => {
    if (route.url === '/api/teams' && route.config) delete (route.config as { permission?: string }).permission;
  });
  await assert.rejects(adminDoor(app, new World().services()), /\/api\/teams states no permission/);
});

test('P8: an identify service that lets a virtual key in by mistake is caught', async () => {
  const world = new World();
  const owner = world.party('o@example.com', { role: 'owner' });
  const door = await openDoor({
    identify: () => ({
      kind: 'person',
      id: owner.id,
      team: null,
      keyTeam: null,
      role: 'owner',
      credential: { id: 'key_x', kind: 'key', expires: null },
      snapshot: 'd1',
    }),
  });
  const answer = await door.call('GET', '/api/people');
  assert.equal(answer.statusCode, 401);
  assert.equal(answer.json().code, 'wrong_door');
  await door.app.close();
});

test('the body of a stranger is not read', async () => {
  const door = await openDoor();
  const answer = await door.app.inject({
    method: 'POST',
    url: '/api/people',
    headers: { 'content-type': 'application/json' },
    payload: '{ this is not JSON',
  });
  assert.equal(answer.statusCode, 401);
  const unknown = await door.call('GET', '/api/nothing', { token: null });
  assert.equal(unknown.statusCode, 401, 'a stranger is not told what exists');
  await door.app.close();
});
