import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreConflict } from '../../src/store/errors.ts';
import type { Store } from '../../src/store/ports.ts';
import { identity, invitation, person, T0, waiting } from './rows.ts';
import type { Harness } from './suite.ts';

const conflict = (what: string) => (error: unknown) => error instanceof StoreConflict && error.what === what;

/** Who somebody is at an identity provider, who waits to be linked, and who is invited. */
export function identities(harness: Harness): void {
  linked(harness);
  waitingOnes(harness);
  invitations(harness);
}

async function two(store: Store) {
  const [ada, ben] = [person(), person()];
  await store.change(async (tx) => {
    await tx.insertParty(ada);
    await tx.insertParty(ben);
  });
  return [ada, ben] as const;
}

function linked(harness: Harness): void {
  test('an identity is one provider and subject, byte for byte, of one person who exists', async () => {
    const store = await harness.open();
    const [ada, ben] = await two(store);
    const groups = ['eng', 'ENG', 'a/b', 'ä "quoted" \\', ''];
    const first = identity(ada.id, { subject: 'Abc', groups });
    const cased = identity(ben.id, { subject: 'abc', groups: [], email: null, lastSignInAt: null, linkedBy: ada.id });
    const elsewhere = identity(ada.id, { provider: 'adfs', subject: 'Abc' });
    await store.change(async (tx) => {
      for (const row of [first, cased, elsewhere]) await tx.insertIdentity(row);
    });
    assert.deepEqual(await store.read((tx) => tx.identity('okta', 'Abc')), first);
    assert.deepEqual(await store.read((tx) => tx.identity('okta', 'abc')), cased);
    assert.equal(await store.read((tx) => tx.identity('Okta', 'Abc')), undefined);
    assert.deepEqual(await store.read((tx) => tx.identitiesOf(ada.id)), [elsewhere, first]);
    assert.deepEqual((await store.directory()).identities, [elsewhere, first, cased]);
    const again = store.change((tx) => tx.insertIdentity(identity(ben.id, { subject: 'Abc' })));
    await assert.rejects(again, conflict('sign-in'));
    await assert.rejects(store.change((tx) => tx.insertIdentity(identity('per_nobody'))));
    await store.close();
  });

  test('an identity changes only where it was told to, and is gone once deleted', async () => {
    const store = await harness.open();
    const [ada] = await two(store);
    const [row, other] = [identity(ada.id), identity(ada.id)];
    const { provider, subject } = row;
    await store.change(async (tx) => {
      for (const each of [row, other]) await tx.insertIdentity(each);
      await tx.updateIdentity(provider, subject, { groups: ['ops', 'eng'], lastSignInAt: T0 + 5 });
      await tx.updateIdentity(provider, subject, {});
    });
    const changed = { ...row, groups: ['ops', 'eng'], lastSignInAt: T0 + 5 };
    assert.deepEqual(await store.read((tx) => tx.identity(provider, subject)), changed);
    assert.deepEqual(await store.read((tx) => tx.identity(other.provider, other.subject)), other);
    await store.change((tx) => tx.updateIdentity(provider, subject, { email: null }));
    assert.deepEqual(await store.read((tx) => tx.identity(provider, subject)), { ...changed, email: null });
    await store.change((tx) => tx.deleteIdentity(provider, subject));
    await store.change((tx) => tx.deleteIdentity(provider, subject));
    assert.deepEqual((await store.directory()).identities, [other]);
    await store.change((tx) => tx.insertIdentity(row));
    await store.close();
  });
}

function waitingOnes(harness: Harness): void {
  test('who waits again keeps the id and the first time; others have their own', async () => {
    const store = await harness.open();
    const [ada, ben] = await two(store);
    const first = waiting(ada.id, { subject: 's1' });
    const save = (row: ReturnType<typeof waiting>) => store.change((tx) => tx.saveWaitingIdentity(row));
    await save(first);
    const later = { subject: 's1', email: 'ben@example.com', firstSeenAt: T0 + 7, lastSeenAt: T0 + 7 };
    await save(waiting(ben.id, later));
    const kept = { ...first, person: ben.id, email: 'ben@example.com', lastSeenAt: T0 + 7 };
    assert.deepEqual(await store.waitingIdentities(9), [kept]);
    assert.deepEqual(await store.read((tx) => tx.waitingIdentity(first.id)), kept);
    assert.deepEqual(await store.read((tx) => tx.waitingIdentityOf('okta', 's1')), kept);
    assert.equal(await store.read((tx) => tx.waitingIdentityOf('okta', 'S1')), undefined);
    const second = waiting(ada.id, { provider: 'adfs', subject: 's1', firstSeenAt: T0 + 8 });
    await save(second);
    assert.deepEqual(await store.waitingIdentities(9), [second, kept]);
    assert.deepEqual(await store.waitingIdentities(1), [second]);
    await store.change((tx) => tx.deleteWaitingIdentity(first.id));
    assert.deepEqual(await store.waitingIdentities(9), [second]);
    const third = waiting(ben.id);
    await save(third);
    await store.change((tx) => tx.deleteWaitingIdentitiesOf(ada.id));
    assert.deepEqual(await store.waitingIdentities(9), [third]);
    await store.close();
  });
}

function invitations(harness: Harness): void {
  test('an address is invited once at a time, and again once that was revoked', async () => {
    const store = await harness.open();
    const [ada] = await two(store);
    const first = invitation(ada.id, { email: 'guest@x.org' });
    const add = (row: ReturnType<typeof invitation>) => store.change((tx) => tx.insertInvitation(row));
    await add(first);
    await assert.rejects(
      add(invitation(ada.id, { email: 'guest@x.org', provider: 'adfs' })),
      conflict('invited address'),
    );
    assert.deepEqual(await store.read((tx) => tx.openInvitation('guest@x.org')), first);
    assert.equal(await store.read((tx) => tx.openInvitation('Guest@x.org')), undefined);
    await store.change((tx) => tx.updateInvitation(first.id, { endsAt: T0 + 2000, person: ada.id }));
    await store.change((tx) => tx.updateInvitation(first.id, {}));
    const extended = { ...first, endsAt: T0 + 2000, person: ada.id };
    assert.deepEqual(await store.read((tx) => tx.invitation(first.id)), extended);
    await store.change((tx) => tx.updateInvitation(first.id, { revokedAt: T0 + 3 }));
    assert.equal(await store.read((tx) => tx.openInvitation('guest@x.org')), undefined);
    const second = invitation(ada.id, { email: 'guest@x.org', createdAt: T0 + 4 });
    await add(second);
    assert.deepEqual(await store.invitations(9), [second, { ...extended, revokedAt: T0 + 3 }]);
    assert.deepEqual(await store.invitations(1), [second]);
    await assert.rejects(add(invitation('per_nobody')));
    await store.close();
  });

  test('P7: of an erased person every invitation goes, also those for the address; others stay', async () => {
    const store = await harness.open();
    const [ada, ben] = await two(store);
    const rows = [
      invitation(ben.id, { email: 'ada@x.org', revokedAt: T0 }),
      invitation(ben.id, { email: 'ada@x.org' }),
      invitation(ben.id, { email: 'ada-before@x.org', person: ada.id }),
      invitation(ada.id, { email: 'guest@x.org' }),
    ];
    await store.change(async (tx) => {
      for (const row of rows) await tx.insertInvitation(row);
      await tx.deleteInvitationsOf(ben.id, null);
    });
    assert.equal((await store.invitations(9)).length, 4);
    await store.change((tx) => tx.deleteInvitationsOf(ada.id, 'ada@x.org'));
    assert.deepEqual(await store.invitations(9), rows.slice(3));
    await store.close();
  });
}
