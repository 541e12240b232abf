import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { directoryChanges } from '../../src/identity/changes.ts';
import { Directory } from '../../src/identity/directory.ts';
import { applyNewer } from '../../src/identity/replay.ts';
import type { JsonObject } from '../../src/journal/records.ts';
import { inWorld, openCopy, T0, type World } from './world.ts';

const actor = 'system';

/** The journal's view: bodies of change records with their outbox numbers. */
async function* journalled(world: World): AsyncGenerator<JsonObject> {
  for (const { number, record } of await world.store.outbox(1000)) yield { ...record, outbox: number };
}

async function* only(...bodies: JsonObject[]): AsyncGenerator<JsonObject> {
  yield* bodies;
}

async function peopled(world: World) {
  const { changes } = world;
  const { id: team } = await changes.addTeam({ actor, name: 'old team' });
  const add = async (name: string) => {
    const { id } = await changes.addPerson({ actor, email: `${name}@x.org`, team });
    const key = await changes.createKey({ actor, owner: id, label: name, kind: 'key' });
    return { id, key: key.id };
  };
  return { team, add };
}

test('P3 P7: a restored older store loses no revocation, rotation, disabling, move or erasure', async () => {
  await inWorld(async (world) => {
    const { changes, store } = world;
    const { add } = await peopled(world);
    const [ada, ben, cyd, dot, eve] = [await add('a'), await add('b'), await add('c'), await add('d'), await add('e')];
    const { id: robot } = await changes.ensureService({ actor, name: 'ci' });
    await store.change((tx) => tx.insertContentKey(eve.id, Uint8Array.of(1, 2, 3)));
    await changes.disableParty({ actor, party: dot.id });
    await changes.ensureOwnerSecret();
    const copy = join(world.folder, 'copy.db');
    await store.copyTo(copy);
    const headOfCopy = await store.outboxHead();

    world.clock.set(T0 + 1000);
    await changes.revokeCredential({ actor, credential: ada.key });
    await changes.rotateKey({ actor, key: ben.key, overlapMs: 500 });
    await changes.disableParty({ actor, party: cyd.id });
    await changes.enableParty({ actor, party: dot.id });
    await changes.disableParty({ actor, party: robot });
    const { id: newTeam } = await changes.addTeam({ actor, name: 'new team' });
    await changes.setPersonTeam({ actor, person: ada.id, team: newTeam });
    await changes.erasePerson({ actor, person: eve.id });
    const late = await add('late');
    await changes.erasePerson({ actor, person: late.id });
    await changes.claimOwner({ secret: (await changes.ensureOwnerSecret())!, email: 'root@x.org' });
    const head = await store.outboxHead();

    const restored = await openCopy(copy);
    const counts = await applyNewer(restored, journalled(world));
    assert.equal(counts.known, headOfCopy);
    assert.equal(counts.applied, 8, 'revoke, rotate, three parties, a move, an erasure, the owner secret');
    assert.equal(counts.known + counts.applied + counts.ignored, head);
    assert.equal(counts.floor, head);

    const state = await restored.directory();
    const party = (id: string) => state.parties.find((row) => row.id === id);
    const key = (id: string) => state.credentials.find((row) => row.id === id);
    assert.equal(key(ada.key)?.revokedAt, T0 + 1000);
    assert.equal(key(ben.key)?.expiresAt, T0 + 1500);
    assert.equal(party(cyd.id)?.disabledAt, T0 + 1000);
    assert.equal(party(dot.id)?.disabledAt, null);
    assert.equal(party(robot)?.disabledAt, T0 + 1000);
    assert.equal(party(ada.id)?.team, null, 'the new team is gone with the newer store');
    assert.deepEqual([party(eve.id)?.name, party(eve.id)?.erasedAt], [null, T0 + 1000]);
    assert.deepEqual([key(eve.key)?.revokedAt, key(eve.key)?.label], [T0 + 1000, '']);
    assert.equal(await restored.read((tx) => tx.contentKey(eve.id)), undefined);
    assert.equal(party(late.id), undefined);
    assert.equal(await restored.read((tx) => tx.setting('owner-secret-digest')), undefined);

    assert.deepEqual(await restored.outbox(10), [], 'nothing is enqueued, and the old rows are in the journal');
    assert.ok(state.sequence >= head, 'no version that older records name is used again');
    assert.equal(await restored.change((tx) => tx.enqueue({ n: 1 })), head + 1);
    await restored.acknowledge(head + 1);

    const again = await applyNewer(restored, journalled(world));
    assert.deepEqual([again.applied, again.ignored, again.known, again.floor], [0, 0, head, head + 1]);
    await restored.close();
  });
});

test('a store that was not restored keeps what waits in its outbox and changes nothing', async () => {
  await inWorld(async (world) => {
    const { add } = await peopled(world);
    const ada = await add('a');
    await world.changes.disableParty({ actor, party: ada.id });
    await world.changes.enableParty({ actor, party: ada.id });
    const before = [await world.store.directory(), await world.store.outbox(100)];
    const rows = (await world.store.outbox(100)).slice(0, -1);
    const written = rows.map(({ number, record }) => ({ ...record, outbox: number }));
    const counts = await applyNewer(world.store, only(...written));
    assert.deepEqual([counts.applied, counts.ignored, counts.known], [0, 0, written.length]);
    assert.deepEqual([await world.store.directory(), await world.store.outbox(100)], before);
  });
});

test('applying in halves, as after a crash, comes to the same', async () => {
  await inWorld(async (world) => {
    const { add } = await peopled(world);
    const [ada, ben] = [await add('a'), await add('b')];
    const [copyA, copyB] = [join(world.folder, 'a.db'), join(world.folder, 'b.db')];
    await world.store.copyTo(copyA);
    await world.store.copyTo(copyB);
    await world.changes.disableParty({ actor, party: ada.id });
    await world.changes.erasePerson({ actor, person: ben.id });
    await world.changes.enableParty({ actor, party: ada.id });
    await world.changes.rotateKey({ actor, key: ada.key, overlapMs: 10 });
    const whole = await openCopy(copyA);
    await applyNewer(whole, journalled(world));
    const crashed = await openCopy(copyB);
    async function* broken(): AsyncGenerator<JsonObject> {
      let n = 0;
      for await (const body of journalled(world)) {
        if (body.outbox === 7) throw new Error('power cut');
        n += 1;
        yield body;
      }
      assert.ok(n > 0);
    }
    await assert.rejects(applyNewer(crashed, broken()), /power cut/);
    await applyNewer(crashed, journalled(world));
    assert.deepEqual(await crashed.directory(), await whole.directory());
    await whole.close();
    await crashed.close();
  });
});

test('a longer life is never taken from a record, and what cannot be read stops the start', async () => {
  await inWorld(async (world) => {
    const { add } = await peopled(world);
    const ada = await add('a');
    await world.changes.rotateKey({ actor, key: ada.key, overlapMs: 10 });
    const body = { actor, subject: ada.key, before: null, reason: null };
    const later = { ...body, action: 'key.rotated', after: { expiresAt: T0 + 99 }, outbox: 50 };
    assert.equal((await applyNewer(world.store, only(later))).ignored, 1);
    assert.equal((await world.store.read((tx) => tx.credential(ada.key)))?.expiresAt, T0 + 10);
    for (const bad of [
      { ...body, action: 'key.revoked', after: null, outbox: 60 },
      { ...body, action: 'key.revoked', after: { revokedAt: 'soon' }, outbox: 60 },
      { ...body, action: 'key.revoked', after: { revokedAt: T0 } },
      { ...body, action: 'key.revoked', after: { revokedAt: T0 }, subject: 7, outbox: 60 },
    ]) {
      await assert.rejects(applyNewer(world.store, only(bad)), /cannot be replayed/);
    }
    const other = { ...body, action: 'toString', after: {}, outbox: 70 };
    assert.equal((await applyNewer(world.store, only(other))).ignored, 1);
    assert.equal(await world.store.outboxHead(), 70);
  });
});

test('P3: a restored older store stops what was stopped since, and gives nobody more than was in force', async () => {
  await inWorld(async (world) => {
    const { changes, store } = world;
    const { add } = await peopled(world);
    const ada = await add('a');
    const old = await changes.stop({ actor, target: 'session', subject: 's1', reason: 'runs wild' });
    const more = { actor, kind: 'budget', scope: 'organization', subject: null, micros: 5, reason: 'more' } as const;
    const kept = await changes.grant({ ...more, endsAt: T0 + 9_000_000 });
    const taken = await changes.grant({ ...more, endsAt: T0 + 9_000_000 });
    const copy = join(world.folder, 'copy.db');
    await store.copyTo(copy);

    world.clock.set(T0 + 1000);
    const stopped = await changes.stop({ actor, target: 'key', subject: ada.key, reason: 'pasted into a chat' });
    const late = await add('late');
    const unknown = await changes.stop({ actor, target: 'party', subject: late.id, reason: 'left' });
    const brief = await changes.stop({ actor, target: 'everything', subject: null, reason: 'incident' });
    world.clock.set(T0 + 2000);
    await changes.liftStop({ actor, stop: brief.id });
    await changes.liftStop({ actor, stop: old.id });
    await changes.revokeGrant({ actor, grant: taken.id });
    const lost = await changes.grant({ ...more, endsAt: T0 + 9_000_000 });
    await changes.revokeGrant({ actor, grant: lost.id });
    await changes.grant({ ...more, endsAt: T0 + 9_000_000 });

    const restored = await openCopy(copy);
    const counts = await applyNewer(restored, journalled(world));
    assert.equal(counts.applied, 6, 'three stops, two liftings, a revocation');
    const state = await restored.directory();
    const made = { actor, createdAt: T0 + 1000, liftedAt: null };
    assert.deepEqual(
      state.stops,
      [
        { ...made, id: stopped.id, target: 'key', subject: ada.key, reason: 'pasted into a chat' },
        { ...made, id: unknown.id, target: 'party', subject: late.id, reason: 'left' },
      ].sort((a, b) => (a.id < b.id ? -1 : 1)),
    );
    assert.equal((await restored.read((tx) => tx.stop(old.id)))?.liftedAt, T0 + 2000);
    assert.equal((await restored.read((tx) => tx.stop(brief.id)))?.liftedAt, T0 + 2000);
    assert.deepEqual(
      state.grants.map((row) => row.id),
      [kept.id],
      'newer grants are not made again',
    );
    assert.equal((await restored.read((tx) => tx.grant(taken.id)))?.revokedAt, T0 + 2000);
    const again = await applyNewer(restored, journalled(world));
    assert.equal(again.applied, 0);
    assert.deepEqual(await restored.directory(), state);
    await restored.close();
  });
});

test('P8: after a restore that lost a newer policy nothing is allowed until one is applied again', async () => {
  await inWorld(async (world) => {
    const { changes, store } = world;
    await changes.applyPolicy({ actor, text: 'access: [{ allow: "*", to: everyone }]', teams: [] });
    const copy = join(world.folder, 'copy.db');
    await store.copyTo(copy);
    await changes.applyPolicy({ actor, text: 'access: [] # tighter', teams: ['Payments'] });
    await changes.applyPolicy({ actor, text: 'access: [] # tightest', teams: [] });
    const newest = await store.policyRevision(3);

    async function* dated(): AsyncGenerator<JsonObject> {
      for await (const body of journalled(world)) yield { ...body, at: '2027-01-15T08:00:01.000Z' };
    }
    const restored = await openCopy(copy);
    assert.equal((await applyNewer(restored, dated())).applied, 2);
    const { policy, teams } = await restored.directory();
    assert.deepEqual([policy?.number, policy?.text, policy?.author], [3, '', 'system']);
    assert.equal(policy?.sha256, newest?.sha256);
    assert.equal(policy?.createdAt, Date.parse('2027-01-15T08:00:01Z'));
    assert.match(policy?.reason ?? '', /apply the policy again/);
    assert.deepEqual(teams, []);
    assert.equal((await restored.policyRevision(2))?.text, '');
    assert.notEqual((await restored.policyRevision(1))?.text, '');
    assert.equal((await applyNewer(restored, journalled(world))).applied, 0);

    const directory = await Directory.load({ store: restored, clock: world.clock });
    const verbs = directoryChanges({ store: restored, directory, clock: world.clock });
    const applied = await verbs.applyPolicy({ actor, text: newest?.text ?? '', teams: ['Payments'] });
    assert.deepEqual(applied, { revision: 4, unchanged: false }, 'the same document as was lost');
    await restored.close();
  });
});

test('P7: an erasure made again takes the address out of the older policies too', async () => {
  await inWorld(async (world) => {
    const { changes, store } = world;
    const { id } = await changes.addPerson({ actor, email: 'eve@x.org' });
    await changes.applyPolicy({ actor, text: 'to: eve@x.org', teams: [] });
    const copy = join(world.folder, 'copy.db');
    await store.copyTo(copy);
    await changes.erasePerson({ actor, person: id });
    const restored = await openCopy(copy);
    await applyNewer(restored, journalled(world));
    assert.equal((await restored.directory()).policy?.text, `to: ${id}`);
    await restored.close();
  });
});

test('P3: a stop or policy that cannot be read from its record stops the start', async () => {
  await inWorld(async (world) => {
    const body = { actor, subject: 'stp_00000000000000000000000000', before: null, reason: 'r', outbox: 9 };
    const made = { ...body, action: 'stop.made', after: { target: 'session', subject: 's' } };
    for (const bad of [
      { ...made, after: { target: 'session' } },
      { ...made, after: { target: 'session', subject: null } },
      { ...made, after: { target: 'toString', subject: 's' } },
      { ...made, reason: null },
      { ...made, actor: 7 },
      { ...body, action: 'stop.lifted', after: {} },
      { ...body, action: 'grant.revoked', after: null },
      { ...body, action: 'policy.applied', after: { revision: 1 } },
      { ...body, action: 'policy.applied', after: { sha256: 'ab' } },
    ]) {
      await assert.rejects(applyNewer(world.store, only(bad)), /cannot be replayed/);
    }
    assert.equal((await applyNewer(world.store, only(made))).applied, 1);
  });
});
