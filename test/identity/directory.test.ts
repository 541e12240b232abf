import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Directory, type Invalidated } from '../../src/identity/directory.ts';
import { newCredential } from '../../src/identity/key-format.ts';
import { withTurned } from '../../src/identity/session-index.ts';
import { compileDirectory, resolve } from '../../src/identity/snapshot.ts';
import type { DirectoryState } from '../../src/store/ports.ts';
import { credential, grant, identity, person, policy, service, session, stop, team } from '../store/rows.ts';
import { handClock, inWorld, T0, type World } from './world.ts';

const empty = (sequence: number): DirectoryState => ({
  sequence,
  parties: [],
  teams: [],
  credentials: [],
  stops: [],
  grants: [],
  policy: null,
  identities: [],
  sessions: [],
});

/** Collects what listeners are told, as plain sorted lists. */
function told(directory: Directory) {
  const calls: Array<{ credentials: string[]; parties: string[] }> = [];
  directory.onChange((invalidated: Invalidated) => {
    const { credentials, parties } = invalidated;
    calls.push({ credentials: [...credentials].sort(), parties: [...parties].sort() });
  });
  return calls;
}

async function addKey(world: World, email: string, expiresAt: number | null = null) {
  const { id: owner } = await world.changes.addPerson({ actor: 'system', email });
  const issued = await world.changes.createKey({ actor: 'system', owner, label: '', kind: 'key', expiresAt });
  return { owner, ...issued };
}

test('a compiled snapshot finds credentials by digest, and parties and teams by id', () => {
  const squad = team();
  const ada = person({ team: squad.id, role: 'auditor' });
  const robot = service();
  const [key, token] = [credential(ada.id, { expiresAt: T0 + 9, team: squad.id }), credential(robot.id)];
  const orphan = credential('per_gone');
  const state = { ...empty(12), parties: [ada, robot], teams: [squad], credentials: [key, token, orphan] };
  const snapshot = compileDirectory(state);
  assert.equal(snapshot.version, 'dir-12');
  assert.deepEqual(snapshot.parties.get(ada.id), ada);
  assert.deepEqual(snapshot.teams.get(squad.id), squad);
  assert.deepEqual(snapshot.credentials.get(token.id), { credential: token, owner: robot });
  assert.deepEqual(resolve(snapshot, key.digest, T0), {
    kind: 'person',
    id: ada.id,
    team: squad.id,
    keyTeam: squad.id,
    role: 'auditor',
    credential: { id: key.id, kind: 'key', expires: T0 + 9 },
    snapshot: 'dir-12',
  });
  assert.deepEqual(resolve(snapshot, orphan.digest, T0), { refused: 'credential_unknown', known: null, expired: null });
  assert.deepEqual(resolve(snapshot, newCredential('key').digest, T0), {
    refused: 'credential_unknown',
    known: null,
    expired: null,
  });
});

test('a session is found by its secret and the one before, an identity by its person; those of nobody are left out', () => {
  const [ada, ben] = [person(), person()];
  const turned = session(ada.id, { previous: 'b'.repeat(64) });
  const orphan = session('per_gone', { previous: 'c'.repeat(64) });
  const [okta, adfs] = [identity(ada.id), identity(ada.id, { provider: 'adfs' })];
  const state = { ...empty(2), parties: [ada, ben], identities: [okta, adfs], sessions: [turned, orphan] };
  const snapshot = compileDirectory(state);
  assert.deepEqual([...snapshot.sessionsByDigest.keys()].sort(), [turned.digest, 'b'.repeat(64)].sort());
  assert.deepEqual(snapshot.sessionsByDigest.get('b'.repeat(64)), { session: turned, owner: ada });
  assert.deepEqual([...snapshot.sessions.keys()], [turned.id]);
  assert.deepEqual([...snapshot.identitiesOf], [[ada.id, [okta, adfs]]]);
  assert.equal(snapshot.byDigest.size, 0, 'a session is no credential');
});

test('secrets that were turned replace older ones, never newer ones, and bring nothing back', () => {
  const ada = person();
  const row = session(ada.id, { previous: 'b'.repeat(64), rotatedAt: T0 + 5 });
  const snapshot = compileDirectory({ ...empty(2), parties: [ada], sessions: [row] });
  const turn = (fields: object) => withTurned(snapshot, [{ ...row, digest: 'd', previous: row.digest, ...fields }]);
  assert.deepEqual([...turn({ rotatedAt: T0 + 6 }).sessionsByDigest.keys()].sort(), [row.digest, 'd'].sort());
  assert.deepEqual(turn({ rotatedAt: T0 + 4 }).sessionsByDigest, snapshot.sessionsByDigest);
  assert.deepEqual(turn({ rotatedAt: T0 + 6, id: 'ses_gone' }).sessionsByDigest, snapshot.sessionsByDigest);
  assert.equal(snapshot.sessions.get(row.id)?.session, row, 'the snapshot itself stays as it is');
});

test('P3: stops are found by what they stop; grants and the policy in force are at hand', () => {
  const [ops, OPS] = [team({ name: 'Ops' }), team({ name: 'OPS' })];
  const stops = [
    stop({ target: 'party', subject: 'per_x' }),
    stop({ target: 'key', subject: 'key_x' }),
    stop({ target: 'session', subject: 'per_x' }),
    stop({ target: 'model', subject: 'claude-opus-*' }),
    stop({ target: 'model', subject: 'claude-*' }),
    stop({ target: 'upstream', subject: 'anthropic' }),
  ];
  const state = { ...empty(3), teams: [ops, OPS], stops, grants: [grant()], policy: policy(7, 'access: []') };
  const snapshot = compileDirectory(state);
  const [party, key, session, opus, all, upstream] = stops;
  assert.deepEqual(snapshot.stops.all, stops);
  assert.deepEqual([...snapshot.stops.byParty], [['per_x', party]]);
  assert.deepEqual([...snapshot.stops.byKey], [['key_x', key]]);
  assert.deepEqual([...snapshot.stops.bySession], [['per_x', session]]);
  assert.deepEqual(snapshot.stops.models, [opus, all]);
  assert.deepEqual([...snapshot.stops.byUpstream], [['anthropic', upstream]]);
  assert.equal(snapshot.stops.everything, null);
  assert.deepEqual(snapshot.grants, state.grants);
  assert.deepEqual(snapshot.policy, state.policy);
  assert.deepEqual([...snapshot.teamsByName], [['ops', ops]], 'the first made');
  const everything = stop({ target: 'everything', subject: null });
  assert.deepEqual(compileDirectory({ ...empty(4), stops: [everything] }).stops.everything, everything);
  assert.equal(compileDirectory(empty(5)).policy, null);
});

test('P3: listeners hear of a stop when it is new, once', async () => {
  await inWorld(async (world) => {
    const heard: string[][] = [];
    world.directory.onChange(({ stops }) => heard.push(stops.map((row) => row.subject ?? 'everything')));
    const { changes } = world;
    const made = await changes.stop({ actor: 'system', target: 'session', subject: 's1', reason: 'runs wild' });
    await changes.stop({ actor: 'system', target: 'session', subject: 's1', reason: 'again' });
    await changes.stop({ actor: 'system', target: 'everything', subject: null, reason: 'incident' });
    await changes.liftStop({ actor: 'system', stop: made.id });
    world.directory.sweep();
    assert.deepEqual(heard, [['s1'], [], ['everything'], []]);
    assert.equal(world.directory.current.stops.bySession.size, 0);
    assert.equal(world.directory.current.stops.everything?.reason, 'incident');
  });
});

test('P3: a refusal outranks in the order revoked, expired, owner disabled', () => {
  const ada = person({ disabledAt: T0 });
  const rows = [
    credential(ada.id, { revokedAt: T0, expiresAt: T0 }),
    credential(ada.id, { expiresAt: T0 }),
    credential(ada.id, { expiresAt: T0, rotatedTo: 'key_next' }),
    credential(ada.id, { expiresAt: T0 + 1, rotatedTo: 'key_next' }),
    credential(ada.id),
  ];
  const snapshot = compileDirectory({ ...empty(1), parties: [ada], credentials: rows });
  const found = rows.map((row) => resolve(snapshot, row.digest, T0)).map((r) => ('refused' in r ? r.refused : 'valid'));
  assert.deepEqual(found, [
    'credential_revoked',
    'credential_expired',
    'credential_revoked',
    'owner_disabled',
    'owner_disabled',
  ]);
});

test('P3: listeners learn exactly what stopped being valid', async () => {
  await inWorld(async (world) => {
    const [ada, ben, eve] = [
      await addKey(world, 'a@x.org'),
      await addKey(world, 'b@x.org'),
      await addKey(world, 'e@x.org'),
    ];
    const calls = told(world.directory);
    const last = () => calls.at(-1);
    await world.changes.revokeCredential({ actor: 'system', credential: ada.id });
    assert.deepEqual(last(), { credentials: [ada.id], parties: [] });
    await world.changes.disableParty({ actor: 'system', party: ben.owner });
    assert.deepEqual(last(), { credentials: [ben.id], parties: [ben.owner] });
    await world.changes.enableParty({ actor: 'system', party: ben.owner });
    assert.deepEqual(last(), { credentials: [], parties: [] });
    await world.changes.disableParty({ actor: 'system', party: ben.owner });
    assert.deepEqual(last(), { credentials: [ben.id], parties: [ben.owner] });
    await world.changes.erasePerson({ actor: 'system', person: ben.owner });
    assert.deepEqual(last(), { credentials: [], parties: [] });
    const { id: second } = await world.changes.createKey({ actor: 'system', owner: eve.owner, label: '', kind: 'key' });
    await world.changes.rotateKey({ actor: 'system', key: second, overlapMs: 0 });
    assert.deepEqual(last(), { credentials: [second], parties: [] });
    await world.changes.erasePerson({ actor: 'system', person: eve.owner });
    assert.equal(last()?.credentials.length, 2);
    assert.ok(last()?.credentials.includes(eve.id));
    assert.deepEqual(last()?.parties, [eve.owner]);
  });
});

test('P3: what expires without a change is told by sweep, once, at nextExpiry', async () => {
  await inWorld(async (world) => {
    assert.equal(world.directory.nextExpiry(), null);
    const late = await addKey(world, 'late@x.org', T0 + 2000);
    const soon = await addKey(world, 'soon@x.org', T0 + 1000);
    await addKey(world, 'ever@x.org');
    const calls = told(world.directory);
    assert.equal(world.directory.nextExpiry(), T0 + 1000);
    world.clock.set(T0 + 999);
    world.directory.sweep();
    assert.deepEqual(calls, []);
    world.clock.set(T0 + 1000);
    world.directory.sweep();
    world.directory.sweep();
    assert.deepEqual(calls, [{ credentials: [soon.id], parties: [] }]);
    assert.equal(world.directory.nextExpiry(), T0 + 2000);
    // A change in between looks at the clock too: nothing that expired meanwhile is lost.
    world.clock.set(T0 + 2000);
    await world.changes.addTeam({ actor: 'system', name: 'any' });
    assert.deepEqual(calls.at(-1), { credentials: [late.id], parties: [] });
    assert.equal(world.directory.nextExpiry(), null);
  });
});

test('P3: a listener that fails keeps nobody else from hearing, and the change is reported as not spread', async () => {
  await inWorld(async (world) => {
    const ada = await addKey(world, 'a@x.org');
    const stop = world.directory.onChange(() => {
      throw new Error('stream would not close');
    });
    const calls = told(world.directory);
    const revoking = world.changes.revokeCredential({ actor: 'system', credential: ada.id });
    await assert.rejects(revoking, (error) => error instanceof AggregateError && error.errors.length === 1);
    assert.deepEqual(calls, [{ credentials: [ada.id], parties: [] }]);
    stop();
    await world.changes.revokeCredential({ actor: 'system', credential: ada.id });
  });
});

/** A store whose answers the test releases one by one. */
function slowStore(states: DirectoryState[]) {
  const waiting: Array<(state: DirectoryState | Error) => void> = [];
  let loads = 0;
  return {
    loads: () => loads,
    directory(): Promise<DirectoryState> {
      loads += 1;
      return new Promise((done, fail) => {
        waiting.push((state) => (state instanceof Error ? fail(state) : done(state)));
      });
    },
    async release(answer: DirectoryState | Error | undefined = states.shift()) {
      while (waiting.length === 0) await new Promise((done) => setImmediate(done));
      waiting.shift()?.(answer ?? new Error('no state'));
      await new Promise((done) => setImmediate(done));
    },
  };
}

test('P3: a refresh asked for while another loads starts a load of its own; further ones share it', async () => {
  const store = slowStore([empty(1), empty(2), empty(3)]);
  const loading = Directory.load({ store, clock: handClock() });
  await store.release();
  const directory = await loading;
  const first = directory.refresh();
  await new Promise((done) => setImmediate(done));
  assert.equal(store.loads(), 2);
  const second = directory.refresh();
  const third = directory.refresh();
  assert.equal(store.loads(), 2, 'one at a time');
  await store.release();
  await first;
  assert.equal(directory.current.version, 'dir-2');
  await store.release();
  await Promise.all([second, third]);
  assert.equal(store.loads(), 3);
  assert.equal(directory.current.version, 'dir-3');
});

test('never an older state over a newer one; after a failed load the last good snapshot stays', async () => {
  const store = slowStore([empty(5), empty(4)]);
  const loading = Directory.load({ store, clock: handClock() });
  await store.release();
  const directory = await loading;
  const older = directory.refresh();
  await store.release();
  await older;
  assert.equal(directory.current.version, 'dir-5');
  const failing = directory.refresh();
  const refused = assert.rejects(failing, /disk gone/);
  await store.release(new Error('disk gone'));
  await refused;
  assert.equal(directory.current.version, 'dir-5');
  const again = directory.refresh();
  await store.release(empty(6));
  await again;
  assert.equal(directory.current.version, 'dir-6');
});
