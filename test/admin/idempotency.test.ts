/** draft-ietf-httpapi-idempotency-key-header: what is sent again is done once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdminProblem } from '../../src/doors/admin/problems.ts';
import { ChangeError, openDoor, World } from './fake.ts';

const KEY = { 'idempotency-key': '"8e03978e-40d5-43e8-bc93-6894a57f9324"' };

test('P5: the same request with the same key is done once, and the secret it made is answered again', async () => {
  const { world, call, member, app } = await openDoor();
  const make = () => call('POST', '/api/keys', { body: { person: member.id }, headers: KEY });
  const first = await make();
  const again = await make();
  assert.deepEqual([first.statusCode, again.statusCode], [201, 201]);
  assert.equal(again.body, first.body);
  assert.match(again.json().secret, /^ghk_/);
  assert.deepEqual(world.changes, ['key.created']);
  assert.deepEqual([first.headers['idempotent-replayed'], again.headers['idempotent-replayed']], [undefined, 'true']);
  assert.match(again.headers['content-type'] ?? '', /^application\/json/);
  assert.equal(again.headers['cache-control'], 'no-store');
  // What is handed to the keeper is the answer; who and what it was are digests.
  const [kept] = [...world.answers.kept];
  assert.match(kept?.[0] ?? '', /^[0-9a-f]{64}$/);
  assert.match(kept?.[1].request ?? '', /^[0-9a-f]{64}$/);
  // Quoted or bare is the same text.
  const bare = await call('POST', '/api/keys', {
    body: { person: member.id },
    headers: { 'idempotency-key': KEY['idempotency-key'].slice(1, -1) },
  });
  assert.equal(bare.body, first.body);
  await app.close();
});

test('a key that came with another body, address or precondition is refused', async () => {
  const { world, call, member, app } = await openDoor();
  const other = world.credential(member.id).row.id;
  const own = world.credential(member.id).row.id;
  assert.equal((await call('POST', `/api/keys/${own}/revoke`, { body: {}, headers: KEY })).statusCode, 200);
  for (const [url, body, headers] of [
    [`/api/keys/${own}/revoke`, { reason: 'lost' }, {}],
    [`/api/keys/${other}/revoke`, {}, {}],
    [`/api/keys/${own}/revoke`, {}, { 'if-match': '*' }],
  ] as const) {
    const answer = await call('POST', url, { body, headers: { ...KEY, ...headers } });
    assert.deepEqual([answer.statusCode, answer.json().code], [422, 'idempotency_mismatch'], url);
  }
  assert.deepEqual(world.changes, ['key.revoked']);
  await app.close();
});

test('the same key of somebody else, or for another operation, is another', async () => {
  const { world, call, app } = await openDoor();
  const adam = world.party('adam@example.com', { role: 'admin' });
  const token = world.credential(adam.id, { kind: 'admin' }).secret;
  const add = (name: string, more = {}) => call('POST', '/api/teams', { body: { name }, headers: KEY, ...more });
  assert.equal((await add('A')).json().name, 'A');
  assert.equal((await add('B', { token })).json().name, 'B');
  assert.equal((await call('POST', '/api/backup', { body: { name: 'monday' }, headers: KEY })).statusCode, 201);
  assert.deepEqual(world.changes, ['team.added', 'team.added', 'backup.created']);
  await app.close();
});

test('P8: whoever may not do it any more does not get its answer again', async () => {
  const { world, call, app } = await openDoor();
  const adam = world.party('adam@example.com', { role: 'admin' });
  const token = world.credential(adam.id, { kind: 'admin' }).secret;
  const make = () => call('POST', '/api/keys', { token, body: { person: adam.id }, headers: KEY });
  assert.equal((await make()).statusCode, 201);
  world.set('parties', adam.id, { role: 'auditor' });
  assert.equal((await make()).json().code, 'role_required');
  await app.close();
});

test('while the first is being answered, the second hears so and changes nothing', async () => {
  const world = new World();
  let go = (): void => undefined;
  const waits = new Promise<void>((resolve) => {
    go = resolve;
  });
  let calls = 0;
  const door = await openDoor({
    changes: {
      ...world.services().changes,
      addTeam: async () => {
        calls += 1;
        await waits;
        throw new ChangeError('conflict', 'There is a team of this name.');
      },
    },
  });
  const add = () => door.call('POST', '/api/teams', { body: { name: 'A' }, headers: KEY });
  const first = add();
  while (calls === 0) await new Promise((resolve) => setImmediate(resolve));
  const second = await add();
  assert.deepEqual([second.statusCode, second.json().code], [409, 'idempotency_busy']);
  go();
  assert.equal((await first).json().code, 'conflict');
  // A refusal that says how things stand is an answer too: the same one, of the same record.
  const third = await add();
  assert.deepEqual([third.statusCode, third.json().record], [409, (await first).json().record]);
  assert.match(third.headers['content-type'] ?? '', /^application\/problem\+json/);
  assert.equal(calls, 1);
  await door.app.close();
});

test('failures of ours and refusals of the caller are not kept: the next try is a new one', async () => {
  const world = new World();
  const failures: Error[] = [
    new AdminProblem('out_of_reach', 'Not yet.'),
    new Error('boom'),
    Object.assign(new Error('locked'), { name: 'StoreUnavailable' }),
  ];
  const door = await openDoor({
    changes: {
      ...world.services().changes,
      addTeam: async () => {
        const failure = failures.shift();
        if (failure) throw failure;
        return door.world.services().changes.addTeam({ actor: 'a', name: 'A' });
      },
    },
  });
  const add = (headers = {}) =>
    door.call('POST', '/api/teams', { body: { name: 'A' }, headers: { ...KEY, ...headers } });
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await add()).statusCode);
  assert.deepEqual(statuses, [403, 500, 503, 201]);
  assert.equal((await add()).headers['idempotent-replayed'], 'true');
  await door.app.close();
});

test('P1: an answer that cannot be kept is given, and its request is not done again', async () => {
  const { world, call, app } = await openDoor();
  world.answers.isFull = true;
  const add = () => call('POST', '/api/teams', { body: { name: 'A' }, headers: KEY });
  assert.equal((await add()).statusCode, 201);
  assert.equal((await add()).json().code, 'idempotency_busy');
  assert.deepEqual(world.changes, ['team.added']);
  assert.match(JSON.stringify(world.logged), /could not|keep answer/);
  await app.close();
});

test('a key that is no text is refused, a request that is not valid begins nothing, and what only asks needs no key', async () => {
  const { world, call, app } = await openDoor();
  world.policies.put('access: [{ allow: "*", to: everyone }]');
  for (const key of ['', '""', '"a', 'a b', 'a"b', 'ä', 'x'.repeat(256), '"a", "b"', 'a, b', '"\\""']) {
    const answer = await call('POST', '/api/teams', { body: { name: 'A' }, headers: { 'idempotency-key': key } });
    assert.deepEqual([answer.statusCode, answer.json().code], [400, 'invalid'], key);
  }
  assert.equal((await call('POST', '/api/teams', { body: { nme: 'A' }, headers: KEY })).statusCode, 400);
  assert.equal((await call('POST', '/api/policy/check', { body: { text: '{}' }, headers: KEY })).statusCode, 200);
  assert.equal((await call('GET', '/api/teams', { headers: KEY })).statusCode, 200);
  assert.equal(world.answers.kept.size, 0);
  assert.deepEqual(world.changes, []);
  await app.close();
});
