/** RFC 9110 §13.1.1: nobody overwrites what they have not seen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grant, stop } from '../store/rows.ts';
import { NOW, openDoor, World } from './fake.ts';

const tagOf = (answer: { headers: Record<string, unknown> }): string => String(answer.headers.etag);

test('a single thing has a strong tag that changes with it, and a change can name it', async () => {
  const { world, call, member, app } = await openDoor();
  const url = `/api/people/${member.id}`;
  const first = tagOf(await call('GET', url));
  assert.match(first, /^"[\w-]{32}"$/);
  assert.equal(tagOf(await call('GET', url)), first);
  const disable = (tag: string) => call('POST', `${url}/disable`, { body: {}, headers: { 'if-match': tag } });
  const done = await disable(`"other", ${first}`);
  assert.equal(done.statusCode, 200, done.body);
  assert.notEqual(tagOf(done), first);
  assert.equal(tagOf(await call('GET', url)), tagOf(done));
  for (const [tag, status, code] of [
    [first, 412, 'precondition_failed'],
    ['"other"', 412, 'precondition_failed'],
    [`W/${tagOf(done)}`, 412, 'precondition_failed'],
    ['no tag', 400, 'invalid'],
    [`${tagOf(done)}, x`, 400, 'invalid'],
    [`"${'x'.repeat(5000)}"`, 400, 'invalid'],
  ] as const) {
    const refused = await disable(tag);
    assert.deepEqual([refused.statusCode, refused.json().code], [status, code], tag);
  }
  assert.deepEqual(world.changes, ['party.disabled']);
  assert.equal((await disable('*')).statusCode, 200);
  await app.close();
});

test('every change that takes if-match heeds it, each against what its resource shows', async () => {
  const { world, call, owner, member, app } = await openDoor();
  world.policies.put('access: [{ allow: "*", to: everyone }]');
  const heir = world.party('heir@example.com', { role: 'admin' });
  const key = world.credential(member.id).row.id;
  world.stops.push(stop());
  world.grants.push(grant({ endsAt: NOW + 1000 }));
  const invited = await call('POST', '/api/invitations', {
    body: { email: 'g@x.example', provider: 'okta', hours: '8 h' },
  });
  const person = `/api/people/${member.id}`;
  const cases: [method: 'POST' | 'PUT', shown: string, change: string, body: object][] = [
    ['POST', person, `${person}/team`, { team: null }],
    ['POST', person, `${person}/enable`, {}],
    ['PUT', `${person}/role`, `${person}/role`, { role: 'auditor' }],
    ['POST', `/api/keys/${key}`, `/api/keys/${key}/rotate`, {}],
    ['POST', `/api/keys/${key}`, `/api/keys/${key}/revoke`, {}],
    ['POST', `/api/stops/${world.stops[0]?.id}`, `/api/stops/${world.stops[0]?.id}/lift`, {}],
    ['POST', `/api/grants/${world.grants[0]?.id}`, `/api/grants/${world.grants[0]?.id}/revoke`, {}],
    ['POST', `/api/invitations/${invited.json().id}`, `/api/invitations/${invited.json().id}/extend`, { hours: '9 h' }],
    ['POST', `/api/invitations/${invited.json().id}`, `/api/invitations/${invited.json().id}/revoke`, {}],
    ['POST', '/api/policy', '/api/policy/apply', { text: 'access: []' }],
    ['POST', '/api/policy', '/api/policy/rollback', { revision: 1 }],
    ['POST', person, `${person}/erase`, {}],
    ['POST', '/api/owner', '/api/owner/transfer', { to: heir.id }],
  ];
  for (const [method, shown, change, body] of cases) {
    const before = world.changes.length;
    const stale = await call(method, change, { body, headers: { 'if-match': '"stale"' } });
    assert.deepEqual([stale.statusCode, stale.json().code], [412, 'precondition_failed'], change);
    assert.equal(world.changes.length, before, change);
    const tag = tagOf(await call('GET', shown));
    const done = await call(method, change, { body, headers: { 'if-match': tag } });
    assert.ok(done.statusCode < 300, `${change}: ${done.body}`);
  }
  assert.ok(owner);
  await app.close();
});

test('P8: a precondition is refused where it would be passed over', async () => {
  const { world, call, app } = await openDoor();
  const answer = await call('POST', '/api/teams', { body: { name: 'A' }, headers: { 'if-match': '"a"' } });
  assert.deepEqual([answer.statusCode, answer.json().code], [400, 'invalid']);
  assert.deepEqual(world.changes, []);
  await app.close();
});

test('the calls of a key do not change its tag, and time does not change that of a policy', async () => {
  const { world, call, member, app } = await openDoor();
  const { id } = world.credential(member.id).row;
  const tag = tagOf(await call('GET', `/api/keys/${id}`));
  world.lastUse.set(id, NOW + 5);
  assert.equal(tagOf(await call('GET', `/api/keys/${id}`)), tag);
  world.policies.put('access: [{ allow: "*", to: everyone }]');
  const policy = tagOf(await call('GET', '/api/policy'));
  world.policies.trouble = 'a newer revision cannot be used';
  assert.equal(tagOf(await call('GET', '/api/policy')), policy);
  await app.close();
});

test('of those who change what all of them saw, one does, and the others hear that it was changed', async () => {
  const world = new World();
  let waiting = 0;
  let go = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const door = await openDoor({
    changes: {
      ...world.services().changes,
      disableParty: async ({ party }) => {
        waiting += 1;
        await gate;
        door.world.set('parties', party, { disabledAt: door.world.now });
      },
    },
  });
  const url = `/api/people/${door.member.id}`;
  const headers = { 'if-match': tagOf(await door.call('GET', url)) };
  const both = [1, 2, 3].map(() => door.call('POST', `${url}/disable`, { body: {}, headers }));
  // Nobody else waits for this thing: another is changed meanwhile.
  const other = door.world.party('other@example.com');
  while (waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await door.call('POST', `/api/people/${other.id}/team`, { body: { team: null } })).statusCode, 200);
  go();
  const statuses = (await Promise.all(both)).map(({ statusCode }) => statusCode);
  assert.deepEqual(statuses.sort(), [200, 412, 412]);
  assert.equal(waiting, 1);
  await door.app.close();
});
