/** The door over the real directory: what is changed of people, roles, sessions and invitations, and what the trail says of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fastify from 'fastify';
import { adminDoor } from '../../src/doors/admin/door.ts';
import type { AdminCaller, AdminRequest, AdminServices } from '../../src/doors/admin/services.ts';
import { watchDoor } from '../../src/doors/watch/door.ts';
import { directoryChanges } from '../../src/identity/changes.ts';
import { Directory } from '../../src/identity/directory.ts';
import { IdentityRefusal, identify } from '../../src/identity/identify.ts';
import { clientOf, Sessions } from '../../src/identity/sessions.ts';
import { SignInFailure } from '../../src/identity/sign-in-failure.ts';
import type { JsonObject } from '../../src/journal/records.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { type Method, World } from './fake.ts';

const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0';
const HOUR = 3_600_000;

async function openReal() {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-admin-'));
  let now = Date.parse('2026-11-24T12:00:00Z');
  const clock = { now: () => now++, monotonic: () => now };
  const store = await openSqliteStore({ path: join(folder, 'store.db'), clock });
  const directory = await Directory.load({ store, clock });
  const changes = directoryChanges({ store, directory, clock });
  const sessions = new Sessions({ directory, idleMs: 12 * HOUR, rotateMs: HOUR / 4 });
  const claimed = await changes.claimOwner({
    secret: (await changes.ensureOwnerSecret()) ?? '',
    email: 'olga@example.com',
  });

  const whoIs = async ({ headers, session }: AdminRequest): Promise<AdminCaller> => {
    if (session === null) return callerFor(identify(headers, { directory, door: 'admin', now }), null);
    const verdict = sessions.verify(session, clientOf(headers['user-agent']).client, now);
    if ('ok' in verdict) return callerFor(verdict.ok.principal, verdict.ok.session.csrf);
    throw new IdentityRefusal('session_ended');
  };
  const callerFor = (principal: AdminCaller['principal'], csrf: string | null): AdminCaller => ({
    ...{ principal, csrf, teams: [], roleReason: 'assigned', renewed: null },
  });
  const services: AdminServices = {
    ...new World().services(),
    clock,
    identify: whoIs,
    directory: () => store.directory(),
    credentials: (owner) => store.credentials(owner),
    changes,
    standing: (id) => ({
      role: directory.current.parties.get(id)?.role ?? 'member',
      reason: 'assigned',
      leads: new Set<string>(),
    }),
    teamsOf: () => [],
    sessions: async (limit, person) =>
      (await store.sessions(limit, person)).map((row) => ({ ...row, open: sessions.isOpen(row, now) })),
    waitingIdentities: (limit) => store.waitingIdentities(limit),
    invitations: (limit) => store.invitations(limit),
    recordRefusal: async () => null,
  };
  const app = fastify({ routerOptions: { maxParamLength: 256 } });
  await watchDoor(app, {
    metrics: () => 'gatehouse_up 1\n',
    ready: () => null,
    mayReadMetrics: async (headers) => void identify(headers, { directory, door: 'admin', now }),
  });
  await adminDoor(app, services);

  /** Rows of the outbox since the last time it was asked. */
  let seen = await store.outboxHead();
  const records = async (): Promise<JsonObject[]> => {
    const rows = (await store.outbox(1000)).filter(({ number }) => number > seen);
    seen = await store.outboxHead();
    return rows.map(({ record }) => record);
  };
  const call = async (method: Method, url: string, body?: object, headers?: Record<string, string>) => {
    const answer = await app.inject({
      method,
      url: `/api${url}`,
      headers: headers ?? { authorization: `Bearer ${claimed.token}` },
      ...(body === undefined ? {} : { payload: body }),
    });
    return { status: answer.statusCode, body: answer.json() };
  };
  const prove = (subject: string, email: string) =>
    changes.admitIdentity({
      proven: {
        ...{ provider: 'okta', subject, issuer: 'https://acme.okta.com', email, emailVerified: true },
        ...{ name: null, groups: ['eng'], until: null, once: null },
      },
      capturedBy: email.endsWith('@acme.com') ? 'okta' : null,
      trustsEmail: false,
    });
  const signIn = (person: string) =>
    changes.openSession({ person, provider: 'okta', ...clientOf(AGENT), until: null, longestMs: 24 * HOUR });
  const close = async (): Promise<void> => {
    await app.close();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { owner: claimed.person, directory, app, call, records, prove, signIn, changes, close, now: () => now };
}

test('P1, P7: every change of people and their sign-ins leaves one record with actor, before and after, and no address', async () => {
  const { owner, call, records, prove, signIn, close } = await openReal();
  const { person: ann } = await prove('ann', 'ann@acme.com');
  await call('POST', '/people', { email: 'bob@acme.com' });
  await assert.rejects(prove('bob-okta', 'bob@acme.com'), SignInFailure);
  await assert.rejects(prove('bob-two', 'bob@acme.com'), SignInFailure);
  const session = await signIn(ann);
  await signIn(ann);
  await records();
  const { waiting } = (await call('GET', '/identities/waiting')).body;
  const idOf = (subject: string) => waiting.find((row: { subject: string }) => row.subject === subject).id;
  const annsIdentity = (await call('GET', `/identities?person=${ann}`)).body.identities[0].id;
  const steps: [Method, string, object | undefined, string][] = [
    ['POST', `/identities/waiting/${idOf('bob-okta')}/link`, { reason: 'SEC-1' }, 'identity.linked'],
    ['POST', `/identities/waiting/${idOf('bob-two')}/discard`, {}, 'identity.discarded'],
    ['POST', '/invitations', { email: 'guest@partner.example', provider: 'adfs', hours: '8 h' }, 'invitation.made'],
    ['POST', '/invitations/INV/extend', { hours: '9 h' }, 'invitation.extended'],
    ['POST', '/invitations/INV/revoke', { reason: 'over' }, 'invitation.revoked'],
    ['DELETE', `/sessions/${session.id}`, undefined, 'session.revoked'],
    ['POST', `/people/${ann}/sessions/revoke`, {}, 'sessions.revoked'],
    ['POST', `/identities/${annsIdentity}/unlink`, {}, 'identity.unlinked'],
    ['PUT', '/people/bob%40acme.com/role', { role: 'auditor', reason: 'SEC-2' }, 'role.changed'],
    ['POST', '/owner/break-glass', {}, 'break_glass.sealed'],
    ['POST', '/owner/transfer', { to: 'bob@acme.com' }, 'owner.transferred'],
  ];
  let invitation = '';
  for (const [method, path, body, action] of steps) {
    const answer = await call(method, path.replace('INV', invitation), body);
    assert.ok(answer.status < 300, `${action}: ${JSON.stringify(answer.body)}`);
    if (action === 'invitation.made') invitation = answer.body.id;
    const rows = await records();
    assert.equal(rows.length, 1, action);
    const [row = {}] = rows;
    assert.deepEqual([row.action, row.actor], [action, owner], action);
    assert.ok('before' in row && 'after' in row && 'reason' in row && typeof row.subject === 'string', action);
    assert.ok(row.before !== null || row.after !== null, action);
    assert.doesNotMatch(JSON.stringify(row), /@/, action);
  }
  // Whoever handed it over is an admin now.
  assert.equal((await call('POST', '/owner/break-glass', {})).body.code, 'role_required');
  await close();
});

test('P1: what changes nothing leaves no record, and what the verbs refuse is a problem', async () => {
  const { owner, call, records, prove, close } = await openReal();
  const { person: ann } = await prove('ann', 'ann@acme.com');
  await records();
  for (const [method, path, body, status] of [
    ['PUT', `/people/${ann}/role`, { role: 'member' }, 200],
    ['POST', `/people/${ann}/sessions/revoke`, {}, 200],
    ['POST', '/owner/transfer', { to: owner }, 200],
    ['PUT', `/people/${ann}/role`, { role: 'admin', reason: 'as ann@acme.com asked' }, 400],
    ['POST', '/invitations', { email: 'ann@acme.org', provider: 'adfs', hours: '367 days' }, 400],
    ['DELETE', '/sessions/ses_x', undefined, 404],
    ['POST', '/invitations/inv_x/revoke', {}, 404],
  ] as const) {
    const answer = await call(method, path, body);
    assert.equal(answer.status, status, `${path}: ${JSON.stringify(answer.body)}`);
    assert.deepEqual(await records(), [], path);
  }
  await close();
});

test('P3: a session that was ended is refused at once, and works in no other way and at no other door', async () => {
  const { app, call, prove, signIn, directory, close, now } = await openReal();
  const { person } = await prove('ann', 'ann@acme.com');
  const session = await signIn(person);
  const browser = (more = {}) => ({
    ...{ cookie: `gatehouse-session=${session.secret}`, 'user-agent': AGENT, 'sec-fetch-site': 'same-origin' },
    ...more,
  });
  const who = await call('GET', '/session', undefined, browser());
  assert.deepEqual([who.status, who.body.email], [200, 'ann@acme.com']);
  // As a token it opens nothing: there no CSRF token guards it.
  const bearer = { authorization: `Bearer ${session.secret}` };
  assert.equal((await call('GET', '/session', undefined, bearer)).status, 401);
  const everywhere: Record<string, string>[] = [bearer, { 'x-api-key': session.secret }, browser()];
  for (const headers of everywhere) {
    assert.throws(
      () => identify(headers, { directory, door: 'key', now: now() }),
      IdentityRefusal,
      'the door of messages',
    );
    assert.equal((await app.inject({ url: '/metrics', headers })).statusCode, 401);
  }
  const out = await call('DELETE', '/session', undefined, browser({ 'x-gatehouse-csrf': who.body.csrf }));
  assert.equal(out.status, 200, JSON.stringify(out.body));
  assert.equal((await call('GET', '/session', undefined, browser())).body.code, 'session_ended');
  await close();
});
