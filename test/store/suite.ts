import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { setImmediate as pause } from 'node:timers/promises';
import type { Clock } from '../../src/kernel/clock.ts';
import { StoreConflict, StoreMisuse } from '../../src/store/errors.ts';
import type { Store } from '../../src/store/ports.ts';
import {
  credential,
  identity,
  invitation,
  keptAnswer,
  person,
  proposal,
  service,
  session,
  T0,
  team,
  waiting,
} from './rows.ts';
import { identities } from './suite-identities.ts';
import { overlays } from './suite-overlays.ts';
import { sessions } from './suite-sessions.ts';

/** What a driver gives the suite. */
export interface Harness {
  /** A fresh, empty store, on a clock where one is given. */
  open(clock?: Clock): Promise<Store>;
  /** Another handle on the store that `store` is. */
  again(store: Store): Promise<Store>;
  /** A place for a copy, which does not exist yet, and the store that opens it. */
  copyTarget(): { path: string; open: () => Promise<Store> };
}

/** What every driver must do. */
export function storeSuite(name: string, harness: Harness): void {
  describe(name, () => {
    transactions(harness);
    parties(harness);
    outbox(harness);
    credentials(harness);
    overlays(harness);
    identities(harness);
    sessions(harness);
    copies(harness);
  });
}

function transactions(harness: Harness): void {
  test('what throws inside a change rolls everything back, its outbox record too', async () => {
    const store = await harness.open();
    const row = person();
    const failing = store.change(async (tx) => {
      await tx.insertParty(row);
      await tx.enqueue({ action: 'person.add' });
      throw new Error('thought better of it');
    });
    await assert.rejects(failing, /thought better of it/);
    assert.equal(await store.read((tx) => tx.party(row.id)), undefined);
    assert.deepEqual(await store.outbox(10), []);
    assert.equal((await store.directory()).sequence, 0);
    await store.close();
  });

  test('changes that overlap in time run one after the other', async () => {
    const store = await harness.open();
    const count = async (by: number) =>
      store.change(async (tx) => {
        const before = Number((await tx.setting('count')) ?? '0');
        for (let i = 0; i < by; i++) await pause();
        await tx.setSetting('count', String(before + 1));
      });
    await Promise.all([3, 0, 2, 1, 0].map(count));
    assert.equal(await store.read((tx) => tx.setting('count')), '5');
    await store.close();
  });

  test('the store inside its own transaction is an error at once, never a deadlock', async () => {
    const store = await harness.open();
    const inside: Array<() => Promise<unknown>> = [
      () => store.directory(),
      () => store.read((tx) => tx.setting('x')),
      () => store.change((tx) => tx.setSetting('x', 'y')),
      () => store.outbox(1),
      () => store.acknowledge(1),
      () => store.credentials(),
      () => store.saveLastUse([['key_x', 1]]),
      () => store.policyHistory(1),
      () => store.policyRevision(1),
      () => store.stops(1),
      () => store.grants(1),
      () => store.invitations(1),
      () => store.waitingIdentities(1),
      () => store.proposals(1),
      () => store.proposal('chg_x'),
      () => store.sessions(1),
      () => store.saveSessionsSeen([['ses_x', 1]]),
      () => store.purge({ sessions: 1, answers: 1, waiting: 1 }),
      () => store.copyTo('/nowhere'),
      () => store.close(),
    ];
    for (const use of inside) await assert.rejects(store.change(use), StoreMisuse);
    for (const use of inside) await assert.rejects(store.read(use), StoreMisuse);
    // Neither is the store stuck afterwards, nor is one transaction mistaken for another that waits for it.
    await store.change((tx) => tx.setSetting('x', 'z'));
    assert.equal(await store.read((tx) => tx.setting('x')), 'z');
    await store.close();
  });

  test('work that outlives its transaction may use the store again', async () => {
    const store = await harness.open();
    let later: Promise<unknown> | undefined;
    await store.change(async (tx) => {
      await tx.setSetting('x', 'y');
      later = pause().then(async () => {
        await pause();
        return store.read((t) => t.setting('x'));
      });
    });
    assert.equal(await later, 'y');
    await store.close();
  });

  test('a handle is dead after its transaction, a read does not write, and every use must be awaited', async () => {
    const store = await harness.open();
    const kept = await store.change(async (tx) => tx);
    await assert.rejects(kept.setSetting('x', 'late'), StoreMisuse);
    await assert.rejects(kept.setting('x'), StoreMisuse);
    await assert.rejects(
      store.read((tx) => tx.setSetting('x', 'by a read')),
      StoreMisuse,
    );
    let forgotten: Promise<void> | undefined;
    const forgetful = store.change(async (tx) => {
      forgotten = tx.setSetting('x', 'not awaited');
    });
    await assert.rejects(forgetful, StoreMisuse);
    await Promise.allSettled([forgotten]);
    assert.equal(await store.read((tx) => tx.setting('x')), undefined);
    await store.close();
  });

  test('a failed statement fails the change even where its error was swallowed', async () => {
    const store = await harness.open();
    const row = team();
    await store.change((tx) => tx.insertTeam(row));
    const swallowing = store.change(async (tx) => {
      await tx.setSetting('x', 'y');
      await tx.insertTeam(team({ name: row.name })).catch(() => {});
    });
    await assert.rejects(swallowing, StoreConflict);
    assert.equal(await store.read((tx) => tx.setting('x')), undefined);
    await store.close();
  });
}

function parties(harness: Harness): void {
  test('names are unique among the living, per kind; an erased name can be used again', async () => {
    const store = await harness.open();
    const first = person({ name: 'ada@example.com' });
    await store.change((tx) => tx.insertParty(first));
    const second = person({ name: 'ada@example.com' });
    await assert.rejects(
      store.change((tx) => tx.insertParty(second)),
      (error) => error instanceof StoreConflict && error.what === 'e-mail address or name',
    );
    await store.change((tx) => tx.insertParty(service({ name: 'ada@example.com' })));
    await store.change((tx) => tx.updateParty(first.id, { name: null, erasedAt: T0 + 1 }));
    await store.change((tx) => tx.insertParty(second));
    const third = person({ name: 'grace@example.com' });
    await store.change((tx) => tx.insertParty(third));
    await store.change((tx) => tx.updateParty(third.id, { name: null, erasedAt: T0 + 2 }));
    const found = await store.read((tx) => tx.partyByName('person', 'ada@example.com'));
    assert.deepEqual(found, second);
    assert.deepEqual(await store.read((tx) => tx.party(first.id)), { ...first, name: null, erasedAt: T0 + 1 });
    await store.close();
  });

  test('conflicts say what conflicted; other errors pass', async () => {
    const store = await harness.open();
    const owner = person();
    const used = credential(owner.id);
    const row = team();
    await store.change(async (tx) => {
      await tx.insertParty(owner);
      await tx.insertTeam(row);
      await tx.insertCredential(used);
      await tx.insertContentKey(owner.id, Uint8Array.of(1));
    });
    const conflicts: Array<[string, Promise<unknown>]> = [
      ['team name', store.change((tx) => tx.insertTeam(team({ name: row.name })))],
      ['credential', store.change((tx) => tx.insertCredential(credential(owner.id, { digest: used.digest })))],
      ['content key', store.change((tx) => tx.insertContentKey(owner.id, Uint8Array.of(2)))],
    ];
    for (const [what, attempt] of conflicts) {
      await assert.rejects(attempt, (error) => error instanceof StoreConflict && error.what === what);
    }
    const orphan = store.change((tx) => tx.insertCredential(credential('per_nobody')));
    await assert.rejects(orphan, (error) => error instanceof Error && !(error instanceof StoreConflict));
    const unsafe = store.change((tx) => tx.insertTeam(team({ createdAt: 2 ** 53 })));
    await assert.rejects(unsafe, RangeError);
    await store.close();
  });

  test('at most one living person is the primary owner, disabled or not', async () => {
    const store = await harness.open();
    const disabled = person({ role: 'primary_owner', disabledAt: T0 });
    assert.equal(await store.read((tx) => tx.primaryOwner()), undefined);
    await store.change(async (tx) => {
      await tx.insertParty(person({ role: 'primary_owner', name: null, erasedAt: T0 }));
      await tx.insertParty(disabled);
      await tx.insertParty(person({ role: 'admin' }));
      await tx.insertParty(person({ role: 'auditor' }));
    });
    assert.deepEqual(await store.read((tx) => tx.primaryOwner()), disabled);
    const taken = (error: unknown) => error instanceof StoreConflict && error.what === 'place of the primary owner';
    const heir = person();
    await assert.rejects(
      store.change((tx) => tx.insertParty(person({ role: 'primary_owner' }))),
      taken,
    );
    await store.change((tx) => tx.insertParty(heir));
    await assert.rejects(
      store.change((tx) => tx.updateParty(heir.id, { role: 'primary_owner' })),
      taken,
    );
    await store.change(async (tx) => {
      await tx.updateParty(disabled.id, { role: 'admin' });
      await tx.updateParty(heir.id, { role: 'primary_owner' });
    });
    assert.deepEqual(await store.read((tx) => tx.primaryOwner()), { ...heir, role: 'primary_owner' });
    await store.change((tx) => tx.updateParty(heir.id, { name: null, erasedAt: T0 }));
    assert.equal(await store.read((tx) => tx.primaryOwner()), undefined);
    await store.close();
  });

  test('a guest keeps who answers for them, who must exist, and when it ends', async () => {
    const store = await harness.open();
    const sponsor = person();
    const guest = person({ sponsor: sponsor.id, endsAt: T0 + 9 });
    await store.change(async (tx) => {
      await tx.insertParty(sponsor);
      await tx.insertParty(guest);
    });
    assert.deepEqual(await store.read((tx) => tx.party(guest.id)), guest);
    await store.change((tx) => tx.updateParty(guest.id, { endsAt: T0 + 20 }));
    assert.equal((await store.directory()).parties.find(({ id }) => id === guest.id)?.endsAt, T0 + 20);
    await assert.rejects(store.change((tx) => tx.insertParty(person({ sponsor: 'per_nobody', endsAt: T0 }))));
    await store.close();
  });

  test('content keys come back byte for byte and are gone once deleted', async () => {
    const store = await harness.open();
    const owner = person();
    const wrapped = new Uint8Array(randomBytes(60));
    await store.change(async (tx) => {
      await tx.insertParty(owner);
      await tx.insertContentKey(owner.id, wrapped);
    });
    const read = await store.read((tx) => tx.contentKey(owner.id));
    assert.deepEqual(read && [...read], [...wrapped]);
    await store.change((tx) => tx.deleteContentKey(owner.id));
    await store.change((tx) => tx.deleteContentKey(owner.id));
    assert.equal(await store.read((tx) => tx.contentKey(owner.id)), undefined);
    await store.close();
  });
}

function outbox(harness: Harness): void {
  const add = (store: Store, n: number) => store.change((tx) => tx.enqueue({ n, text: 'ä "quoted" \u0000' }));

  test('outbox rows keep their order and content, and their numbers are never used twice', async () => {
    const store = await harness.open();
    assert.equal(await store.outboxHead(), 0);
    for (let n = 1; n <= 3; n++) assert.equal(await add(store, n), n);
    assert.deepEqual(await store.outbox(2), [
      { number: 1, record: { n: 1, text: 'ä "quoted" \u0000' } },
      { number: 2, record: { n: 2, text: 'ä "quoted" \u0000' } },
    ]);
    await store.acknowledge(2);
    assert.deepEqual(
      (await store.outbox(10)).map((row) => row.number),
      [3],
    );
    await store.acknowledge(3);
    assert.equal(await store.outboxHead(), 3);
    assert.equal(await add(store, 4), 4);
    await store.close();
  });

  test('a raised floor uses up numbers and versions, drops rows up to it, and never lowers anything', async () => {
    const store = await harness.open();
    for (let n = 1; n <= 3; n++) await add(store, n);
    await store.raiseOutboxFloor(2);
    assert.deepEqual(
      (await store.outbox(10)).map((row) => row.number),
      [3],
    );
    assert.equal((await store.directory()).sequence, 3);
    await store.raiseOutboxFloor(40);
    assert.deepEqual(await store.outbox(10), []);
    assert.equal((await store.directory()).sequence, 40);
    assert.equal(await store.outboxHead(), 40);
    await store.raiseOutboxFloor(7);
    assert.equal((await store.directory()).sequence, 40);
    assert.equal(await add(store, 4), 41);
    await store.close();
    const fresh = await harness.open();
    await fresh.raiseOutboxFloor(9);
    assert.equal(await add(fresh, 1), 10);
    await fresh.close();
  });

  test('the sequence grows by one with every change that enqueued, and only then', async () => {
    const store = await harness.open();
    const sequence = async () => (await store.directory()).sequence;
    await store.change(async (tx) => {
      await tx.enqueue({ n: 1 });
      await tx.enqueue({ n: 2 });
    });
    assert.equal(await sequence(), 1);
    await store.change((tx) => tx.setSetting('x', 'y'));
    await store.acknowledge(2);
    await store.saveLastUse([]);
    assert.equal(await sequence(), 1);
    await add(store, 3);
    assert.equal(await sequence(), 2);
    await store.close();
  });

  test('directory() is one moment: all of a change or nothing of it', async () => {
    const store = await harness.open();
    const adding = async () => {
      for (let i = 0; i < 10; i++) {
        await store.change(async (tx) => {
          const owner = person();
          await tx.insertParty(owner);
          await pause();
          await tx.insertCredential(credential(owner.id));
          await tx.enqueue({ i });
        });
      }
    };
    const looking = async () => {
      for (let i = 0; i < 10; i++) {
        const state = await store.directory();
        assert.equal(state.parties.length, state.credentials.length);
        assert.equal(state.parties.length, state.sequence);
        await pause();
      }
    };
    await Promise.all([adding(), looking()]);
    assert.equal((await store.directory()).sequence, 10);
    await store.close();
  });
}

function credentials(harness: Harness): void {
  test('last use is listed, only moves forward, and stays out of the directory and the sequence', async () => {
    const store = await harness.open();
    const [ada, ben] = [person(), person()];
    const first = credential(ada.id);
    const second = credential(ben.id, { createdAt: T0 + 1 });
    await store.change(async (tx) => {
      await tx.insertParty(ada);
      await tx.insertParty(ben);
      await tx.insertCredential(first);
      await tx.insertCredential(second);
    });
    await store.saveLastUse([
      [first.id, T0 + 50],
      ['key_gone', T0 + 50],
    ]);
    await store.saveLastUse([[first.id, T0 + 20]]);
    assert.deepEqual(await store.credentials(), [
      { ...first, lastUsedAt: T0 + 50 },
      { ...second, lastUsedAt: null },
    ]);
    assert.deepEqual(await store.credentials(ben.id), [{ ...second, lastUsedAt: null }]);
    const state = await store.directory();
    assert.equal(state.sequence, 0);
    assert.deepEqual(
      state.credentials.find((row) => row.id === first.id),
      first,
    );
    await store.close();
  });

  test('credentials change only where they were told to', async () => {
    const store = await harness.open();
    const owner = person();
    const [old, fresh] = [credential(owner.id), credential(owner.id)];
    await store.change(async (tx) => {
      await tx.insertParty(owner);
      await tx.insertCredential(old);
      await tx.insertCredential(fresh);
      await tx.updateCredential(old.id, { expiresAt: T0 + 5, rotatedTo: fresh.id });
      await tx.updateCredential(old.id, {});
    });
    const rows = await store.read((tx) => tx.credentialsOf(owner.id));
    assert.equal(rows.length, 2);
    assert.deepEqual(
      rows.find((row) => row.id === old.id),
      { ...old, expiresAt: T0 + 5, rotatedTo: fresh.id },
    );
    assert.deepEqual(await store.read((tx) => tx.credential(fresh.id)), fresh);
    await store.close();
  });
}

function copies(harness: Harness): void {
  test('a copy taken while the store is open equals it, and never overwrites a file', async () => {
    const store = await harness.open();
    const owner = person({ team: null });
    const [change, answer] = [proposal(), keptAnswer()];
    await store.change(async (tx) => {
      await tx.insertParty(owner);
      await tx.insertTeam(team());
      await tx.insertCredential(credential(owner.id));
      await tx.insertIdentity(identity(owner.id));
      await tx.saveWaitingIdentity(waiting(owner.id));
      await tx.insertInvitation(invitation(owner.id));
      await tx.insertSession(session(owner.id));
      await tx.insertSession(session(owner.id, { revokedAt: T0 }));
      await tx.useAssertion('digest', T0 + 9, T0);
      await tx.insertProposal(change);
      await tx.saveKeptAnswer(answer);
      await tx.enqueue({ action: 'person.add' });
    });
    const target = harness.copyTarget();
    await store.copyTo(target.path);
    await assert.rejects(store.copyTo(target.path), { code: 'EEXIST' });
    const expected = await store.directory();
    const copy = await target.open();
    assert.deepEqual(await copy.directory(), expected);
    assert.deepEqual(await copy.outbox(10), await store.outbox(10));
    for (const list of ['waitingIdentities', 'invitations', 'sessions', 'proposals'] as const) {
      const rows = await copy[list](9);
      assert.equal(rows.length, list === 'sessions' ? 2 : 1);
      assert.deepEqual(rows, await store[list](9), list);
    }
    assert.deepEqual(await copy.proposal(change.id), change);
    assert.deepEqual(await copy.read((tx) => tx.keptAnswer(answer.key)), answer);
    assert.equal(await copy.change((tx) => tx.useAssertion('digest', T0 + 9, T0 + 1)), false);
    assert.equal(await copy.change((tx) => tx.enqueue({ n: 2 })), 2);
    await copy.close();
    await store.close();
  });

  test('a second handle on the same store sees what the first committed', async () => {
    const store = await harness.open();
    const row = person();
    await store.change((tx) => tx.insertParty(row));
    const second = await harness.again(store);
    assert.deepEqual(await second.read((tx) => tx.party(row.id)), row);
    await second.change((tx) => tx.setSetting('x', 'y'));
    assert.equal(await store.read((tx) => tx.setting('x')), 'y');
    await second.close();
    await store.close();
  });
}
