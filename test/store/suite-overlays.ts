import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreConflict } from '../../src/store/errors.ts';
import type { Store } from '../../src/store/ports.ts';
import { credential, grant, person, policy, proposal, stop, T0, team } from './rows.ts';
import type { Harness } from './suite.ts';

/** Stops, grants, policies, and the team of a key. */
export function overlays(harness: Harness): void {
  stops(harness);
  grants(harness);
  policies(harness);
  redaction(harness);

  test('a credential keeps its team, which must exist', async () => {
    const store = await harness.open();
    const [owner, squad] = [person(), team()];
    const row = credential(owner.id, { team: squad.id });
    await store.change(async (tx) => {
      await tx.insertParty(owner);
      await tx.insertTeam(squad);
      await tx.insertCredential(row);
    });
    assert.deepEqual(await store.read((tx) => tx.credential(row.id)), row);
    assert.deepEqual((await store.directory()).credentials, [row]);
    await assert.rejects(store.change((tx) => tx.insertCredential(credential(owner.id, { team: 'tea_gone' }))));
    await store.close();
  });
}

function stops(harness: Harness): void {
  test('P3: a stop is in the directory until it is lifted, and in the list for good', async () => {
    const store = await harness.open();
    const [first, all] = [stop(), stop({ target: 'everything', subject: null, createdAt: T0 + 1 })];
    await store.change(async (tx) => {
      await tx.insertStop(first);
      await tx.insertStop(all);
    });
    assert.deepEqual((await store.directory()).stops, [first, all]);
    await store.change((tx) => tx.liftStop(first.id, T0 + 5));
    await store.change((tx) => tx.liftStop(first.id, T0 + 9));
    await store.change((tx) => tx.liftStop('stp_nothing', T0 + 9));
    assert.deepEqual((await store.directory()).stops, [all]);
    assert.deepEqual(await store.read((tx) => tx.stop(first.id)), { ...first, liftedAt: T0 + 5 });
    assert.equal(await store.read((tx) => tx.stop('stp_nothing')), undefined);
    assert.deepEqual(await store.stops(10), [all, { ...first, liftedAt: T0 + 5 }]);
    assert.deepEqual(await store.stops(1), [all]);
    await store.close();
  });

  test('the same thing is stopped once at a time', async () => {
    const store = await harness.open();
    const add = (row: ReturnType<typeof stop>) => store.change((tx) => tx.insertStop(row));
    const conflict = (error: unknown) => error instanceof StoreConflict && error.what === 'stop';
    const first = stop();
    await add(first);
    await add(stop({ target: 'everything', subject: null }));
    await assert.rejects(add(stop({ reason: 'another' })), conflict);
    await assert.rejects(add(stop({ target: 'everything', subject: null })), conflict);
    await add(stop({ target: 'session' }));
    await add(stop({ subject: 'key_y' }));
    await store.change((tx) => tx.liftStop(first.id, T0 + 1));
    await add(stop());
    assert.equal((await store.directory()).stops.length, 4);
    await store.close();
  });

  test('a stop of everything names nothing, and every other names something', async () => {
    const store = await harness.open();
    for (const bad of [stop({ target: 'everything' }), stop({ subject: null })]) {
      await assert.rejects(store.change((tx) => tx.insertStop(bad)));
    }
    assert.deepEqual(await store.stops(10), []);
    await store.close();
  });
}

function grants(harness: Harness): void {
  test('grants leave the directory when they are revoked or over, and stay in the list', async () => {
    let now = T0;
    const store = await harness.open({ now: () => now, monotonic: () => now });
    const budget = grant({ createdAt: T0 + 1, micros: Number.MAX_SAFE_INTEGER });
    const approval = { kind: 'approval', scope: 'person', subject: 'per_x', models: 'claude-*', micros: null } as const;
    const later = grant({ ...approval, startsAt: T0 + 500, endsAt: T0 + 2000 });
    const revoked = grant();
    await store.change(async (tx) => {
      for (const row of [budget, later, revoked]) await tx.insertGrant(row);
      await tx.revokeGrant(revoked.id, T0 + 3);
      await tx.revokeGrant(revoked.id, T0 + 4);
    });
    assert.deepEqual((await store.directory()).grants, [budget, later]);
    now = T0 + 999;
    assert.deepEqual((await store.directory()).grants, [budget, later]);
    now = T0 + 1000;
    assert.deepEqual((await store.directory()).grants, [later], 'its end is not included');
    assert.deepEqual(await store.grants(10), [budget, { ...revoked, revokedAt: T0 + 3 }, later]);
    assert.deepEqual(await store.grants(1), [budget]);
    assert.deepEqual(await store.read((tx) => tx.grant(later.id)), later);
    assert.equal(await store.read((tx) => tx.grant('gra_nothing')), undefined);
    await store.close();
  });
}

function policies(harness: Harness): void {
  test('P8: the newest revision of the policy is in the directory, none before the first', async () => {
    const store = await harness.open();
    assert.equal((await store.directory()).policy, null);
    assert.equal(await store.read((tx) => tx.newestPolicy()), undefined);
    const first = policy(1, 'access: []\n# ä 漢', { author: 'per_x', reason: 'start' });
    const second = policy(2, '', { author: 'file', restores: 1, createdAt: T0 + 1 });
    await store.change((tx) => tx.insertPolicy(first));
    assert.deepEqual((await store.directory()).policy, first);
    await store.change((tx) => tx.insertPolicy(second));
    assert.deepEqual((await store.directory()).policy, second);
    assert.deepEqual(await store.read((tx) => tx.newestPolicy()), second);
    assert.deepEqual(await store.read((tx) => tx.policyRevision(1)), first);
    assert.deepEqual(await store.policyRevision(1), first);
    assert.equal(await store.policyRevision(3), undefined);
    const bare = [second, first].map(({ text: _, ...row }) => row);
    assert.deepEqual(await store.policyHistory(10), bare);
    assert.deepEqual(await store.policyHistory(1), bare.slice(0, 1));
    const again = store.change((tx) => tx.insertPolicy(policy(2, 'other')));
    await assert.rejects(again, (error) => error instanceof StoreConflict && error.what === 'policy revision');
    await store.close();
  });
}

/** What is written, and what stays of it once `ada@example.com` is `per_x`. */
const REDACTED = [
  ['ada@example.com', 'per_x'],
  ['[ada@example.com, Ada@Example.COM]', '[per_x, per_x]'],
  ['{ada@example.com: 1}', '{per_x: 1}'],
  [`'ada@example.com' "ada@example.com" <ada@example.com>`, `'per_x' "per_x" <per_x>`],
  ['# ask ada@example.com.', '# ask per_x.'],
  ['mailto:ada@example.com', 'mailto:per_x'],
  ['- ada@example.com\n- next', '- per_x\n- next'],
  ['ada@example.com-', 'per_x-'],
] as const;

/** Other addresses, which must stay as they are: a rule that names somebody else would be lost. */
const KEPT = [
  'ada@example.com.au',
  'ada@example.comx',
  'ada@example.com-corp.org',
  'ada@example.com--x.org',
  'lady.ada@example.com',
  'not-ada@example.com',
  'x+ada@example.com',
  "o'ada@example.com",
  'éada@example.com',
  'ada@exampleXcom',
  'ada@example',
];

async function redacted(store: Store, texts: readonly string[], address = 'ada@example.com'): Promise<string[]> {
  await store.change(async (tx) => {
    for (const [index, text] of texts.entries()) await tx.insertPolicy(policy(index + 1, text));
    await tx.redactPolicies(address, 'per_x');
  });
  return Promise.all(texts.map(async (_, index) => (await store.policyRevision(index + 1))?.text ?? 'missing'));
}

function redaction(harness: Harness): void {
  test('P7: an address gives way to an id in every revision and proposal, in any case and surroundings', async () => {
    const store = await harness.open();
    const texts = REDACTED.map(([text]) => text);
    assert.deepEqual(
      await redacted(store, texts),
      REDACTED.map(([, wanted]) => wanted),
    );
    assert.deepEqual(
      (await store.policyHistory(1)).map((row) => row.sha256),
      [policy(1, texts.at(-1) ?? '').sha256],
      'the digest is of the text as first given',
    );
    const waiting = proposal({ text: 'lead: Ada@example.com' });
    const other = proposal({ text: 'lead: grace@example.com' });
    await store.change(async (tx) => {
      for (const row of [waiting, other]) await tx.insertProposal(row);
      await tx.redactPolicies('ada@example.com', 'per_x');
    });
    assert.deepEqual(await store.proposal(waiting.id), { ...waiting, text: 'lead: per_x' });
    assert.deepEqual(await store.proposal(other.id), other);
    await store.close();
  });

  test('an address inside a longer one is another person’s, and stays', async () => {
    const store = await harness.open();
    assert.deepEqual(await redacted(store, KEPT), KEPT);
    await store.close();
  });

  test('P7: addresses are text, not patterns, in either Unicode form, and long punctuation costs no time', async () => {
    const store = await harness.open();
    const dots = '.'.repeat(200_000);
    const texts = [
      'jose\u0301.$&+b@example.com',
      'jos\u00e9.$&+B@example.com',
      `${dots} josé.$&+b@example.com ${dots}`,
    ];
    assert.deepEqual(await redacted(store, texts, 'jos\u00e9.$&+b@example.com'), [
      'per_x',
      'per_x',
      `${dots} per_x ${dots}`,
    ]);
    await store.close();
  });
}
