/** Identities that are linked and taken, and guests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCredential } from '../../src/identity/key-format.ts';
import { resolve } from '../../src/identity/snapshot.ts';
import { admit, claimed, proven, signedIn, turnedAway } from './proven.ts';
import { inWorld, refusals, T0, type World } from './world.ts';

const actor = 'system';
const DAY = 86_400_000;

/** Somebody who was made by hand, and an identity with the same address that waits. */
async function waitingFor(world: World, person: string, subject = 'hopper-subject') {
  const email = world.directory.current.parties.get(person)?.name ?? null;
  const identity = proven({ email, subject });
  await turnedAway(admit(world, identity), 'link_needed');
  const waiting = await world.store.read((tx) => tx.waitingIdentityOf('okta', subject));
  return { identity, waiting: waiting?.id ?? '' };
}

test('an admin links who waits, and takes it back: both are recorded, with nothing that names anybody', async () => {
  await inWorld(async (world) => {
    const { changes, directory, store } = world;
    const { id: admin } = await changes.addPerson({ actor, email: 'admin@acme.com', role: 'admin' });
    const { id: person } = await changes.addPerson({ actor, email: 'hopper@acme.com' });
    const { identity, waiting } = await waitingFor(world, person);
    const head = (await world.records()).length;
    const linking = { actor: admin, waiting, reason: 'same person' };
    const both = await Promise.allSettled([changes.linkIdentity(linking), changes.linkIdentity(linking)]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const [row] = directory.current.identitiesOf.get(person) ?? [];
    assert.deepEqual([row?.linkedBy, row?.lastSignInAt, row?.groups], [admin, null, []]);
    assert.deepEqual(await store.waitingIdentities(9), []);
    assert.equal((await admit(world, { ...identity, groups: ['g'] })).person, person);
    const open = { person, client: 'c', label: '', until: null, longestMs: DAY };
    const session = await changes.openSession({ ...open, provider: 'okta' });
    const elsewhere = await changes.openSession({ ...open, provider: 'adfs' });
    world.clock.set(T0 + 5);
    await changes.unlinkIdentity({ actor: admin, provider: 'OKTA', subject: identity.subject, reason: 'a mistake' });
    assert.deepEqual([...directory.current.sessions.keys()], [elsewhere.id], 'P3: its sessions end with it');
    assert.deepEqual(directory.current.groupsOf(person), []);
    const records = (await world.records()).slice(head);
    const record = { actor: admin, subject: person };
    assert.deepEqual(
      [records[0], records.at(-1)],
      [
        {
          ...{ ...record, action: 'identity.linked', before: null, reason: 'same person' },
          after: { provider: 'okta', waiting, linkedAt: T0 },
        },
        {
          ...{ ...record, action: 'identity.unlinked', reason: 'a mistake' },
          before: { provider: 'okta', linkedAt: T0, linkedBy: admin },
          after: { unlinkedAt: T0 + 5, sessions: [session.id] },
        },
      ],
    );
    assert.ok(!JSON.stringify(records).includes('hopper'), 'P7');
    await turnedAway(admit(world, identity), 'link_needed');
  });
});

test('two claims of a waiting identity at once: one holds, whichever comes first', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const { id: person } = await changes.addPerson({ actor, email: 'ada@acme.com' });
    const { waiting, identity } = await waitingFor(world, person);
    const results = await Promise.allSettled([
      changes.linkIdentity({ actor, waiting }),
      changes.discardWaiting({ actor, waiting }),
      changes.linkIdentity({ actor, waiting }),
    ]);
    assert.deepEqual(
      results.map((result) => result.status),
      ['fulfilled', 'rejected', 'rejected'],
    );
    assert.equal((await admit(world, identity)).person, person);
    // Erased in the moment of linking: nobody gets it.
    const { id: gone } = await changes.addPerson({ actor, email: 'gone@acme.com' });
    const late = await waitingFor(world, gone, 'late');
    const race = await Promise.allSettled([
      changes.erasePerson({ actor, person: gone }),
      changes.linkIdentity({ actor, waiting: late.waiting }),
    ]);
    assert.deepEqual(
      race.map((result) => result.status),
      ['fulfilled', 'rejected'],
    );
    assert.equal(world.directory.current.identitiesOf.has(gone), false);
  });
});

test('who is discarded waits again; unknown ids are not found', async () => {
  await inWorld(async (world) => {
    const { changes, store } = world;
    const { id: person } = await changes.addPerson({ actor, email: 'ada@acme.com' });
    const { waiting, identity } = await waitingFor(world, person);
    await changes.discardWaiting({ actor, waiting, reason: 'nobody we know' });
    assert.deepEqual((await world.records()).at(-1), {
      ...{ actor, action: 'identity.discarded', subject: waiting, reason: 'nobody we know' },
      ...{ before: { provider: 'okta', person }, after: null },
    });
    assert.deepEqual(await store.waitingIdentities(9), []);
    await turnedAway(admit(world, identity), 'link_needed');
    await refusals(world, [
      ['not_found', () => changes.discardWaiting({ actor, waiting })],
      ['not_found', () => changes.linkIdentity({ actor, waiting })],
      ['not_found', () => changes.unlinkIdentity({ actor, provider: 'okta', subject: identity.subject })],
      ['invalid', () => changes.linkIdentity({ actor: 'ada', waiting })],
    ]);
  });
});

test('P8: who may change providers cannot have one prove the primary owner', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const owner = await claimed(world);
    const { id: admin } = await changes.addPerson({ actor, email: 'admin@acme.com', role: 'admin' });
    const { waiting, identity } = await waitingFor(world, owner);
    await refusals(world, [['refused', () => changes.linkIdentity({ actor: admin, waiting })]]);
    await changes.linkIdentity({ actor: owner, waiting });
    const { subject } = identity;
    await refusals(world, [['refused', () => changes.unlinkIdentity({ actor: admin, provider: 'okta', subject })]]);
    await changes.unlinkIdentity({ actor: owner, provider: 'okta', subject });
  });
});

test('a guest enters with an invitation, at its provider, and everything ends with it', async () => {
  await inWorld(async (world) => {
    const { changes, directory, store } = world;
    const { id: sponsor } = await changes.addPerson({ actor, email: 'sponsor@acme.com' });
    const email = 'hopper@partner.example';
    const guest = proven({ email });
    await turnedAway(admit(world, guest), 'not_invited');
    const invited = {
      actor: sponsor,
      email: ' Hopper@Partner.example ',
      provider: 'Okta',
      sponsor,
      endsAt: T0 + 30 * DAY,
    };
    const { id } = await changes.invite({ ...invited, reason: 'audit' });
    assert.deepEqual((await world.records()).at(-1), {
      ...{ actor: sponsor, action: 'invitation.made', subject: id, before: null, reason: 'audit' },
      after: { provider: 'okta', sponsor, endsAt: T0 + 30 * DAY, person: null },
    });
    await turnedAway(admit(world, { ...guest, provider: 'adfs' }), 'not_invited');
    await turnedAway(admit(world, { ...guest, emailVerified: false }), 'email_unverified');
    const entered = await Promise.all([admit(world, guest), admit(world, guest)]);
    const { person } = entered[0];
    assert.deepEqual(entered, [
      { person, endsAt: T0 + 30 * DAY },
      { person, endsAt: T0 + 30 * DAY },
    ]);
    const row = directory.current.parties.get(person);
    assert.deepEqual([row?.sponsor, row?.endsAt, row?.role, row?.name], [sponsor, T0 + 30 * DAY, 'member', email]);
    assert.deepEqual(
      (await store.invitations(9)).map((each) => each.person),
      [person],
    );
    await turnedAway(admit(world, proven({ email })), 'link_needed');

    const key = await changes.createKey({ actor: person, owner: person, label: '', kind: 'key' });
    const session = await changes.openSession({
      ...{ person, provider: 'okta', client: 'c', label: '', until: null, longestMs: 90 * DAY },
    });
    assert.equal(session.expiresAt, T0 + 30 * DAY);
    const keyAt = (now: number) => {
      const found = resolve(directory.current, parseCredential(key.secret)?.digest ?? '', now);
      return 'refused' in found ? found.refused : 'valid';
    };
    assert.deepEqual([keyAt(T0 + 30 * DAY - 1), keyAt(T0 + 30 * DAY)], ['valid', 'owner_disabled']);
    await changes.extendInvitation({ actor, invitation: id, endsAt: T0 + 60 * DAY, reason: 'longer' });
    assert.deepEqual((await world.records()).at(-1), {
      ...{ actor, action: 'invitation.extended', subject: id, reason: 'longer' },
      ...{ before: { endsAt: T0 + 30 * DAY }, after: { endsAt: T0 + 60 * DAY, person } },
    });
    assert.equal(keyAt(T0 + 60 * DAY - 1), 'valid');
    assert.equal((await admit(world, guest)).endsAt, T0 + 60 * DAY);
    await changes.extendInvitation({ actor, invitation: id, endsAt: T0 + DAY });
    assert.deepEqual([keyAt(T0 + DAY - 1), keyAt(T0 + DAY)], ['valid', 'owner_disabled'], 'sooner, too');
    const heard: string[][] = [];
    directory.onChange(({ credentials, parties }) => heard.push([...credentials, ...parties].sort()));
    await changes.revokeInvitation({ actor, invitation: id, reason: 'done' });
    assert.deepEqual(heard, [[key.id, session.id, person].sort()], 'P3: at once');
    assert.equal(keyAt(T0), 'owner_disabled');
    await turnedAway(admit(world, guest), 'ended', person);
    assert.deepEqual((await world.records()).at(-1), {
      ...{ actor, action: 'invitation.revoked', subject: id, reason: 'done' },
      ...{ before: { revokedAt: null }, after: { revokedAt: T0, person, sessions: [session.id] } },
    });
    await changes.revokeInvitation({ actor, invitation: id });
    assert.ok(!JSON.stringify(await world.records()).includes('hopper'), 'P7');
    const { id: again } = await changes.invite({ ...invited, endsAt: T0 + 5 * DAY });
    assert.notEqual(again, id);
    assert.deepEqual(await admit(world, guest), { person, endsAt: T0 + 5 * DAY }, 'the same person returns');
    await changes.revokeInvitation({ actor, invitation: again });
    await changes.disableParty({ actor, party: person });
    await refusals(world, [['conflict', () => changes.invite({ ...invited, endsAt: T0 + 5 * DAY })]]);
    await changes.erasePerson({ actor, person });
    assert.deepEqual(await store.invitations(9), []);
    assert.ok(!world.bytes().includes('hopper'), 'P7');
  });
});

test('P8: an invitation that is over, revoked, or without a sponsor lets nobody in', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const { id: sponsor } = await changes.addPerson({ actor, email: 'sponsor@acme.com' });
    const invite = (email: string, days = 1) =>
      changes.invite({ actor, email, provider: 'okta', sponsor, endsAt: T0 + days * DAY });
    const [a, b] = [proven({ email: 'a@x.org' }), proven({ email: 'b@x.org' })];
    await invite('a@x.org');
    const revoked = await invite('b@x.org');
    await changes.revokeInvitation({ actor, invitation: revoked.id });
    await turnedAway(admit(world, b), 'not_invited');
    await changes.disableParty({ actor, party: sponsor });
    await turnedAway(admit(world, a), 'not_invited');
    await changes.enableParty({ actor, party: sponsor });
    await refusals(world, [['conflict', () => invite('A@x.org')]]);
    world.clock.set(T0 + DAY);
    await turnedAway(admit(world, a), 'not_invited');
    await invite('a@x.org', 2);
    assert.equal((await admit(world, a)).endsAt, T0 + 2 * DAY, 'one that is over is replaced');
  });
});

test('an invitation needs an address nobody has, a sponsor who can answer, and an end within a year', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const { id: sponsor } = await changes.addPerson({ actor, email: 'sponsor@acme.com' });
    const { id: off } = await changes.addPerson({ actor, email: 'off@acme.com' });
    const { id: service } = await changes.ensureService({ actor, name: 'ci' });
    await changes.disableParty({ actor, party: off });
    const good = { actor, email: 'guest@x.org', provider: 'okta', sponsor, endsAt: T0 + 366 * DAY };
    const { id: open } = await changes.invite(good);
    const { person: guest } = await admit(world, proven({ email: 'guest@x.org' }));
    const another = { ...good, email: 'another@x.org' };
    await refusals(world, [
      ['conflict', () => changes.invite(good)],
      ['conflict', () => changes.invite({ ...good, email: 'sponsor@acme.com' })],
      ['invalid', () => changes.invite({ ...another, email: 'nobody' })],
      ['invalid', () => changes.invite({ ...another, provider: '' })],
      ['invalid', () => changes.invite({ ...another, endsAt: T0 })],
      ['invalid', () => changes.invite({ ...another, endsAt: T0 + 366 * DAY + 1 })],
      ['invalid', () => changes.invite({ ...another, endsAt: Number.NaN })],
      ['refused', () => changes.invite({ ...another, sponsor: off })],
      ['refused', () => changes.invite({ ...another, sponsor: guest })],
      ['not_found', () => changes.invite({ ...another, sponsor: service })],
      ['not_found', () => changes.invite({ ...another, sponsor: 'per_nobody' })],
      ['not_found', () => changes.extendInvitation({ actor, invitation: 'inv_x', endsAt: T0 + 1 })],
      ['invalid', () => changes.extendInvitation({ actor, invitation: open, endsAt: T0 })],
      ['not_found', () => changes.revokeInvitation({ actor, invitation: 'inv_x' })],
    ]);
    await changes.revokeInvitation({ actor, invitation: open });
    await refusals(world, [['refused', () => changes.extendInvitation({ actor, invitation: open, endsAt: T0 + 1 })]]);
  });
});

test('groups of every provider are a person’s, each under its provider; the list stays the same list', async () => {
  await inWorld(async (world) => {
    const { person } = await signedIn(world, { groups: ['Eng', 'a/b'] });
    await world.store.change((tx) =>
      tx.insertIdentity({
        ...{ provider: 'ADFS', subject: 's', person, email: null, groups: ['Eng'] },
        ...{ issuer: 'https://acme.okta.example', linkedBy: actor, createdAt: T0, lastSignInAt: null },
      }),
    );
    await world.directory.refresh();
    const groups = world.directory.current.groupsOf(person);
    assert.deepEqual([...groups].sort(), ['adfs/Eng', 'okta/Eng', 'okta/a/b']);
    assert.equal(world.directory.current.groupsOf(person), groups);
    assert.deepEqual(world.directory.current.groupsOf('per_nobody'), []);
  });
});
