/** A restore gives nobody a way in, a role or a say that was taken since the copy. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { applyNewer } from '../../src/identity/replay.ts';
import type { JsonObject } from '../../src/journal/records.ts';
import type { Store } from '../../src/store/ports.ts';
import { admit, claimed, proven, signedIn, turnedAway } from './proven.ts';
import { inWorld, openCopy, T0, type World } from './world.ts';

const actor = 'system';
const DAY = 86_400_000;
const LATER = '2027-01-15T08:30:00.000Z';

async function* journalled(world: World): AsyncGenerator<JsonObject> {
  for (const { number, record } of await world.store.outbox(1000)) yield { ...record, outbox: number, at: LATER };
}

async function* only(...bodies: JsonObject[]): AsyncGenerator<JsonObject> {
  yield* bodies;
}

/** Copies the store, lets `since` happen, restores the copy under the newer journal, and looks at it. */
async function restored(
  world: World,
  since: () => Promise<unknown>,
  look: (store: Store, counts: Awaited<ReturnType<typeof applyNewer>>) => Promise<void>,
): Promise<void> {
  const copy = join(world.folder, `copy-${Math.random()}.db`);
  await world.store.copyTo(copy);
  await since();
  const store = await openCopy(copy);
  try {
    await look(store, await applyNewer(store, journalled(world)));
    const once = await store.directory();
    const again = await applyNewer(store, journalled(world));
    assert.deepEqual([again.applied, again.sessionsEnded], [0, 0], 'a second run does nothing');
    assert.deepEqual(await store.directory(), once);
  } finally {
    await store.close();
  }
}

test('P3: after a restore nobody is signed in: neither the revoked, nor the stolen and turned away, nor anybody else', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const [ada, ben, cyd, dot] = [
      await signedIn(world),
      await signedIn(world),
      await signedIn(world),
      await signedIn(world),
    ];
    await restored(
      world,
      async () => {
        world.clock.set(T0 + 1000);
        await changes.revokeSession({ actor, session: ada.session.id, alarm: 'stolen' });
        await changes.revokeSessionsOf({ actor, person: ben.person });
        await changes.disableParty({ actor, party: cyd.person });
        await signedIn(world);
      },
      async (store, counts) => {
        assert.deepEqual((await store.directory()).sessions, []);
        const rows = new Map((await store.sessions(9)).map((row) => [row.person, row.revokedAt]));
        assert.deepEqual(
          [ada, ben, cyd, dot].map(({ person }) => rows.get(person)),
          [T0 + 1000, T0 + 1000, Date.parse(LATER), Date.parse(LATER)],
        );
        assert.equal(counts.sessionsEnded, 2, 'those of whom no record says that they ended');
      },
    );
  });
});

test('a store that was not restored keeps its sessions', async () => {
  await inWorld(async (world) => {
    const { session } = await signedIn(world);
    const counts = await applyNewer(world.store, journalled(world));
    assert.equal(counts.sessionsEnded, 0);
    assert.deepEqual(
      (await world.store.directory()).sessions.map(({ id }) => id),
      [session.id],
    );
  });
});

test('P3: after a restore an identity that was unlinked since stays so, and no other is touched', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const { person, identity } = await signedIn(world);
    world.clock.set(T0 + 1);
    const { identity: other } = await signedIn(world);
    const second = {
      provider: 'okta',
      subject: 'second',
      issuer: 'https://acme.okta.example',
      person,
      email: null,
      groups: [],
      linkedBy: actor,
    };
    await world.store.change((tx) => tx.insertIdentity({ ...second, createdAt: T0 + 2, lastSignInAt: null }));
    const { id: made } = await changes.addPerson({ actor, email: 'made@acme.com' });
    const waits = proven({ email: 'made@acme.com' });
    await turnedAway(admit(world, waits), 'link_needed');
    const [waiting] = await world.store.waitingIdentities(9);
    await restored(
      world,
      async () => {
        await changes.unlinkIdentity({ actor, provider: 'okta', subject: identity.subject });
        await changes.linkIdentity({ actor, waiting: waiting?.id ?? '' });
        await changes.unlinkIdentity({ actor, provider: 'okta', subject: waits.subject });
        await turnedAway(admit(world, waits), 'link_needed');
        const [again] = await world.store.waitingIdentities(9);
        await changes.discardWaiting({ actor, waiting: again?.id ?? '' });
      },
      async (store) => {
        const { identities } = await store.directory();
        assert.deepEqual(identities.map(({ subject }) => subject).sort(), [other.subject, 'second'].sort());
        assert.deepEqual(await store.read((tx) => tx.identitiesOf(made)), []);
      },
    );
  });
});

test('P8: groups that changed since are none after a restore, until the next sign-in', async () => {
  await inWorld(async (world) => {
    const [ada, ben] = [
      await signedIn(world, { groups: ['admins', 'eng'] }),
      await signedIn(world, { groups: ['admins'] }),
    ];
    await restored(
      world,
      () => admit(world, { ...ada.identity, groups: ['eng'] }),
      async (store) => {
        const groups = (person: string) => store.read(async (tx) => (await tx.identitiesOf(person))[0]?.groups);
        assert.deepEqual([await groups(ada.person), await groups(ben.person)], [[], ['admins']]);
      },
    );
  });
});

test('P3: after a restore a demoted admin stays demoted, and nobody is raised', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const add = async (name: string, role: 'admin' | 'auditor' | 'member') =>
      (await changes.addPerson({ actor, email: `${name}@x.org`, role })).id;
    const [demoted, lowered, raised, back] = [
      await add('a', 'admin'),
      await add('b', 'admin'),
      await add('c', 'member'),
      await add('d', 'admin'),
    ];
    await restored(
      world,
      async () => {
        await changes.setRole({ actor, person: demoted, role: 'member' });
        await changes.setRole({ actor, person: lowered, role: 'auditor' });
        await changes.setRole({ actor, person: raised, role: 'admin' });
        await changes.setRole({ actor, person: back, role: 'member' });
        await changes.setRole({ actor, person: back, role: 'admin' });
      },
      async (store) => {
        const roles = new Map((await store.directory()).parties.map(({ id, role }) => [id, role]));
        assert.deepEqual(
          [demoted, lowered, raised, back].map((id) => roles.get(id)),
          ['member', 'auditor', 'member', 'member'],
        );
      },
    );
  });
});

test('P3: after a restore the ownership is where it went, or with nobody, and no old envelope opens', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const owner = await claimed(world);
    const { id: heir } = await changes.addPerson({ actor, email: 'heir@x.org' });
    const { id: third } = await changes.addPerson({ actor, email: 'third@x.org' });
    await changes.sealBreakGlass({ actor: owner });
    await restored(
      world,
      async () => {
        await changes.transferOwner({ actor: owner, to: heir });
        await changes.transferOwner({ actor: heir, to: third });
      },
      async (store) => {
        const roles = new Map((await store.directory()).parties.map(({ id, role }) => [id, role]));
        assert.deepEqual(
          [owner, heir, third].map((id) => roles.get(id)),
          ['admin', 'admin', 'primary_owner'],
        );
        assert.equal(await store.read((tx) => tx.setting('break-glass')), undefined);
      },
    );
    await restored(
      world,
      async () => {
        const { id: late } = await changes.addPerson({ actor, email: 'late@x.org' });
        await changes.transferOwner({ actor: third, to: late });
      },
      async (store) => {
        assert.equal(await store.read((tx) => tx.primaryOwner()), undefined, 'the heir is gone with the newer store');
      },
    );
  });
});

test('P3: after a restore an owner who was displaced stays a member', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const owner = await claimed(world);
    await restored(
      world,
      async () => {
        await changes.disableParty({ actor, party: owner });
        await changes.claimOwner({ secret: (await changes.ensureOwnerSecret()) ?? '', email: 'new@x.org' });
        await changes.enableParty({ actor, party: owner });
      },
      async (store) => {
        const party = await store.read((tx) => tx.party(owner));
        assert.deepEqual([party?.role, party?.disabledAt], ['member', null]);
      },
    );
  });
});

test('P3: after a restore an envelope that was opened or replaced since does not open', async () => {
  for (const since of ['used', 'sealed'] as const) {
    await inWorld(async (world) => {
      const { changes } = world;
      const owner = await claimed(world);
      const envelope = await changes.sealBreakGlass({ actor: owner });
      await restored(
        world,
        () => (since === 'used' ? changes.useBreakGlass(envelope) : changes.sealBreakGlass({ actor: owner })),
        async (store) => {
          assert.equal(await store.read((tx) => tx.setting('break-glass')), undefined);
        },
      );
    });
  }
});

test('P3: after a restore a guest who was ended or shortened since is over, and none lasts longer', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const { id: sponsor } = await changes.addPerson({ actor, email: 'sponsor@acme.com' });
    const guest = async (name: string) => {
      const email = `${name}@x.org`;
      const { id } = await changes.invite({ actor, email, provider: 'okta', sponsor, endsAt: T0 + 30 * DAY });
      return { id, email, person: name === 'open' ? null : (await admit(world, proven({ email }))).person };
    };
    const [ended, shortened, extended, open] = [
      await guest('ended'),
      await guest('shortened'),
      await guest('extended'),
      await guest('open'),
    ];
    await restored(
      world,
      async () => {
        world.clock.set(T0 + 1000);
        await changes.revokeInvitation({ actor, invitation: ended.id });
        await changes.extendInvitation({ actor, invitation: shortened.id, endsAt: T0 + DAY });
        await changes.extendInvitation({ actor, invitation: extended.id, endsAt: T0 + 60 * DAY });
        await changes.revokeInvitation({ actor, invitation: open.id });
      },
      async (store) => {
        const ends = new Map((await store.directory()).parties.map(({ id, endsAt }) => [id, endsAt]));
        assert.deepEqual(
          [ended, shortened, extended].map(({ person }) => ends.get(person ?? '')),
          [T0 + 1000, T0 + DAY, T0 + 30 * DAY],
        );
        assert.equal(await store.read((tx) => tx.openInvitation(open.email)), undefined);
        const row = await store.read((tx) => tx.invitation(shortened.id));
        assert.equal(row?.endsAt, T0 + DAY);
      },
    );
  });
});

test('P8: after a restore what was rejected or withdrawn since cannot be approved', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const { id: ben } = await changes.addPerson({ actor, email: 'ben@x.org' });
    const propose = (author: string) => changes.propose({ actor: author, text: 'x', base: 0, kinds: ['controls'] });
    const [rejected, withdrawn, open] = [await propose(actor), await propose('file'), await propose(actor)];
    await restored(
      world,
      async () => {
        world.clock.set(T0 + 5);
        await changes.decideProposal({ actor: ben, proposal: rejected.id, decision: 'rejected' });
        await changes.decideProposal({ actor: 'file', proposal: withdrawn.id, decision: 'withdrawn' });
      },
      async (store) => {
        const found = new Map((await store.proposals(9)).map((row) => [row.id, row]));
        const of = ({ id }: { id: string }) => {
          const { decision, decidedBy, decidedAt } = found.get(id) ?? {};
          return [decision, decidedBy, decidedAt];
        };
        assert.deepEqual(of(rejected), ['rejected', ben, T0 + 5]);
        assert.deepEqual(of(withdrawn), ['withdrawn', 'file', T0 + 5]);
        assert.deepEqual(of(open), [null, null, null]);
      },
    );
  });
});

test('P7: a person who signed in is erased again after a restore', async () => {
  await inWorld(async (world) => {
    const { person } = await signedIn(world, { email: 'hopper@acme.com', groups: ['g'] });
    await restored(
      world,
      () => world.changes.erasePerson({ actor, person }),
      async (store) => {
        assert.deepEqual(await store.read((tx) => tx.identitiesOf(person)), []);
        assert.deepEqual(await store.sessions(9), []);
        assert.equal((await store.read((tx) => tx.party(person)))?.name, null);
      },
    );
  });
});

test('P3: a record of what was taken that cannot be read stops the start', async () => {
  await inWorld(async (world) => {
    const body = { actor, subject: 'per_x', before: null, after: null, reason: null, outbox: 9 };
    for (const bad of [
      { action: 'session.revoked' },
      { action: 'session.revoked', after: { revokedAt: 'now' } },
      { action: 'sessions.revoked', after: { revokedAt: T0 } },
      { action: 'sessions.revoked', after: { revokedAt: T0, sessions: [7] } },
      { action: 'identity.unlinked', before: { provider: 'okta' } },
      { action: 'identity.unlinked', before: { linkedAt: T0 } },
      { action: 'identity.updated' },
      { action: 'role.changed', after: { role: 'emperor' } },
      { action: 'owner.transferred', before: { owner: 'per_x' } },
      { action: 'owner.transferred', after: { owner: 'per_x' } },
      { action: 'owner.claimed', after: { displaced: 7 } },
      { action: 'invitation.revoked' },
      { action: 'invitation.extended', after: { endsAt: -1 } },
      { action: 'proposal.approved', after: { decision: 'maybe', decidedAt: T0 } },
      { action: 'proposal.rejected', after: { decision: 'rejected' } },
    ]) {
      await assert.rejects(applyNewer(world.store, only({ ...body, ...bad })), /cannot be replayed/, bad.action);
    }
    const old = { ...body, action: 'owner.claimed', after: { kind: 'person', role: 'owner' } };
    assert.equal((await applyNewer(world.store, only(old))).ignored, 1, 'as the release before wrote it');
  });
});
