/** Every route × role × credential, against the table of operations.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fastify from 'fastify';
import { adminDoor } from '../../src/doors/admin/door.ts';
import type { Role } from '../../src/identity/principal.ts';
import { openDoor, World } from './fake.ts';
import { LAST, type Operation, openWalk, operations, PUBLIC, ROLES, type Walk } from './operations.ts';

type Credential = 'token' | 'session' | 'sealed session';
type Sent = { token: string | null } | { session: { secret: string; csrf: string | null } };

/** What this caller sends, and another session of theirs to end. */
function credentialOf(
  { door, callers }: Walk,
  role: Role,
  kind: Credential,
): { sent: Sent; other: string; id: string } {
  const person = callers[role];
  const other = door.world.people.session(person).id;
  if (kind === 'token') {
    const { row, secret } = door.world.credential(person, { kind: 'admin' });
    return { sent: { token: secret }, other, id: row.id };
  }
  const session = door.world.people.session(person, kind === 'session' ? {} : { provider: null });
  return { sent: { session }, other, id: session.id };
}

const bodyOf = ({ body }: Operation) => (body === undefined ? {} : { body });

async function walk(role: Role, kind: Credential): Promise<void> {
  const house = await openWalk();
  const { door, callers } = house;
  const { world } = door;
  const { sent, other, id } = credentialOf(house, role, kind);
  for (const operation of operations(house, other)) {
    const { name, method, url, may } = operation;
    const text = `${name} by ${kind} of ${role}`;
    // Only its author withdraws a proposal.
    if (name === 'withdrawProposal') {
      world.policies.proposals = world.policies.proposals.map((row) =>
        url.includes(row.id) ? { ...row, author: callers[role] } : row,
      );
    }
    const before = { changes: world.changes.length, refusals: world.refusals.length };
    const answer = await door.call(method, url, { ...sent, ...bodyOf(operation) });
    const refused = world.refusals.slice(before.refusals);
    assert.equal(answer.headers['cache-control'], 'no-store', text);
    if (name === 'endSession' && kind === 'token') {
      assert.equal(answer.json().code, 'change_refused', text);
    } else if (may.includes(role)) {
      assert.ok(answer.statusCode < 300, `${text}: ${answer.statusCode} ${answer.body}`);
      assert.equal(world.changes.length - before.changes, operation.records, text);
      assert.deepEqual(refused, [], text);
    } else {
      assert.deepEqual([answer.statusCode, answer.json().code], operation.refused, `${text}: ${answer.body}`);
      assert.equal(world.changes.length, before.changes, text);
      assert.deepEqual(
        [refused.length, refused[0]?.caller?.who, refused[0]?.caller?.key],
        [1, callers[role], id],
        text,
      );
    }
  }
  await door.app.close();
}

for (const role of ROLES) {
  test(`P1, P8: ${role}: every route lets in whom the table says, leaves its records, and refuses all others with a record`, async () => {
    await walk(role, 'token');
    await walk(role, 'session');
  });
}

test('P8: a session by the sealed way in is that of the primary owner, everywhere', () =>
  walk('primary_owner', 'sealed session'));

test('P8: every route of the door is in the table, and every change of it takes another method than GET', async () => {
  const routes: string[] = [];
  const app = fastify();
  app.addHook('onRoute', ({ method, url }) => void routes.push(...[method].flat().map((each) => `${each} ${url}`)));
  await adminDoor(app, new World().services());
  const known = operations(await openWalk(), 'ses_x');
  const listed = [...known.map(({ route }) => route), ...Object.values(PUBLIC)];
  assert.deepEqual(routes.filter((route) => !route.startsWith('HEAD ')).sort(), listed.sort());
  assert.equal(new Set(listed).size, listed.length);
  for (const { name, method, records, asks } of known) {
    // What a POST that only asks was given is too large for an address: a document.
    if (method === 'GET') assert.ok(records === 0 || name === 'getAuditContent', name);
    else assert.equal(records > 0, !asks, name);
  }
  const document = (await app.inject('/api/openapi.json')).json() as {
    paths: Record<string, Record<string, { operationId: string }>>;
  };
  const documented = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  );
  assert.deepEqual(documented.sort(), [...known.map(({ name }) => name), ...Object.keys(PUBLIC)].sort());
  assert.deepEqual(
    known.slice(-2).map(({ name }) => name),
    LAST,
  );
});

test('P8: no route works without a valid credential of this door, and nothing changes on the way', async () => {
  const house = await openWalk();
  const { door, callers } = house;
  const { world } = door;
  const owner = callers.primary_owner;
  const { secret: token } = world.credential(owner, { kind: 'admin' });
  const session = world.people.session(owner);
  const revoked = world.people.session(owner, { revokedAt: world.now });
  const ended = world.people.session(owner, { expiresAt: world.now });
  const ours = { 'sec-fetch-site': 'same-origin', 'x-gatehouse-csrf': session.csrf };
  const cookie = `gatehouse-session=${session.secret}`;
  const cases: [string, Parameters<typeof door.call>[2], number, string, string | null][] = [
    ['none', { token: null }, 401, 'credential_missing', null],
    ['invented', { token: 'gha_invented' }, 401, 'credential_unknown', null],
    ['virtual key', { token: door.virtualKey }, 401, 'wrong_door', door.member.id],
    ['session as a token', { token: session.secret }, 401, 'credential_unknown', null],
    ['unknown session', { session: { secret: 'x'.repeat(43), csrf: session.csrf } }, 401, 'session_ended', null],
    ['revoked session', { session: revoked }, 401, 'session_ended', owner],
    ['ended session', { session: ended }, 401, 'session_ended', owner],
    ['session and token', { token, session }, 401, 'credential_conflict', null],
    ['session and key', { session, headers: { 'x-api-key': door.virtualKey } }, 401, 'credential_conflict', null],
    [
      'two sessions',
      { token: null, headers: { ...ours, cookie: `${cookie}; ${cookie}` } },
      401,
      'credential_malformed',
      null,
    ],
    ['from another site', { session, headers: { 'sec-fetch-site': 'cross-site' } }, 403, 'origin_unexpected', null],
    ['from a sibling site', { session, headers: { 'sec-fetch-site': 'same-site' } }, 403, 'origin_unexpected', null],
    ['from another page', { session, headers: { origin: 'https://evil.example' } }, 403, 'origin_unexpected', null],
  ];
  for (const operation of operations(house, 'ses_x')) {
    for (const [what, sent, status, code, known] of cases) {
      const answer = await door.call(operation.method, operation.url, { ...sent, body: { anything: 1 } });
      const text = `${operation.name} with ${what}`;
      assert.deepEqual([answer.statusCode, answer.json().code], [status, code], `${text}: ${answer.body}`);
      assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/, text);
      if (status === 401) assert.equal(answer.headers['www-authenticate'], 'Bearer realm="gatehouse"');
      const recorded = world.refusals.at(-1);
      assert.deepEqual([recorded?.code, recorded?.caller?.who ?? null], [code, known], text);
    }
  }
  assert.deepEqual(world.changes, []);
  await door.app.close();
});

test('P8: no change by a session works without its token and a page of ours; reading needs neither', async () => {
  const house = await openWalk();
  const { door, callers } = house;
  const { world } = door;
  const session = world.people.session(callers.primary_owner);
  const { csrf: another } = world.people.session(callers.primary_owner);
  const nothing = { 'sec-fetch-site': '' };
  const cases: [string, Parameters<typeof door.call>[2]][] = [
    ['no token', { session: { ...session, csrf: null } }],
    ['the token of another session', { session: { ...session, csrf: another } }],
    ['a token cut short', { session: { ...session, csrf: session.csrf.slice(0, -1) } }],
    ['an empty token', { session: { ...session, csrf: '' } }],
    ['no word of the page', { session, headers: nothing }],
  ];
  for (const operation of operations(house, 'ses_x')) {
    for (const [what, sent] of cases) {
      const text = `${operation.name} with ${what}`;
      const reads = operation.method === 'GET';
      // An address that somebody types comes from no page: `none`.
      const headers = what === 'no word of the page' ? { 'sec-fetch-site': 'none' } : {};
      const answer = await door.call(operation.method, operation.url, {
        ...sent,
        headers,
        ...(reads ? {} : { body: {} }),
      });
      if (reads) assert.equal(answer.statusCode, 200, `${text}: ${answer.body}`);
      else assert.deepEqual([answer.statusCode, answer.json().code], [403, 'csrf_missing'], text);
      if (!reads) assert.equal(world.refusals.at(-1)?.caller?.key, session.id, 'whose session it is, is known');
    }
  }
  assert.deepEqual(new Set(world.changes), new Set(['content.read']));
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

test('P8: whoever reaches less than everything gets into no route that does not say that it narrows', async () => {
  const world = new World();
  const team = world.team('Payments');
  const lena = world.party('lena@example.com', { team: team.id });
  world.people.roles.set(lena.id, 'team_lead');
  const { secret } = world.credential(lena.id, { kind: 'admin' });
  const app = fastify();
  app.addHook('onRoute', (route) => {
    if (route.url === '/api/keys' && route.config) delete (route.config as { narrows?: boolean }).narrows;
  });
  await adminDoor(app, world.services());
  const answer = await app.inject({ url: '/api/keys', headers: { authorization: `Bearer ${secret}` } });
  assert.deepEqual([answer.statusCode, answer.json().code], [403, 'role_required']);
  assert.match(answer.json().detail, /one of: primary owner, admin, auditor\. Your role is team lead\./);
});

test('P8: an identify service that lets a virtual key in by mistake is caught, and one that takes a token for a session', async () => {
  const world = new World();
  const owner = world.party('o@example.com', { role: 'primary_owner' });
  for (const kind of ['key', 'session'] as const) {
    const door = await openDoor({
      identify: async () => ({
        principal: {
          kind: 'person',
          id: owner.id,
          team: null,
          keyTeam: null,
          role: 'primary_owner',
          credential: { id: 'x', kind, expires: null },
          snapshot: 'd1',
        },
        ...{ teams: [], roleReason: '', csrf: null, renewed: null },
      }),
    });
    const answer = await door.call('GET', '/api/people');
    assert.deepEqual([answer.statusCode, answer.json().code], [401, 'wrong_door']);
    await door.app.close();
  }
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
