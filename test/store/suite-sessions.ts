import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreConflict } from '../../src/store/errors.ts';
import { keptAnswer, person, proposal, session, T0, waiting } from './rows.ts';
import type { Harness } from './suite.ts';

/** Browser sessions, assertions, proposals, kept answers, and what is dropped of them with time. */
export function sessions(harness: Harness): void {
  browsers(harness);
  assertions(harness);
  proposals(harness);
  answers(harness);
  purging(harness);
}

function browsers(harness: Harness): void {
  test('P3: a session is in the directory until it is revoked, and in the list after that', async () => {
    const store = await harness.open();
    const [ada, ben] = [person(), person()];
    const first = session(ada.id);
    const glass = session(ada.id, { provider: null, previous: 'b'.repeat(64), createdAt: T0 + 1 });
    const other = session(ben.id, { createdAt: T0 + 2 });
    await store.change(async (tx) => {
      for (const row of [ada, ben]) await tx.insertParty(row);
      for (const row of [first, glass, other]) await tx.insertSession(row);
    });
    assert.deepEqual((await store.directory()).sessions, [first, glass, other]);
    assert.deepEqual(await store.read((tx) => tx.sessionsOf(ada.id)), [first, glass]);
    const turned = { digest: 'd'.repeat(64), previous: first.digest, rotatedAt: T0 + 5 };
    await store.change(async (tx) => {
      await tx.updateSession(first.id, turned);
      await tx.updateSession(first.id, {});
      await tx.updateSession(glass.id, { revokedAt: T0 + 6 });
    });
    assert.deepEqual(await store.read((tx) => tx.session(first.id)), { ...first, ...turned });
    assert.deepEqual(await store.read((tx) => tx.sessionsOf(ada.id)), [{ ...first, ...turned }]);
    assert.deepEqual((await store.directory()).sessions, [{ ...first, ...turned }, other]);
    assert.deepEqual(await store.sessions(9), [other, { ...glass, revokedAt: T0 + 6 }, { ...first, ...turned }]);
    assert.deepEqual(await store.sessions(1, ada.id), [{ ...glass, revokedAt: T0 + 6 }]);
    const taken = store.change((tx) => tx.insertSession(session(ben.id, { digest: turned.digest })));
    await assert.rejects(taken, (error) => error instanceof StoreConflict && error.what === 'session');
    await assert.rejects(store.change((tx) => tx.insertSession(session('per_nobody'))));
    await store.close();
  });

  test('when a session was seen only moves forward, and leaves the sequence alone', async () => {
    const store = await harness.open();
    const ada = person();
    const row = session(ada.id);
    await store.change(async (tx) => {
      await tx.insertParty(ada);
      await tx.insertSession(row);
    });
    await store.saveSessionsSeen([]);
    await store.saveSessionsSeen([
      [row.id, T0 + 50],
      ['ses_gone', T0 + 50],
    ]);
    await store.saveSessionsSeen([[row.id, T0 + 20]]);
    assert.deepEqual(await store.sessions(9), [{ ...row, lastSeenAt: T0 + 50 }]);
    assert.equal((await store.directory()).sequence, 0);
    await store.close();
  });
}

function assertions(harness: Harness): void {
  test('an assertion counts once until it is over, for two at the same time too', async () => {
    const store = await harness.open();
    const use = (digest: string, now: number, until = T0 + 100) =>
      store.change((tx) => tx.useAssertion(digest, until, now));
    const both = await Promise.all([use('a', T0), use('a', T0)]);
    assert.deepEqual(both.sort(), [false, true]);
    assert.equal(await use('b', T0 + 1), true);
    assert.equal(await use('a', T0 + 99), false);
    assert.equal(await use('c', T0 + 100, T0 + 200), true);
    assert.equal(await use('a', T0 + 100, T0 + 200), true, 'it was over and is forgotten');
    assert.equal(await use('a', T0 + 101, T0 + 200), false);
    const failing = store.change(async (tx) => {
      await tx.useAssertion('d', T0 + 300, T0 + 101);
      throw new Error('thought better of it');
    });
    await assert.rejects(failing, /thought better/);
    assert.equal(await use('d', T0 + 102, T0 + 300), true, 'what was rolled back was not used');
    await store.close();
  });
}

function proposals(harness: Harness): void {
  test('a proposal is decided once, listed without its text, and found with it', async () => {
    const store = await harness.open();
    const first = proposal({ text: 'access: [] # ä', kinds: ['controls', 'content'], reason: 'why', restores: 2 });
    const second = proposal({ base: 0, kinds: [], createdAt: T0 + 1 });
    await store.change(async (tx) => {
      for (const row of [first, second]) await tx.insertProposal(row);
    });
    assert.deepEqual(await store.proposal(first.id), first);
    assert.deepEqual(await store.read((tx) => tx.proposal(second.id)), second);
    assert.equal(await store.proposal('chg_nothing'), undefined);
    const bare = [second, first].map(({ text: _, ...row }) => row);
    assert.deepEqual(await store.proposals(9), bare);
    assert.deepEqual(await store.proposals(1), bare.slice(0, 1));
    const decision = { decision: 'approved', decidedBy: 'per_y', decidedAt: T0 + 5 } as const;
    await store.change(async (tx) => {
      await tx.decideProposal(first.id, decision);
      await tx.decideProposal(first.id, { decision: 'rejected', decidedBy: 'per_z', decidedAt: T0 + 6 });
      await tx.decideProposal('chg_nothing', decision);
    });
    assert.deepEqual(await store.proposal(first.id), { ...first, ...decision });
    assert.deepEqual(await store.proposal(second.id), second);
    const again = store.change((tx) => tx.insertProposal(first));
    await assert.rejects(again, (error) => error instanceof StoreConflict && error.what === 'proposal');
    await store.close();
  });
}

function answers(harness: Harness): void {
  test('an answer is kept byte for byte, replaced as a whole, and gone once deleted', async () => {
    const store = await harness.open();
    const pending = keptAnswer({ status: null, body: null });
    const done = {
      ...pending,
      request: 'q'.repeat(64),
      status: 201,
      body: Uint8Array.of(1, 0, 255),
      createdAt: T0 + 1,
    };
    const found = () => store.read((tx) => tx.keptAnswer(pending.key));
    assert.equal(await found(), undefined);
    await store.change((tx) => tx.saveKeptAnswer(pending));
    assert.deepEqual(await found(), pending);
    await store.change((tx) => tx.saveKeptAnswer(done));
    assert.deepEqual(await found(), done);
    await store.change((tx) => tx.deleteKeptAnswer(pending.key));
    assert.equal(await found(), undefined);
    await store.close();
  });
}

function purging(harness: Harness): void {
  test('what ended, or was not asked for, before a time is dropped, and nothing else', async () => {
    const store = await harness.open();
    const ada = person();
    const kept = [session(ada.id, { expiresAt: T0 + 10 }), session(ada.id, { expiresAt: T0 + 99, revokedAt: T0 + 10 })];
    const gone = [session(ada.id, { expiresAt: T0 + 9 }), session(ada.id, { expiresAt: T0 + 99, revokedAt: T0 + 9 })];
    const answered = [keptAnswer({ createdAt: T0 + 20 }), keptAnswer({ createdAt: T0 + 19, status: null, body: null })];
    const wait = [
      waiting(ada.id, { lastSeenAt: T0 + 30 }),
      waiting(ada.id, { firstSeenAt: T0 - 9, lastSeenAt: T0 + 29 }),
    ];
    await store.change(async (tx) => {
      await tx.insertParty(ada);
      for (const row of [...kept, ...gone]) await tx.insertSession(row);
      for (const row of answered) await tx.saveKeptAnswer(row);
      for (const row of wait) await tx.saveWaitingIdentity(row);
    });
    await store.purge({ sessions: T0 + 10, answers: T0 + 20, waiting: T0 + 30 });
    assert.deepEqual((await store.sessions(9)).map(({ id }) => id).sort(), kept.map(({ id }) => id).sort());
    assert.deepEqual(await store.waitingIdentities(9), wait.slice(0, 1));
    const left = await store.read(async (tx) => [
      await tx.keptAnswer(answered[0]!.key),
      await tx.keptAnswer(answered[1]!.key),
    ]);
    assert.deepEqual(left, [answered[0], undefined]);
    assert.equal((await store.directory()).sequence, 0);
    await store.close();
  });
}
