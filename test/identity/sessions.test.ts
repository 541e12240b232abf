/** Browsers that are signed in: how long, in which browser, with which secret. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Directory } from '../../src/identity/directory.ts';
import { newSessionSecret, parseSessionSecret } from '../../src/identity/key-format.ts';
import { Sessions } from '../../src/identity/sessions.ts';
import type { DirectoryState, Store } from '../../src/store/ports.ts';
import { admit, claimed, proven, signedIn, turnedAway } from './proven.ts';
import { inWorld, T0, type World } from './world.ts';

const actor = 'system';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const sessionsOf = (world: World) =>
  new Sessions({ directory: world.directory, idleMs: 12 * HOUR, rotateMs: 15 * MINUTE });

const digestOf = (secret: string): string => parseSessionSecret(secret)?.digest ?? 'no session secret';

/** `ok`, or why not. */
function verdict(sessions: Sessions, secret: string, options: { client?: string; now?: number } = {}): string {
  const found = sessions.verify(secret, options.client ?? 'c', options.now ?? T0);
  return 'ok' in found ? 'ok' : found.refused;
}

const renew = (world: World, { id, secret }: { id: string; secret: string }) =>
  world.changes.renewSession({ session: id, presented: digestOf(secret) });

test('a session says who it is, by ids, with one record that holds no secret and no address', async () => {
  await inWorld(async (world) => {
    const { person, session } = await signedIn(world, { provider: 'Okta' });
    const found = sessionsOf(world).verify(session.secret, 'c', T0);
    assert.ok('ok' in found);
    assert.deepEqual(found.ok.principal, {
      ...{ kind: 'person', id: person, team: null, keyTeam: null, role: 'member' },
      credential: { id: session.id, kind: 'session', expires: T0 + 7 * DAY },
      snapshot: world.directory.current.version,
    });
    assert.deepEqual([found.ok.due, found.ok.presented], [false, digestOf(session.secret)]);
    const row = found.ok.session;
    assert.deepEqual([row.provider, row.label, row.previous, row.lastSeenAt], ['okta', 'Firefox on Linux', null, T0]);
    assert.match(row.csrf, /^[A-Za-z0-9_-]{43}$/);
    assert.match(session.secret, /^ghs_[0-9A-Za-z]{40}$/);
    const after = { person, provider: 'okta', expiresAt: T0 + 7 * DAY, ended: [] };
    const opened = { actor: person, action: 'session.opened', subject: session.id, before: null, after, reason: null };
    assert.deepEqual((await world.records()).at(-1), opened);
    const other = await signedIn(world);
    const csrf = world.directory.current.sessions.get(other.session.id)?.session.csrf;
    assert.notEqual(csrf, row.csrf);
  });
});

test('P8: what is no secret of a session is unknown', async () => {
  await inWorld(async (world) => {
    const { session } = await signedIn(world);
    const sessions = sessionsOf(world);
    const { secret } = session;
    for (const text of [
      '',
      'ghs_',
      secret.slice(0, -1),
      ` ${secret}`,
      digestOf(secret),
      session.id,
      newSessionSecret().secret,
    ]) {
      assert.deepEqual(sessions.verify(text, 'c', T0), { refused: 'unknown', session: null });
    }
    assert.deepEqual(sessions.snapshot(), []);
  });
});

test('P5: neither the secret nor half of it is in any byte of the store, nor in a record', async () => {
  await inWorld(async (world) => {
    const { session } = await signedIn(world);
    const renewed = await renew(world, session);
    for (const { secret } of [session, renewed ?? session]) {
      const bytes = world.bytes();
      assert.ok(!bytes.includes(secret.slice(4, 24).toLowerCase()));
      assert.ok(!bytes.includes(secret.slice(24).toLowerCase()));
      assert.ok(bytes.includes(digestOf(secret)));
    }
    assert.ok(!JSON.stringify(await world.records()).includes(digestOf(session.secret)));
  });
});

test('a session ends at the earliest of its own longest end, the provider’s, and the guest’s', async () => {
  await inWorld(async (world) => {
    const { person } = await signedIn(world);
    const open = { person, provider: 'okta', client: 'c', label: '', longestMs: 1000 };
    const endOf = async (until: number | null) => (await world.changes.openSession({ ...open, until })).expiresAt;
    assert.equal(await endOf(null), T0 + 1000);
    assert.equal(await endOf(T0 + 500), T0 + 500);
    assert.equal(await endOf(T0 + 5000), T0 + 1000);
    await turnedAway(endOf(T0), 'response_late', person);
    await world.store.change((tx) => tx.updateParty(person, { sponsor: person, endsAt: T0 + 200 }));
    assert.equal(await endOf(T0 + 500), T0 + 200);
    const { secret } = await world.changes.openSession({ ...open, until: null });
    const sessions = sessionsOf(world);
    assert.equal(verdict(sessions, secret, { now: T0 + 199 }), 'ok');
    assert.equal(verdict(sessions, secret, { now: T0 + 200 }), 'ended');
  });
});

test('P3: nobody who was disabled, erased or has ended meanwhile gets a session', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const open = { provider: 'okta', client: 'c', label: '', until: null, longestMs: 1000 };
    const [{ person: off }, { person: gone }, { person: guest }] = [
      await signedIn(world),
      await signedIn(world),
      await signedIn(world),
    ];
    await changes.disableParty({ actor, party: off });
    await changes.erasePerson({ actor, person: gone });
    await world.store.change((tx) => tx.updateParty(guest, { endsAt: T0 }));
    const { id: service } = await changes.ensureService({ actor, name: 'ci' });
    const before = await world.store.outboxHead();
    await turnedAway(changes.openSession({ ...open, person: off }), 'disabled', off);
    await turnedAway(changes.openSession({ ...open, person: gone }), 'disabled');
    await turnedAway(changes.openSession({ ...open, person: guest }), 'ended', guest);
    await turnedAway(changes.openSession({ ...open, person: service }), 'disabled');
    await turnedAway(changes.openSession({ ...open, person: 'per_nobody' }), 'disabled');
    assert.equal(await world.store.outboxHead(), before);
  });
});

test('P3: a session is over with its person, by disuse, and at its end', async () => {
  await inWorld(async (world) => {
    const { person, session } = await signedIn(world);
    const sessions = sessionsOf(world);
    const at = (now: number) => verdict(sessions, session.secret, { now });
    assert.equal(at(T0 + 12 * HOUR - 1), 'ok');
    assert.equal(at(T0 + 24 * HOUR - 2), 'ok', 'the use before counts');
    assert.equal(at(T0 + 36 * HOUR - 2), 'ended');
    assert.equal(at(T0 + 36 * HOUR - 3), 'ok', 'a refused use is none');
    for (let now = T0 + 36 * HOUR; now < T0 + 7 * DAY; now += 6 * HOUR) assert.equal(at(now), 'ok');
    assert.equal(at(T0 + 7 * DAY - 1), 'ok');
    assert.equal(at(T0 + 7 * DAY), 'ended');
    await world.changes.disableParty({ actor, party: person });
    assert.equal(at(T0 + 7 * DAY - 1), 'unknown', 'disabling ends it for good');
    await world.changes.enableParty({ actor, party: person });
    assert.equal(at(T0 + 7 * DAY - 1), 'unknown');
  });
});

test('disuse is measured across restarts: from what was saved', async () => {
  await inWorld(async (world) => {
    const { session } = await signedIn(world);
    const sessions = sessionsOf(world);
    assert.equal(verdict(sessions, session.secret, { now: T0 + 11 * HOUR }), 'ok');
    const entries = sessions.snapshot();
    assert.deepEqual(entries, [[session.id, T0 + 11 * HOUR]]);
    await world.store.saveSessionsSeen(entries);
    sessions.saved(entries);
    assert.deepEqual(sessions.snapshot(), []);
    assert.equal(verdict(sessions, session.secret, { now: T0 + 22 * HOUR }), 'ok', 'saving forgets no use');
    await world.directory.refresh();
    const restarted = sessionsOf(world);
    assert.equal(verdict(restarted, session.secret, { now: T0 + 23 * HOUR }), 'ended');
    assert.equal(verdict(restarted, session.secret, { now: T0 + 23 * HOUR - 1 }), 'ok');
    const row = world.directory.current.sessions.get(session.id)?.session;
    assert.ok(row !== undefined);
    assert.deepEqual([row.lastSeenAt, restarted.lastSeen(row)], [T0 + 11 * HOUR, T0 + 23 * HOUR - 1]);
    assert.deepEqual([restarted.isOpen(row, T0 + 30 * HOUR), restarted.isOpen(row, T0 + 35 * HOUR)], [true, false]);
    await world.changes.revokeSession({ actor, session: session.id });
    assert.equal(restarted.isOpen(row, T0 + 30 * HOUR), false);
    restarted.snapshot();
    assert.equal(restarted.lastSeen(row), T0 + 11 * HOUR, 'what is gone is forgotten');
  });
});

test('P8: a session works in the browser it was given to, and is not touched by another', async () => {
  await inWorld(async (world) => {
    const { session } = await signedIn(world);
    const sessions = sessionsOf(world);
    assert.equal(verdict(sessions, session.secret, { client: 'another' }), 'other_client');
    assert.deepEqual(sessions.snapshot(), []);
    const found = sessions.verify(session.secret, 'another', T0);
    assert.ok('refused' in found && found.session?.id === session.id);
  });
});

test('a secret is due after a quarter of an hour; the one before works for a minute, then it was stolen', async () => {
  await inWorld(async (world) => {
    const { session } = await signedIn(world);
    const sessions = sessionsOf(world);
    const due = (secret: string, now: number) => {
      const found = sessions.verify(secret, 'c', now);
      return 'ok' in found ? found.ok.due : found.refused;
    };
    assert.equal(due(session.secret, T0 + 15 * MINUTE - 1), false);
    assert.equal(due(session.secret, T0 + 15 * MINUTE), true);
    world.clock.set(T0 + 15 * MINUTE);
    const [before, version] = [await world.store.outboxHead(), world.directory.current.version];
    const next = await renew(world, session);
    assert.ok(next !== null);
    assert.deepEqual([next.id, next.expiresAt], [session.id, T0 + 7 * DAY]);
    assert.deepEqual([await world.store.outboxHead(), world.directory.current.version], [before, version]);
    assert.equal(due(next.secret, T0 + 15 * MINUTE), false);
    assert.equal(due(session.secret, T0 + 16 * MINUTE - 1), false, 'the one before is never due');
    assert.equal(await renew(world, session), null, 'and turns nothing');
    world.clock.set(T0 + 30 * MINUTE);
    const third = await renew(world, next);
    assert.ok(third !== null);
    assert.equal(due(session.secret, T0 + 30 * MINUTE), 'unknown', 'older ones are forgotten');
    assert.equal(due(next.secret, T0 + 30 * MINUTE), false);
    await world.directory.refresh();
    assert.equal(due(third.secret, T0 + 30 * MINUTE), false, 'the store says the same');
    assert.equal(due(next.secret, T0 + 31 * MINUTE), 'stolen');
    // For both who hold it, before its end is committed anywhere, and while it cannot be.
    assert.equal(due(third.secret, T0 + 31 * MINUTE), 'ended');
  });
});

test('of two requests that turn a secret at once one does', async () => {
  await inWorld(async (world) => {
    const { session } = await signedIn(world);
    const turned = await Promise.all([renew(world, session), renew(world, session), renew(world, session)]);
    const next = turned.filter((each) => each !== null);
    assert.equal(next.length, 1);
    assert.equal(verdict(sessionsOf(world), next[0]?.secret ?? ''), 'ok');
  });
});

test('P3: nothing that has ended is turned', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const [a, b, c] = [await signedIn(world), await signedIn(world), await signedIn(world)];
    await changes.revokeSession({ actor, session: a.session.id });
    // As if another process had done it: this one's directory does not know yet.
    await world.store.change((tx) => tx.updateParty(b.person, { disabledAt: T0 }));
    assert.equal(await renew(world, a.session), null);
    assert.equal(await renew(world, b.session), null);
    assert.equal(await changes.renewSession({ session: 'ses_nothing', presented: 'x' }), null);
    assert.equal(await changes.renewSession({ session: c.session.id, presented: 'x' }), null);
    world.clock.set(T0 + 7 * DAY);
    assert.equal(await renew(world, c.session), null);
  });
});

test('P3: turning and revoking at the same time, in any order, never leaves a session', async () => {
  for (let round = 0; round < 6; round++) {
    await inWorld(async (world) => {
      const { session } = await signedIn(world);
      const sessions = sessionsOf(world);
      const both: Array<() => Promise<unknown>> = [
        () => renew(world, session),
        () => world.changes.revokeSession({ actor, session: session.id }),
      ];
      if (round % 2 === 1) both.reverse();
      const started = both.map((work, index) => (round > 3 && index === 1 ? Promise.resolve().then(work) : work()));
      const results = await Promise.all(started);
      const secrets = [session, ...results.filter((each) => typeof each === 'object' && each !== null)];
      for (const each of secrets) assert.equal(verdict(sessions, (each as typeof session).secret), 'unknown');
      await world.directory.refresh();
      for (const each of secrets) assert.equal(verdict(sessions, (each as typeof session).secret), 'unknown');
      assert.notEqual((await world.store.sessions(1))[0]?.revokedAt, null);
    });
  }
});

/** A store whose loads wait until they are let go, after they read. */
function held(store: Store) {
  let gate: Promise<void> | null = null;
  let open = () => {};
  return {
    hold() {
      gate = new Promise((done) => {
        open = done;
      });
    },
    release: () => open(),
    async directory(): Promise<DirectoryState> {
      const state = await store.directory();
      await gate;
      return state;
    },
  };
}

test('P3: a load that read before a secret was turned neither loses the new one nor brings back a revoked session', async () => {
  await inWorld(async (world) => {
    const { Directory: Loaded } = await import('../../src/identity/directory.ts');
    const { directoryChanges } = await import('../../src/identity/changes.ts');
    const { session } = await signedIn(world);
    const slow = held(world.store);
    const directory: Directory = await Loaded.load({ store: slow, clock: world.clock });
    const changes = directoryChanges({ store: world.store, directory, clock: world.clock });
    const sessions = new Sessions({ directory, idleMs: HOUR, rotateMs: MINUTE });
    slow.hold();
    const loading = directory.refresh();
    await new Promise((done) => setImmediate(done));
    world.clock.set(T0 + 1);
    const next = await changes.renewSession({ session: session.id, presented: digestOf(session.secret) });
    assert.ok(next !== null);
    assert.equal(verdict(sessions, next.secret), 'ok');
    slow.release();
    await loading;
    assert.equal(verdict(sessions, next.secret), 'ok', 'the older load did not take it back');
    await directory.refresh();
    assert.equal(verdict(sessions, next.secret), 'ok');
    directory.turn({ id: session.id, digest: digestOf(session.secret), previous: null, rotatedAt: T0 });
    assert.equal(verdict(sessions, next.secret), 'ok', 'nor does the word of an earlier turn');
    world.clock.set(T0 + 2);
    const revoking = changes.revokeSession({ actor, session: session.id });
    await revoking;
    directory.turn({ id: session.id, digest: digestOf(next.secret), previous: null, rotatedAt: T0 + 3 });
    assert.equal(verdict(sessions, next.secret), 'unknown', 'a late word of a turn brings nothing back');
    await directory.refresh();
    assert.equal(verdict(sessions, next.secret), 'unknown');
  });
});

test('P3: revoked sessions end at once, listeners hear their ids, each way leaves one record', async () => {
  await inWorld(async (world) => {
    const { changes, directory } = world;
    const { person, session: first, identity } = await signedIn(world);
    const again = () =>
      changes.openSession({ person, provider: 'okta', client: 'c', label: '', until: null, longestMs: HOUR });
    const [second, third, fourth] = [await again(), await again(), await again()];
    const heard: string[][] = [];
    directory.onChange(({ credentials }) => heard.push([...credentials].sort()));
    const recorded = async (work: () => Promise<unknown>) => {
      const before = (await world.records()).length;
      await work();
      return (await world.records()).slice(before);
    };
    const stolen = { actor, session: first.id, reason: 'seen twice', alarm: 'stolen' } as const;
    const record = { actor, action: 'session.revoked', subject: first.id, before: { revokedAt: null } };
    assert.deepEqual(await recorded(() => changes.revokeSession(stolen)), [
      { ...record, after: { revokedAt: T0, person, alarm: 'stolen' }, reason: 'seen twice' },
    ]);
    assert.deepEqual(heard.at(-1), [first.id]);
    assert.deepEqual(await recorded(() => changes.revokeSession(stolen)), []);
    assert.deepEqual(await recorded(() => changes.revokeSession({ actor: person, session: second.id })), [
      { ...record, actor: person, subject: second.id, after: { revokedAt: T0, person }, reason: null },
    ]);
    assert.deepEqual(await recorded(() => changes.revokeSessionsOf({ actor, person, reason: 'lost laptop' })), [
      {
        ...{ actor, action: 'sessions.revoked', subject: person, before: { revokedAt: null }, reason: 'lost laptop' },
        after: { revokedAt: T0, sessions: [third.id, fourth.id].sort() },
      },
    ]);
    assert.deepEqual(heard.at(-1), [third.id, fourth.id].sort());
    assert.deepEqual(await recorded(() => changes.revokeSessionsOf({ actor, person })), []);
    const last = await again();
    await changes.disableParty({ actor, party: person });
    assert.deepEqual(heard.at(-1), [last.id]);
    assert.deepEqual((await world.records()).at(-1)?.after, { disabledAt: T0, sessions: [last.id] });
    await changes.enableParty({ actor, party: person });
    await admit(world, identity);
    const erased = await again();
    await changes.erasePerson({ actor, person });
    assert.deepEqual(heard.at(-1), [erased.id]);
    assert.deepEqual((await world.records()).at(-1)?.after, { erasedAt: T0, revoked: [erased.id] });
    await assert.rejects(changes.revokeSession({ actor, session: erased.id }), { code: 'not_found' });
    await assert.rejects(changes.revokeSession({ actor, session: last.id, reason: 'a@x.org' }), { code: 'invalid' });
    await assert.rejects(changes.revokeSessionsOf({ actor, person }), { code: 'refused' });
  });
});

test('P3: what ends by the clock is told: sessions at their end, guests with all they have', async () => {
  await inWorld(async (world) => {
    const { directory, changes } = world;
    const owner = await claimed(world);
    const { person } = await signedIn(world);
    await changes.revokeSessionsOf({ actor, person });
    const open = { provider: 'okta', client: 'c', label: '', until: null };
    const short = await changes.openSession({ ...open, person: owner, longestMs: 500 });
    const key = await changes.createKey({ actor, owner: person, label: '', kind: 'key' });
    await world.store.change((tx) => tx.updateParty(person, { sponsor: owner, endsAt: T0 + 1000 }));
    await directory.refresh();
    const heard: unknown[] = [];
    directory.onChange(({ credentials, parties }) => heard.push([[...credentials], [...parties]]));
    assert.equal(directory.nextExpiry(), T0 + 500);
    world.clock.set(T0 + 500);
    directory.sweep();
    assert.deepEqual(heard, [[[short.id], []]]);
    assert.equal(directory.nextExpiry(), T0 + 1000);
    world.clock.set(T0 + 1000);
    directory.sweep();
    directory.sweep();
    assert.deepEqual(heard.slice(1), [[[key.id], [person]]]);
    assert.equal(directory.nextExpiry(), null);
  });
});

test('P3: a guest without anything that could end is told too', async () => {
  await inWorld(async (world) => {
    const { id } = await world.changes.addPerson({ actor, email: 'guest@x.org' });
    await world.store.change((tx) => tx.updateParty(id, { endsAt: T0 + 10 }));
    await world.directory.refresh();
    const heard: string[][] = [];
    world.directory.onChange(({ parties }) => heard.push([...parties]));
    world.clock.set(T0 + 10);
    world.directory.sweep();
    assert.deepEqual(heard, [[id]]);
  });
});

test('one account cannot fill the directory: beyond fifty open sessions the one not seen for longest ends', async () => {
  await inWorld(async (world) => {
    const { person, session: first } = await signedIn(world);
    const open = (longestMs = DAY) =>
      world.changes.openSession({ person, provider: 'okta', client: 'c', label: '', until: null, longestMs });
    await open(1);
    world.clock.set(T0 + 1);
    const others = [];
    for (let i = 0; i < 49; i++) others.push(await open());
    await world.store.saveSessionsSeen([[first.id, T0 + 9]]);
    world.clock.set(T0 + 2);
    await open();
    const last = (await world.records()).at(-1)?.after as { ended: string[] } | undefined;
    assert.equal(last?.ended.length, 1);
    const ended = last?.ended[0];
    assert.ok(
      others.some(({ id }) => id === ended),
      'the first was seen lately, one that is over does not count',
    );
    const sessions = sessionsOf(world);
    assert.equal(verdict(sessions, first.secret, { now: T0 + 2 }), 'ok');
    assert.equal(verdict(sessions, others.find(({ id }) => id === ended)?.secret ?? ''), 'unknown');
    await admit(world, proven());
  });
});
