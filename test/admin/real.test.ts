/** The door over the real directory: store, verbs and identification as main.ts wires them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fastify from 'fastify';
import { adminDoor } from '../../src/doors/admin/door.ts';
import type { AdminServices, RefusedRequest } from '../../src/doors/admin/services.ts';
import { directoryChanges } from '../../src/identity/changes.ts';
import { Directory } from '../../src/identity/directory.ts';
import { identify } from '../../src/identity/identify.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { World } from './fake.ts';

async function openReal() {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-admin-'));
  let now = Date.parse('2026-11-24T12:00:00Z');
  const clock = { now: () => now++, monotonic: () => now };
  const store = await openSqliteStore({ path: join(folder, 'store.db'), clock });
  const directory = await Directory.load({ store, clock });
  const changes = directoryChanges({ store, directory, clock });
  const refusals: RefusedRequest[] = [];
  const services: AdminServices = {
    ...new World().services(),
    clock,
    identify: async ({ headers }) => {
      const principal = identify(headers, { directory, door: 'admin', now });
      return { principal, teams: [], roleReason: 'assigned', csrf: null, renewed: null };
    },
    standing: (id) => ({
      role: directory.current.parties.get(id)?.role ?? 'member',
      reason: 'assigned in the directory',
      leads: new Set<string>(),
    }),
    directory: () => store.directory(),
    credentials: (owner) => store.credentials(owner),
    stops: (limit) => store.stops(limit),
    grants: (limit) => store.grants(limit),
    changes,
    recordRefusal: async (refused) => {
      refusals.push(refused);
      return null;
    },
    recordAction: async (action) => {
      await store.change((tx) => tx.enqueue({ ...action, before: null, reason: null }));
    },
  };
  const secret = await changes.ensureOwnerSecret();
  const app = fastify({ routerOptions: { maxParamLength: 256 } });
  await adminDoor(app, services);
  let token = '';
  const call = async (method: 'GET' | 'POST', url: string, payload?: object) => {
    const authorization = token === '' ? {} : { authorization: `Bearer ${token}` };
    const answer = await app.inject({
      method,
      url: `/api${url}`,
      headers: authorization,
      ...(payload ? { payload } : {}),
    });
    return { status: answer.statusCode, body: answer.json() };
  };
  const close = async (): Promise<void> => {
    await app.close();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const use = (value: string): void => {
    token = value;
  };
  return { call, use, store, directory, refusals, secret: secret ?? '', close, now: () => now };
}

test('P1: with the real verbs every change leaves exactly one outbox row, and asking for it again leaves none', async () => {
  const { call, use, store, secret, close } = await openReal();
  let head = await store.outboxHead();
  const rows = async (): Promise<number> => {
    const before = head;
    head = await store.outboxHead();
    return head - before;
  };
  assert.equal((await call('POST', '/owner', { secret: 'gho_wrong', email: 'o@example.com' })).status, 403);
  const claimed = await call('POST', '/owner', { secret, email: 'O@example.com' });
  assert.equal(claimed.status, 201, JSON.stringify(claimed.body));
  assert.equal(await rows(), 1);
  assert.equal((await call('POST', '/owner', { secret, email: 'p@example.com' })).status, 403, 'it works once');
  use(claimed.body.token);
  const ada = '/people/ada%40example.com';
  const steps: [string, object | undefined, number][] = [
    ['/teams', { name: 'Payments' }, 1],
    ['/people', { email: 'Ada@Example.com', team: 'payments' }, 1],
    ['/people/ada%40example.com/team', { team: null }, 1],
    ['/people/ada%40example.com/team', { team: null }, 0],
    ['/keys', { person: 'ada@example.com', expires: '90 days', label: 'laptop' }, 1],
    ['/keys', { service: 'ci', team: 'Payments' }, 2],
    ['/keys', { service: 'ci' }, 1],
    ['/teams', { name: 'Build' }, 1],
    // In a team already: only the key is charged elsewhere.
    ['/keys', { service: 'ci', team: 'build' }, 1],
    ['/keys', { service: 'bare' }, 2],
    ['/keys', { service: 'bare', team: 'build' }, 2],
    [`${ada}/disable`, undefined, 1],
    [`${ada}/disable`, undefined, 0],
    [`${ada}/enable`, {}, 1],
    ['/stops', { target: 'person', subject: 'ADA@example.com', reason: 'runs wild' }, 1],
    ['/stops', { target: 'person', subject: 'ADA@example.com', reason: 'again' }, 0],
    ['/grants', { kind: 'budget', for: 'team payments', usd: '0.5', hours: '8 h', reason: 'end of quarter' }, 1],
    ['/usage/rebuild', undefined, 1],
    ['/backup', { name: 'monday' }, 1],
  ];
  for (const [url, payload, wanted] of steps) {
    const answer = await call('POST', url, payload);
    assert.ok(answer.status < 300, `${url}: ${JSON.stringify(answer.body)}`);
    assert.equal(await rows(), wanted, `${url} ${JSON.stringify(payload)}`);
  }
  for (const [url, payload, status] of [
    ['/people', { email: 'ada@example.com' }, 409],
    ['/teams', { name: 'Payments' }, 409],
    ['/people/ada%40example.com/disable', { reason: 'as bob@example.com asked' }, 400],
    ['/stops', { target: 'session', subject: 's1', reason: 'as bob@example.com asked' }, 400],
    ['/stops/stp_x/lift', {}, 404],
    ['/grants', { kind: 'approval', for: 'organization', model: '*', hours: '367 days', reason: 'too long' }, 400],
    ['/grants/gra_x/revoke', {}, 404],
  ] as const) {
    assert.equal((await call('POST', url, payload)).status, status, `${url} ${JSON.stringify(payload)}`);
    assert.equal(await rows(), 0);
  }
  await close();
});

test('P3, P7: revoking, rotating and erasing are in force when they are answered', async () => {
  const { call, use, directory, refusals, secret, close, now } = await openReal();
  use((await call('POST', '/owner', { secret, email: 'o@example.com' })).body.token);
  await call('POST', '/people', { email: 'ada@example.com', role: 'admin' });
  const make = async () => (await call('POST', '/keys', { person: 'ada@example.com', kind: 'admin' })).body;
  const first = await make();
  const code = (given: string): string => {
    try {
      identify({ authorization: `Bearer ${given}` }, { directory, door: 'admin', now: now() });
      return 'valid';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  assert.equal(code(first.secret), 'valid');
  assert.equal((await call('POST', `/keys/${first.key.id}/revoke`)).body.state, 'revoked');
  assert.equal(code(first.secret), 'credential_revoked');
  const second = await make();
  const rotated = await call('POST', `/keys/${second.key.id}/rotate`, { overlap: '1 hour' });
  assert.equal(rotated.status, 201);
  assert.deepEqual([code(second.secret), code(rotated.body.secret)], ['valid', 'valid']);
  assert.equal((await call('GET', `/keys/${second.key.id}`)).body.state, 'rotated');
  assert.equal((await call('POST', `/keys/${second.key.id}/rotate`)).status, 409, 'not a second time');
  const erased = await call('POST', '/people/ada%40example.com/erase');
  assert.deepEqual([erased.body.email, erased.body.state], ['erased', 'erased']);
  assert.equal(code(rotated.body.secret), 'credential_revoked');
  const list = await call('GET', '/keys?limit=200');
  assert.doesNotMatch(JSON.stringify(list.body), /ada@/);
  use(first.secret);
  assert.equal((await call('GET', '/people')).status, 401);
  assert.equal(refusals.at(-1)?.code, 'credential_revoked');
  assert.equal(refusals.at(-1)?.caller?.who, first.key.owner, 'the owner of a revoked token is known');
  await close();
});

test('P3: a stop is in force when it is answered, never stops this door, and gives way when it is lifted', async () => {
  const { call, use, directory, store, secret, close } = await openReal();
  const claimed = (await call('POST', '/owner', { secret, email: 'o@example.com' })).body;
  use(claimed.token);
  const { body: made } = await call('POST', '/keys', { person: 'o@example.com' });
  const [everything, person, key] = [
    await call('POST', '/stops', { target: 'everything', reason: 'incident' }),
    await call('POST', '/stops', { target: 'person', subject: 'o@example.com', reason: 'laptop lost' }),
    await call('POST', '/stops', { target: 'key', subject: made.key.id, reason: 'pasted into a chat' }),
  ];
  const { stops } = directory.current;
  assert.equal(stops.everything?.id, everything.body.id);
  assert.equal(stops.byParty.get(claimed.person)?.id, person.body.id);
  assert.equal(stops.byKey.get(made.key.id)?.id, key.body.id);
  assert.equal((await call('GET', '/stops')).body.stops.length, 3, 'a stopped owner still gets in here');
  const lifted = await call('POST', `/stops/${everything.body.id}/lift`, { reason: 'over' });
  assert.deepEqual([lifted.status, lifted.body.state], [200, 'lifted']);
  assert.equal(directory.current.stops.everything, null);
  const token = (await store.directory()).credentials.find((row) => row.kind === 'admin');
  assert.equal((await call('POST', '/stops', { target: 'key', subject: token?.id, reason: 'x' })).status, 409);
  await close();
});
