/** Who enters, as whom, and who does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IdentityRow } from '../../src/store/ports.ts';
import { admit, claimed, proven, signedIn, turnedAway } from './proven.ts';
import { inWorld, T0, type World } from './world.ts';

const actor = 'system';

async function identityOf(world: World, subject: string): Promise<IdentityRow | undefined> {
  return world.store.read((tx) => tx.identity('okta', subject));
}

test('an unknown identity of a captured domain becomes a member, and is the same person from then on', async () => {
  await inWorld(async (world) => {
    const ada = proven({ subject: 'S', email: 'ada@acme.com', groups: ['b', 'a', 'b'] });
    const { person, endsAt } = await admit(world, ada);
    assert.equal(endsAt, null);
    const row = world.directory.current.parties.get(person);
    assert.deepEqual([row?.kind, row?.name, row?.role, row?.team], ['person', 'ada@acme.com', 'member', null]);
    assert.deepEqual(world.directory.current.groupsOf(person), ['okta/a', 'okta/b']);
    const after = {
      ...{ kind: 'person', role: 'member', team: null, provider: 'okta', groups: 2 },
      ...{ invitation: null, sponsor: null, endsAt: null },
    };
    const added = { actor: person, action: 'person.added', subject: person, before: null, after, reason: null };
    assert.deepEqual(await world.records(), [added]);
    world.clock.set(T0 + 5);
    assert.deepEqual(await admit(world, { ...ada, groups: ['a', 'b'] }), { person, endsAt: null });
    assert.deepEqual(await world.records(), [added], 'coming back as one was is no change');
    assert.equal((await identityOf(world, 'S'))?.lastSignInAt, T0 + 5);
    // A subject is compared byte for byte; the provider as policies compare it.
    const other = await admit(world, proven({ subject: 's', email: 'other@acme.com' }));
    assert.notEqual(other.person, person);
    assert.equal((await admit(world, { ...ada, provider: 'OKTA' })).person, person);
  });
});

test('two sign-ins of the same new person at once make one person', async () => {
  await inWorld(async (world) => {
    const ada = proven();
    const people = await Promise.all([1, 2, 3].map(() => admit(world, ada)));
    assert.equal(new Set(people.map(({ person }) => person)).size, 1);
    assert.equal(world.directory.current.parties.size, 1);
    assert.equal((await world.records()).length, 1);
  });
});

test('P8: an assertion works once, whatever came of it the first time', async () => {
  await inWorld(async (world) => {
    const once = { digest: 'd', until: T0 + 1000 };
    const ada = proven({ once });
    const both = await Promise.allSettled([admit(world, ada), admit(world, ada)]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    await turnedAway(admit(world, ada), 'response_used');
    // Replayed for somebody else, and with what would be refused in any case.
    await turnedAway(admit(world, proven({ once, email: 'x@acme.de' })), 'response_used');
    const refused = proven({ email: 'x@elsewhere.example', once: { digest: 'e', until: T0 + 1000 } });
    await turnedAway(admit(world, refused), 'not_invited');
    await turnedAway(admit(world, refused), 'response_used');
    const late = proven({ once: { digest: 'f', until: T0 } });
    await turnedAway(admit(world, late), 'response_late');
    assert.equal(world.directory.current.parties.size, 1);
  });
});

test('P8: an address of another provider’s domain enters there alone, even of somebody known here', async () => {
  await inWorld(async (world) => {
    const { person, identity } = await signedIn(world);
    await turnedAway(admit(world, proven({ email: 'new@acme.de' })), 'domain_elsewhere');
    await turnedAway(admit(world, { ...identity, email: 'new@acme.de' }), 'domain_elsewhere', person);
    await turnedAway(admit(world, proven({ provider: 'adfs', email: 'new@acme.com' })), 'domain_elsewhere');
    assert.equal(world.directory.current.parties.size, 1);
  });
});

test('P3: a disabled or erased person does not come back, and one whose domain nobody has any more neither', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const { person, identity } = await signedIn(world);
    await changes.disableParty({ actor, party: person });
    await turnedAway(admit(world, identity), 'disabled', person);
    await changes.enableParty({ actor, party: person });
    assert.equal((await admit(world, identity)).person, person);
    const moved = { ...identity, email: 'ada@elsewhere.example' };
    await turnedAway(admit(world, moved), 'not_invited', person);
    await turnedAway(admit(world, { ...identity, email: null }), 'not_invited', person);
    assert.notEqual((await identityOf(world, identity.subject))?.email, moved.email, 'nothing was taken over');
    await changes.erasePerson({ actor, person });
    const again = await admit(world, identity);
    assert.notEqual(again.person, person, 'the erased identity is known to nobody');
  });
});

test('a linked person enters although no domain covers them', async () => {
  await inWorld(async (world) => {
    const { id } = await world.changes.addPerson({ actor, email: 'ben@elsewhere.example' });
    const ben = proven({ email: 'ben@elsewhere.example' });
    await turnedAway(admit(world, ben), 'link_needed');
    const [waiting] = await world.store.waitingIdentities(9);
    await world.changes.linkIdentity({ actor, waiting: waiting?.id ?? '' });
    assert.deepEqual(await admit(world, ben), { person: id, endsAt: null });
  });
});

test('P8: an address that is missing, broken or unverified lets nobody unknown in', async () => {
  await inWorld(async (world) => {
    await turnedAway(admit(world, proven({ email: null })), 'email_missing');
    await turnedAway(admit(world, proven({ email: 'a b@acme.com' })), 'email_missing');
    await turnedAway(admit(world, proven({ emailVerified: false })), 'email_unverified');
    await turnedAway(admit(world, proven({ emailVerified: false }), true), 'email_unverified');
    await turnedAway(admit(world, proven({ emailVerified: null })), 'email_unverified');
    await turnedAway(admit(world, proven({ subject: '' })), 'response_invalid');
    await turnedAway(admit(world, proven({ subject: 's'.repeat(256) })), 'response_invalid');
    assert.equal(await world.store.outboxHead(), 0);
    await admit(world, proven({ emailVerified: null }), true);
    await admit(world, proven({ subject: 's'.repeat(255) }));
    assert.equal(world.directory.current.parties.size, 2);
  });
});

test('P8: the address of somebody who is here links nobody: it waits, and is recorded once', async () => {
  await inWorld(async (world) => {
    const { id } = await world.changes.addPerson({ actor, email: 'ada@acme.com' });
    const thief = proven({ email: 'ada@acme.com', subject: 'thief-subject' });
    await turnedAway(admit(world, thief), 'link_needed');
    const [first] = await world.store.waitingIdentities(9);
    assert.deepEqual([first?.person, first?.email, first?.subject], [id, 'ada@acme.com', 'thief-subject']);
    world.clock.set(T0 + 9);
    await Promise.allSettled([admit(world, thief), admit(world, thief)]);
    assert.deepEqual(await world.store.waitingIdentities(9), [{ ...first, lastSeenAt: T0 + 9 }]);
    const records = (await world.records()).slice(1);
    assert.deepEqual(records, [
      {
        ...{ actor: 'system', action: 'identity.waiting', subject: first?.id, before: null, reason: null },
        after: { person: id, provider: 'okta' },
      },
    ]);
    assert.equal(world.directory.current.identitiesOf.size, 0);
    assert.equal(world.directory.current.parties.size, 1);
    // Once the address is free it is a new person, who waits for nobody.
    await world.changes.erasePerson({ actor, person: id });
    await turnedAway(admit(world, proven({ email: 'ada@elsewhere.example' })), 'not_invited');
    const { person } = await admit(world, thief);
    assert.notEqual(person, id);
    assert.deepEqual(await world.store.waitingIdentities(9), []);
  });
});

test('groups and address follow the provider at every sign-in; a record counts them and names none', async () => {
  await inWorld(async (world) => {
    const { person, identity } = await signedIn(world, { email: 'ada@acme.com', groups: ['eng', 'admins'] });
    const head = (await world.records()).length;
    await admit(world, { ...identity, groups: ['eng'] });
    assert.deepEqual(world.directory.current.groupsOf(person), ['okta/eng'], 'P3: in force with the sign-in');
    await admit(world, { ...identity, email: 'ada.lovelace@acme.com', groups: ['eng'] });
    assert.equal(world.directory.current.parties.get(person)?.name, 'ada.lovelace@acme.com');
    const record = { actor: person, action: 'identity.updated', subject: person, reason: null };
    const before = { provider: 'okta', groups: 2 };
    assert.deepEqual((await world.records()).slice(head), [
      { ...record, before, after: { provider: 'okta', groups: 1, emailChanged: false, renamed: false } },
      {
        ...record,
        before: { ...before, groups: 1 },
        after: { provider: 'okta', groups: 1, emailChanged: true, renamed: true },
      },
    ]);
  });
});

test('P8: nobody takes an address that is not verified, not captured, or somebody else’s', async () => {
  await inWorld(async (world) => {
    const { person, identity } = await signedIn(world, { email: 'ada@acme.com' });
    await world.changes.addPerson({ actor, email: 'root@acme.com' });
    const name = () => world.directory.current.parties.get(person)?.name;
    await admit(world, { ...identity, email: 'root@acme.com' });
    assert.equal(name(), 'ada@acme.com');
    await admit(world, { ...identity, email: 'boss@acme.com', emailVerified: false });
    assert.equal(name(), 'ada@acme.com');
    // Linked by an admin, she may come with an address of no domain; it names her in no rule.
    const waiting = proven({ provider: 'google', email: 'ada@acme.com' });
    await turnedAway(
      world.changes.admitIdentity({ proven: waiting, capturedBy: null, trustsEmail: false }),
      'link_needed',
    );
    const [row] = await world.store.waitingIdentities(9);
    await world.changes.linkIdentity({ actor, waiting: row?.id ?? '' });
    const moved = { ...waiting, email: 'boss@elsewhere.example' };
    assert.equal((await admit(world, moved)).person, person);
    assert.equal(name(), 'ada@acme.com');
  });
});

test('P8: a provider that was pointed at another issuer proves nobody whom it knew, the primary owner least of all', async () => {
  await inWorld(async (world) => {
    const { person, identity } = await signedIn(world, { email: 'root@acme.com', groups: ['eng'] });
    const forged = { ...identity, issuer: 'https://idp.evil.example', groups: ['platform-admins'] };
    await turnedAway(admit(world, forged), 'link_needed', person);
    assert.deepEqual(world.directory.current.groupsOf(person), ['okta/eng']);
    assert.equal((await admit(world, identity)).person, person, 'the old one goes on');
    // A move of the company to another issuer: each is unlinked first, and linked by somebody who knows.
    await world.changes.unlinkIdentity({ actor, provider: 'okta', subject: identity.subject });
    await turnedAway(admit(world, forged), 'link_needed');
    const [row] = await world.store.waitingIdentities(9);
    await world.changes.linkIdentity({ actor, waiting: row?.id ?? '' });
    assert.equal((await admit(world, forged)).person, person);
    await turnedAway(admit(world, identity), 'link_needed', person);
  });
});

test('P8: what waits and changes waits under a new id, so that nobody links what they did not look at', async () => {
  await inWorld(async (world) => {
    for (const email of ['ada@acme.com', 'ben@acme.com']) await world.changes.addPerson({ actor, email });
    const identity = proven({ email: 'ada@acme.com' });
    await turnedAway(admit(world, identity), 'link_needed');
    const [seen] = await world.store.waitingIdentities(9);
    for (const other of [{ email: 'ben@acme.com' }, { issuer: 'https://idp.evil.example' }]) {
      await turnedAway(admit(world, { ...identity, ...other }), 'link_needed');
      const rows = await world.store.waitingIdentities(9);
      assert.equal(rows.length, 1);
      assert.notEqual(rows[0]?.id, seen?.id);
      await assert.rejects(world.changes.linkIdentity({ actor, waiting: seen?.id ?? '' }), /Nobody waits/);
    }
  });
});

test('P8: nobody slips out of a rule, or into one, by another address; nobody is linked to an address that moved on', async () => {
  await inWorld(async (world) => {
    const { person, identity } = await signedIn(world, { email: 'mallory@acme.com' });
    const name = () => world.directory.current.parties.get(person)?.name;
    const text = 'access: [ { deny: "*", to: mallory@acme.com }, { allow: "*", to: Carol@acme.com } ]';
    await world.changes.applyPolicy({ actor, text, teams: [] });
    for (const email of ['m2@acme.com', 'carol@acme.com']) {
      await admit(world, { ...identity, email });
      assert.equal(name(), 'mallory@acme.com', email);
    }
    // Somebody waits for an address, and its holder gets another one before an admin looks.
    const { identity: alice } = await signedIn(world, { email: 'alice@acme.com' });
    await turnedAway(admit(world, proven({ email: 'alice@acme.com' })), 'link_needed');
    const [row] = await world.store.waitingIdentities(9);
    await admit(world, { ...alice, email: 'alice.b@acme.com' });
    await assert.rejects(world.changes.linkIdentity({ actor, waiting: row?.id ?? '' }), /not theirs any more/);
  });
});

test('P8: more groups than are kept are no sign-in, rather than some of them', async () => {
  await inWorld(async (world) => {
    const names = (count: number) => Array.from({ length: count }, (_, i) => `g${i}`);
    await turnedAway(admit(world, proven({ groups: names(2001) })), 'groups_unavailable');
    await turnedAway(
      admit(world, proven({ groups: names(257).map((name) => name.padEnd(256, 'x')) })),
      'groups_unavailable',
    );
    const { person, identity } = await signedIn(world, { groups: names(2000) });
    assert.equal(world.directory.current.groupsOf(person).length, 2000);
    await turnedAway(admit(world, { ...identity, groups: names(2001) }), 'groups_unavailable', person);
    assert.equal((await admit(world, { ...identity, groups: [...names(2000), ...names(2000)] })).person, person);
  });
});

test('P7: of an erased person nothing of any sign-in is left, not in policies under a former address either', async () => {
  await inWorld(async (world) => {
    const { changes, store } = world;
    await claimed(world);
    const { person, identity } = await signedIn(world, { email: 'hopper.a@acme.com', subject: 'hopper-subject' });
    await admit(world, { ...identity, email: 'hopper.b@acme.com' });
    await admit(world, { ...identity, email: 'hopper.c@acme.com', groups: ['hopper-group'] });
    const other = proven({ provider: 'adfs', email: 'hopper.c@acme.com', subject: 'hopper-other' });
    await turnedAway(changes.admitIdentity({ proven: other, capturedBy: null, trustsEmail: true }), 'link_needed');
    const text = 'leads: [hopper.a@acme.com, hopper.b@acme.com, hopper.c@acme.com]';
    await changes.applyPolicy({ actor, text, teams: [] });
    await changes.propose({ actor: 'file', text: `${text} #`, base: 1, kinds: ['controls'] });
    const said = JSON.stringify(await world.records());
    for (const trace of ['hopper', 'acme']) assert.ok(!said.includes(trace), `no record says ${trace}`);
    await changes.erasePerson({ actor, person });
    assert.equal(world.directory.current.policy?.text, `leads: [${person}, ${person}, ${person}]`);
    assert.deepEqual(world.directory.current.identitiesOf.get(person), undefined);
    assert.deepEqual([await store.sessions(9), await store.waitingIdentities(9)], [[], []]);
    assert.ok(!world.bytes().includes('hopper'));
  });
});
