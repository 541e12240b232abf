import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
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
