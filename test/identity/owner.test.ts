/** The primary owner, roles, and the sealed way in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newBreakGlassSecret } from '../../src/identity/key-format.ts';
import { claimed, signedIn, turnedAway } from './proven.ts';
import { inWorld, refusals, T0, type World } from './world.ts';

const actor = 'system';

const roleOf = (world: World, id: string) => world.directory.current.parties.get(id)?.role;

test('P3: a role is in force when it is answered, with one record; nobody is made the primary owner by it', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const owner = await claimed(world);
    const { id: person } = await changes.addPerson({ actor, email: 'ada@x.org' });
    const { id: guest } = await changes.addPerson({ actor, email: 'guest@x.org' });
    const { id: service } = await changes.ensureService({ actor, name: 'ci' });
    await world.store.change((tx) => tx.updateParty(guest, { sponsor: owner, endsAt: T0 + 9 }));
    const before = (await world.records()).length;
    await changes.setRole({ actor: owner, person, role: 'admin', reason: 'on call' });
    await changes.setRole({ actor: owner, person, role: 'admin' });
    assert.equal(roleOf(world, person), 'admin');
    await changes.setRole({ actor: owner, person, role: 'member' });
    assert.equal(roleOf(world, person), 'member');
    const record = { actor: owner, action: 'role.changed', subject: person };
    assert.deepEqual((await world.records()).slice(before), [
      { ...record, before: { role: 'member' }, after: { role: 'admin' }, reason: 'on call' },
      { ...record, before: { role: 'admin' }, after: { role: 'member' }, reason: null },
    ]);
    await refusals(world, [
      ['refused', () => changes.setRole({ actor, person: owner, role: 'admin' })],
      ['refused', () => changes.setRole({ actor: owner, person: owner, role: 'member' })],
      ['invalid', () => changes.setRole({ actor, person, role: 'primary_owner' as 'admin' })],
      ['invalid', () => changes.setRole({ actor, person, role: 'team_lead' as 'admin' })],
      ['not_found', () => changes.setRole({ actor, person: service, role: 'admin' })],
      ['not_found', () => changes.setRole({ actor, person: 'per_nobody', role: 'admin' })],
      ['refused', () => changes.setRole({ actor, person: guest, role: 'auditor' })],
    ]);
  });
});

test('P8: the ownership passes by the owner’s own word alone; there is never a second owner, and no old envelope', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const owner = await claimed(world);
    const { id: heir } = await changes.addPerson({ actor, email: 'heir@x.org', role: 'auditor' });
    const { id: admin } = await changes.addPerson({ actor, email: 'admin@x.org', role: 'admin' });
    const { id: off } = await changes.addPerson({ actor, email: 'off@x.org' });
    const { id: guest } = await changes.addPerson({ actor, email: 'guest@x.org' });
    const { id: service } = await changes.ensureService({ actor, name: 'ci' });
    await changes.disableParty({ actor, party: off });
    await world.store.change((tx) => tx.updateParty(guest, { sponsor: owner, endsAt: T0 + 9 }));
    const envelope = await changes.sealBreakGlass({ actor: owner });
    await refusals(world, [
      ['refused', () => changes.transferOwner({ actor: admin, to: admin })],
      ['refused', () => changes.transferOwner({ actor: heir, to: heir })],
      ['refused', () => changes.transferOwner({ actor, to: heir })],
      ['refused', () => changes.transferOwner({ actor: owner, to: off })],
      ['refused', () => changes.transferOwner({ actor: owner, to: guest })],
      ['not_found', () => changes.transferOwner({ actor: owner, to: service })],
      ['not_found', () => changes.transferOwner({ actor: owner, to: 'per_nobody' })],
    ]);
    const before = (await world.records()).length;
    await changes.transferOwner({ actor: owner, to: owner });
    await changes.transferOwner({ actor: owner, to: heir, reason: 'leaves' });
    assert.deepEqual((await world.records()).slice(before), [
      {
        ...{ actor: owner, action: 'owner.transferred', subject: heir, reason: 'leaves' },
        ...{ before: { owner, role: 'auditor' }, after: { owner: heir, former: 'admin' } },
      },
    ]);
    assert.deepEqual([roleOf(world, owner), roleOf(world, heir)], ['admin', 'primary_owner']);
    await refusals(world, [['refused', () => changes.transferOwner({ actor: owner, to: owner })]]);
    await turnedAway(changes.useBreakGlass(envelope), 'secret_wrong');
    const both = await Promise.allSettled([
      changes.transferOwner({ actor: heir, to: owner }),
      changes.transferOwner({ actor: heir, to: admin }),
    ]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  });
});

test('P8: nobody else locks the primary owner out, speaks for them, or becomes them', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const owner = await claimed(world);
    const { id: admin } = await changes.addPerson({ actor, email: 'admin@x.org', role: 'admin' });
    const { id: other } = await changes.addPerson({ actor, email: 'other@x.org', role: 'admin' });
    const token = { label: '', kind: 'admin' } as const;
    const theirs = await changes.createKey({ ...token, actor: owner, owner });
    const others = await changes.createKey({ ...token, actor: other, owner: other });
    await refusals(world, [
      ['refused', () => changes.disableParty({ actor: admin, party: owner })],
      ['refused', () => changes.erasePerson({ actor: admin, person: owner })],
      ['refused', () => changes.createKey({ ...token, actor: admin, owner })],
      ['refused', () => changes.rotateKey({ actor: admin, key: theirs.id })],
      ['refused', () => changes.createKey({ ...token, actor: admin, owner: other })],
      ['refused', () => changes.rotateKey({ actor: admin, key: others.id })],
      ['refused', () => changes.sealBreakGlass({ actor: admin })],
    ]);
    await changes.createKey({ ...token, actor: admin, owner: admin });
    await changes.createKey({ ...token, actor: owner, owner: other });
    await changes.rotateKey({ actor: owner, key: others.id });
    await changes.createKey({ label: '', kind: 'key', actor: admin, owner: other });
    await changes.revokeCredential({ actor: admin, credential: theirs.id });
    await changes.disableParty({ actor: owner, party: owner });
    await changes.enableParty({ actor, party: owner });
    await changes.erasePerson({ actor, person: owner });
    assert.notEqual(await changes.ensureOwnerSecret(), null);
  });
});

test('the envelope opens once, for the owner, and raises an alarm in the trail; only the newest opens', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    await assert.rejects(changes.sealBreakGlass({ actor }), { code: 'refused' });
    await turnedAway(changes.useBreakGlass({ secret: newBreakGlassSecret().secret }), 'secret_wrong');
    const owner = await claimed(world);
    const older = await changes.sealBreakGlass({ actor: owner });
    const { secret } = await changes.sealBreakGlass({ actor: owner });
    assert.match(secret, /^ghb_[0-9A-Za-z]{40}$/);
    for (const wrong of [older.secret, '', `${secret}0`, secret.toLowerCase(), newBreakGlassSecret().secret, owner]) {
      await turnedAway(changes.useBreakGlass({ secret: wrong }), 'secret_wrong');
    }
    assert.ok(!world.bytes().includes(secret.slice(4, 24).toLowerCase()), 'P5: only its digest is kept');
    await changes.disableParty({ actor, party: owner });
    await turnedAway(changes.useBreakGlass({ secret }), 'disabled', owner);
    await changes.enableParty({ actor, party: owner });
    const head = (await world.records()).length;
    const both = await Promise.allSettled([changes.useBreakGlass({ secret }), changes.useBreakGlass({ secret })]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    assert.deepEqual((await world.records()).slice(head), [
      {
        ...{ actor: owner, action: 'break_glass.used', subject: owner, reason: null },
        ...{ before: { sealed: true }, after: { sealed: false, alarm: true } },
      },
    ]);
    await turnedAway(changes.useBreakGlass({ secret }), 'secret_wrong');
    const again = await changes.sealBreakGlass({ actor });
    assert.deepEqual((await world.records()).at(-1), {
      ...{ actor, action: 'break_glass.sealed', subject: owner, reason: null },
      ...{ before: { sealed: false }, after: { sealed: true } },
    });
    assert.deepEqual(await changes.useBreakGlass(again), { person: owner });
    const { session } = await signedIn(world);
    assert.match(session.secret, /^ghs_/);
  });
});
