/** Changes of the policy that two people must agree on, over the real answers and a world in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDoor } from './fake.ts';

const DENY = 'access: [{ allow: "*", to: everyone }, { deny: claude-opus-*, to: everyone }]\n';
const TWO = `two_people: [controls]\n${DENY}`;
/** Takes a deny away. */
const WEAKER = 'two_people: [controls]\naccess: [{ allow: "*", to: everyone }]\n';

async function openTwo() {
  const door = await openDoor();
  const { world } = door;
  world.policies.put(TWO);
  const as = (name: string, role: 'admin' | 'auditor') => {
    const { id } = world.party(`${name}@example.com`, { role });
    return { id, token: world.credential(id, { kind: 'admin' }).secret };
  };
  const [adam, ada, audrey] = [as('adam', 'admin'), as('ada', 'admin'), as('audrey', 'auditor')];
  const post = async (token: string, path: string, body: object = {}) => {
    const answer = await door.call('POST', `/api${path}`, { token, body });
    return { status: answer.statusCode, body: answer.json() };
  };
  return { ...door, adam, ada, audrey, post };
}

test('a change that two people must agree on waits as a proposal until somebody else approves it', async () => {
  const { world, call, adam, ada, audrey, post, app } = await openTwo();
  const made = await post(adam.token, '/policy/apply', { text: WEAKER, reason: 'SEC-7' });
  assert.equal(made.status, 202, JSON.stringify(made.body));
  const { id } = made.body;
  assert.deepEqual(
    [made.body.state, made.body.author, made.body.kinds, made.body.reason, made.body.base],
    ['open', adam.id, ['controls'], 'SEC-7', 1],
  );
  assert.ok(made.body.points.length > 0 && made.body.lines.length > 0, JSON.stringify(made.body));
  assert.equal((await call('GET', '/api/policy')).json().revision, 1, 'nothing is in force yet');
  const shown = await call('GET', `/api/proposals/${id}`, { token: audrey.token });
  assert.equal(shown.json().text, WEAKER);
  const own = await post(adam.token, `/proposals/${id}/approve`);
  assert.deepEqual([own.status, own.body.code], [403, 'second_person_needed']);
  assert.equal((await post(audrey.token, `/proposals/${id}/approve`)).body.code, 'role_required');
  assert.deepEqual(world.changes, ['proposal.made']);
  const stale = await call('POST', `/api/proposals/${id}/approve`, {
    ...{ token: ada.token, body: {} },
    headers: { 'if-match': '"another"' },
  });
  assert.equal(stale.statusCode, 412);
  const done = await call('POST', `/api/proposals/${id}/approve`, {
    ...{ token: ada.token, body: {} },
    headers: { 'if-match': String(shown.headers.etag) },
  });
  assert.deepEqual([done.statusCode, done.json().revision], [200, 2]);
  assert.deepEqual(world.changes, ['proposal.made', 'proposal.approved', 'policy.applied']);
  const after = (await call('GET', `/api/proposals/${id}`)).json();
  assert.deepEqual([after.state, after.decided_by, after.decided_by_name], ['approved', ada.id, 'ada@example.com']);
  await app.close();
});

test('proposals are listed by state, rejected by others and withdrawn, and time ends them', async () => {
  const { world, call, adam, ada, post, app } = await openTwo();
  const propose = async () => (await post(adam.token, '/policy/apply', { text: WEAKER })).body.id;
  const [rejected, withdrawn, left] = [await propose(), await propose(), await propose()];
  assert.equal((await post(ada.token, `/proposals/${rejected}/reject`, { reason: 'no' })).body.state, 'rejected');
  assert.equal((await post(adam.token, `/proposals/${withdrawn}/withdraw`)).body.state, 'withdrawn');
  const listed = async (query = '') =>
    (await call('GET', `/api/proposals${query}`)).json().proposals.map((row: { id: string }) => row.id);
  assert.deepEqual(await listed('?state=open'), [left]);
  assert.equal((await listed()).length, 3);
  world.now += 8 * 86_400_000;
  assert.deepEqual(await listed('?state=ended'), [left]);
  assert.ok(!(await call('GET', '/api/proposals')).body.includes('access:'), 'lists carry no documents');
  assert.equal((await call('GET', '/api/proposals/chg_x')).statusCode, 404);
  assert.equal((await post(ada.token, '/proposals/chg_x/approve')).status, 404);
  await app.close();
});

test('P8: prices and budgets of the whole organization are changed by the primary owner alone', async () => {
  const { world, adam, post, token, app } = await openTwo();
  const text = `${TWO}budgets: [{ for: organization, limit: 100 USD/month }]\n`;
  const refused = await post(adam.token, '/policy/apply', { text });
  assert.deepEqual([refused.status, refused.body.code], [403, 'role_required'], JSON.stringify(refused.body));
  assert.deepEqual(world.changes, []);
  assert.equal((await post(token, '/policy/apply', { text })).status, 200);
  const back = await post(adam.token, '/policy/rollback', { revision: 1 });
  assert.deepEqual([back.status, back.body.code], [403, 'role_required']);
  await app.close();
});

test('a rollback that two people must agree on waits as well', async () => {
  const { world, adam, post, token, app } = await openTwo();
  world.policies.put(WEAKER);
  world.policies.put(TWO);
  const made = await post(adam.token, '/policy/rollback', { revision: 2, expect: 3 });
  assert.deepEqual([made.status, made.body.restores, made.body.base], [202, 2, 3]);
  assert.ok(token);
  await app.close();
});
