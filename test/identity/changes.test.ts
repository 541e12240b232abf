import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ChangeError, type ChangeErrorCode } from '../../src/identity/changes.ts';
import { newOwnerSecret, parseCredential } from '../../src/identity/key-format.ts';
import { resolve } from '../../src/identity/snapshot.ts';
import { newId } from '../../src/kernel/ids.ts';
import { inWorld, T0, type World } from './world.ts';

const actor = 'system';

/** What the directory in force says about this secret at `now`. */
function verdict(world: World, secret: string, now = world.clock.now()): string {
  const found = resolve(world.directory.current, parseCredential(secret)!.digest, now);
  return 'refused' in found ? found.refused : 'valid';
}

async function refusedWith(code: ChangeErrorCode, attempt: Promise<unknown>): Promise<void> {
  await assert.rejects(attempt, (error) => error instanceof ChangeError && error.code === code);
}

/** Runs `work`, which must leave exactly these records behind. */
async function leaves(world: World, expected: object[], work: () => Promise<unknown>): Promise<void> {
  const before = (await world.records()).length;
  await work();
  assert.deepEqual((await world.records()).slice(before), expected);
}

describe('every verb leaves one record, and none when nothing changed', () => {
  test('P3: people: add, move, disable, enable, erase', async () => {
    await inWorld(async (world) => {
      const { changes } = world;
      const { id: team } = await changes.addTeam({ actor, name: 'platform' });
      const { id } = await changes.addPerson({ actor, email: 'Ada@Example.com', team });
      const admin = (await changes.addPerson({ actor, email: 'root@example.com', role: 'admin' })).id;
      assert.equal(world.directory.current.parties.get(id)?.name, 'ada@example.com');
      assert.equal(world.directory.current.parties.get(admin)?.role, 'admin');
      const base = { actor: admin, subject: id, reason: 'asked for' };
      const asked = { actor: admin, reason: ' asked for ' };

      const moved = { ...base, action: 'person.moved', before: { team }, after: { team: null } };
      await leaves(world, [moved], () => changes.setPersonTeam({ ...asked, person: id, team: null }));
      await leaves(world, [], () => changes.setPersonTeam({ ...asked, person: id, team: null }));
      assert.equal(world.directory.current.parties.get(id)?.team, null);

      world.clock.set(T0 + 5);
      const disabled = { before: { disabledAt: null }, after: { disabledAt: T0 + 5, sessions: [] } };
      await leaves(world, [{ ...base, action: 'person.disabled', ...disabled }], () =>
        changes.disableParty({ ...asked, party: id }),
      );
      await leaves(world, [], () => changes.disableParty({ ...asked, party: id }));
      assert.equal(world.directory.current.parties.get(id)?.disabledAt, T0 + 5);

      const enabled = { before: { disabledAt: T0 + 5 }, after: { disabledAt: null } };
      await leaves(world, [{ ...base, action: 'person.enabled', ...enabled }], () =>
        changes.enableParty({ ...asked, party: id }),
      );
      await leaves(world, [], () => changes.enableParty({ ...asked, party: id }));

      const erased = { before: { erasedAt: null }, after: { erasedAt: T0 + 5, revoked: [] } };
      await leaves(world, [{ ...base, action: 'person.erased', ...erased }], () =>
        changes.erasePerson({ ...asked, person: id }),
      );
      await leaves(world, [], () => changes.erasePerson({ ...asked, person: id }));
    });
  });

  test('teams and services', async () => {
    await inWorld(async (world) => {
      const { changes } = world;
      const { id: team } = await changes.addTeam({ actor, name: ' Platform ' });
      const { id } = await changes.ensureService({ actor, name: 'ci', team });
      assert.deepEqual(await world.records(), [
        { actor, action: 'team.added', subject: team, before: null, after: { name: 'Platform' }, reason: null },
        {
          ...{ actor, action: 'service.added', subject: id, before: null, reason: null },
          after: { kind: 'service', name: 'ci', team },
        },
      ]);
      await leaves(world, [], async () => {
        assert.deepEqual(await changes.ensureService({ actor, name: 'ci', team }), { id });
        assert.deepEqual(await changes.ensureService({ actor, name: 'ci', team: null }), { id });
      });
      const { id: other } = await changes.addTeam({ actor, name: 'data' });
      const moved = { actor, action: 'service.moved', subject: id, before: { team }, after: { team: other } };
      await leaves(world, [{ ...moved, reason: null }], () =>
        changes.ensureService({ actor, name: 'ci', team: other }),
      );
    });
  });

  test('P3: keys: create, rotate, revoke', async () => {
    await inWorld(async (world) => {
      const { changes } = world;
      const { id: team } = await changes.addTeam({ actor, name: 'research' });
      await world.store.acknowledge(1);
      const { id: owner } = await changes.addPerson({ actor, email: 'a@x.org' });
      let key = { id: '', secret: '' };
      await leaves(world, [], async () => {});
      key = await changes.createKey({ actor, owner, label: 'laptop', kind: 'key', expiresAt: T0 + 1000, team });
      assert.equal(verdict(world, key.secret), 'valid');
      const created = { owner, kind: 'key', expiresAt: T0 + 1000, team };
      const records = await world.records();
      assert.deepEqual(records.slice(1), [
        { actor, action: 'key.created', subject: key.id, before: null, after: created, reason: null },
      ]);

      world.clock.set(T0 + 100);
      const next = await changes.rotateKey({ actor, key: key.id, overlapMs: 50 });
      assert.deepEqual((await world.records()).slice(2), [
        {
          ...{ actor, action: 'key.rotated', subject: key.id, reason: null },
          before: { expiresAt: T0 + 1000 },
          after: { expiresAt: T0 + 150, rotatedTo: next.id, rotatedToExpiresAt: T0 + 1100 },
        },
      ]);

      const revoked = { before: { revokedAt: null }, after: { revokedAt: T0 + 100 } };
      const record = { actor, action: 'key.revoked', subject: next.id, ...revoked, reason: 'lost' };
      const revoke = () => changes.revokeCredential({ actor, credential: next.id, reason: 'lost' });
      await leaves(world, [record], revoke);
      await leaves(world, [], revoke);
      assert.equal(verdict(world, next.secret), 'credential_revoked');
    });
  });
});

describe('nothing is changed and nothing recorded', () => {
  test('when a verb fails', async () => {
    await inWorld(async (world) => {
      const { changes } = world;
      const { id: owner } = await changes.addPerson({ actor, email: 'a@x.org' });
      const { id: gone } = await changes.addPerson({ actor, email: 'b@x.org' });
      const { id: service } = await changes.ensureService({ actor, name: 'ci' });
      const spent = await changes.createKey({ actor, owner, label: '', kind: 'key' });
      await changes.revokeCredential({ actor, credential: spent.id });
      const rotated = await changes.createKey({ actor, owner, label: '', kind: 'key' });
      await changes.rotateKey({ actor, key: rotated.id });
      const { id: team } = await changes.addTeam({ actor, name: 'platform' });
      await changes.erasePerson({ actor, person: gone });
      const { id: off } = await changes.addPerson({ actor, email: 'off@x.org' });
      await changes.disableParty({ actor, party: off });
      const nobody = newId('per', T0);
      const key = { actor, label: '', kind: 'key' } as const;
      const before = await world.store.directory();

      const attempts: Array<[ChangeErrorCode, () => Promise<unknown>]> = [
        ['conflict', () => changes.addPerson({ actor, email: 'A@X.org' })],
        ['conflict', () => changes.addTeam({ actor, name: 'platform' })],
        ['not_found', () => changes.addPerson({ actor, email: 'n@x.org', team: newId('tea', T0) })],
        ['not_found', () => changes.setPersonTeam({ actor, person: nobody, team: null })],
        ['not_found', () => changes.setPersonTeam({ actor, person: service, team: null })],
        ['not_found', () => changes.disableParty({ actor, party: nobody })],
        ['not_found', () => changes.erasePerson({ actor, person: service })],
        ['not_found', () => changes.createKey({ ...key, owner: nobody })],
        ['not_found', () => changes.rotateKey({ actor, key: newId('key', T0) })],
        ['not_found', () => changes.revokeCredential({ actor, credential: newId('key', T0) })],
        ['refused', () => changes.enableParty({ actor, party: gone })],
        ['not_found', () => changes.createKey({ ...key, owner, team: nobody })],
        ['invalid', () => changes.createKey({ ...key, owner, kind: 'admin', team })],
        ['refused', () => changes.createKey({ ...key, owner: gone })],
        ['refused', () => changes.createKey({ ...key, owner: off })],
        ['refused', () => changes.createKey({ ...key, owner: service, kind: 'admin' })],
        ['refused', () => changes.rotateKey({ actor, key: spent.id })],
        ['refused', () => changes.rotateKey({ actor, key: rotated.id })],
        ['invalid', () => changes.createKey({ ...key, owner, expiresAt: T0 })],
        ['invalid', () => changes.createKey({ ...key, owner, expiresAt: T0 + 0.5 })],
        ['invalid', () => changes.createKey({ ...key, owner, expiresAt: Number.NaN })],
        ['invalid', () => changes.createKey({ ...key, owner, label: 'x'.repeat(101) })],
        ['invalid', () => changes.rotateKey({ actor, key: rotated.id, overlapMs: -1 })],
        ['invalid', () => changes.addTeam({ actor, name: '' })],
        ['invalid', () => changes.addTeam({ actor, name: 'x'.repeat(65) })],
        ['invalid', () => changes.addTeam({ actor, name: 'a\u202eb' })],
        ['invalid', () => changes.ensureService({ actor, name: 'a\nb' })],
        ['invalid', () => changes.addTeam({ actor: 'root@example.com', name: 'fine' })],
        ['invalid', () => changes.disableParty({ actor, party: owner, reason: 'ada@example.com left' })],
        ['invalid', () => changes.disableParty({ actor, party: owner, reason: 'x'.repeat(501) })],
        ['refused', () => changes.claimOwner({ secret: newOwnerSecret().secret, email: 'x@x.org' })],
        ['refused', () => changes.addPerson({ actor, email: 'n@x.org', role: 'primary_owner' })],
      ];
      for (const [code, attempt] of attempts) await leaves(world, [], () => refusedWith(code, attempt()));
      assert.deepEqual(await world.store.directory(), before);
    });
  });

  test('when an address is no address', async () => {
    await inWorld(async (world) => {
      const long = `${'a'.repeat(64)}@${'b'.repeat(190)}`;
      const bad = [
        '',
        '@',
        'a@',
        '@b',
        'a b@c',
        'a@b@c',
        'a@b\u0000',
        'a@b\u200b',
        'a@\ud800',
        long,
        `é${long.slice(2)}`,
      ];
      for (const email of bad) await refusedWith('invalid', world.changes.addPerson({ actor, email }));
      assert.deepEqual(await world.records(), []);
      await world.changes.addPerson({ actor, email: long.slice(0, 254) });
      const { id } = await world.changes.addPerson({ actor, email: ' ADE\u0301@Example.COM ' });
      assert.equal(world.directory.current.parties.get(id)?.name, 'ad\u00e9@example.com');
    });
  });
});

describe('rotation', () => {
  test('P3: both keys work during the overlap, the old one not a millisecond longer', async () => {
    await inWorld(async (world) => {
      const { changes } = world;
      const { id: owner } = await changes.addPerson({ actor, email: 'a@x.org' });
      const { id: team } = await changes.addTeam({ actor, name: 'research' });
      const old = await changes.createKey({ actor, owner, label: 'laptop', kind: 'key', team });
      const next = await changes.rotateKey({ actor, key: old.id });
      const end = T0 + 24 * 60 * 60 * 1000;
      assert.deepEqual(
        [T0, end - 1, end].map((now) => [verdict(world, old.secret, now), verdict(world, next.secret, now)]),
        [
          ['valid', 'valid'],
          ['valid', 'valid'],
          ['credential_revoked', 'valid'],
        ],
      );
      const rows = await world.store.credentials(owner);
      const find = (id: string) => rows.find((row) => row.id === id);
      assert.equal(find(old.id)?.rotatedTo, next.id);
      const { label, expiresAt, team: kept } = find(next.id) ?? {};
      assert.deepEqual([label, expiresAt, kept], ['laptop', null, team]);
    });
  });

  test('the overlap never makes a key live longer, and 0 ends it at once', async () => {
    await inWorld(async (world) => {
      const { changes } = world;
      const { id: owner } = await changes.addPerson({ actor, email: 'a@x.org' });
      const options = { actor, owner, label: '', kind: 'key' } as const;
      const short = await changes.createKey({ ...options, expiresAt: T0 + 100 });
      await changes.rotateKey({ actor, key: short.id, overlapMs: 101 });
      assert.equal(verdict(world, short.secret, T0 + 99), 'valid');
      assert.equal(verdict(world, short.secret, T0 + 100), 'credential_revoked');
      const long = await changes.createKey(options);
      await changes.rotateKey({ actor, key: long.id, overlapMs: 0 });
      assert.equal(verdict(world, long.secret), 'credential_revoked');
    });
  });
});

describe('the first owner', () => {
  test('the newest secret works once, for one primary owner with an admin token', async () => {
    await inWorld(async (world) => {
      const { changes } = world;
      const older = await changes.ensureOwnerSecret();
      const secret = await changes.ensureOwnerSecret();
      assert.ok(older !== null && secret !== null);
      await refusedWith('refused', changes.claimOwner({ secret: older, email: 'root@x.org' }));
      await refusedWith('refused', changes.claimOwner({ secret: `${secret.slice(0, -1)}!`, email: 'root@x.org' }));
      await refusedWith('invalid', changes.claimOwner({ secret, email: 'nobody' }));
      const claimed = await changes.claimOwner({ secret, email: 'Root@x.org' });
      assert.equal(verdict(world, claimed.token), 'valid');
      const party = world.directory.current.parties.get(claimed.person);
      assert.deepEqual([party?.role, party?.name], ['primary_owner', 'root@x.org']);
      assert.match(claimed.token, /^gha_/);
      await refusedWith('refused', changes.claimOwner({ secret, email: 'second@x.org' }));
      assert.equal(await world.store.read((tx) => tx.setting('owner-secret-digest')), undefined);
      assert.equal(await changes.ensureOwnerSecret(), null);
      const after = {
        ...{ kind: 'person', role: 'primary_owner', team: null },
        ...{ credential: claimed.credential, displaced: null },
      };
      assert.deepEqual((await world.records()).slice(2), [
        {
          ...{ actor: 'owner-secret', action: 'owner.claimed', subject: claimed.person },
          ...{ before: null, after, reason: null },
        },
      ]);
    });
  });

  test('an address that is taken does not use up the secret', async () => {
    await inWorld(async (world) => {
      await world.changes.addPerson({ actor, email: 'root@x.org' });
      const secret = (await world.changes.ensureOwnerSecret())!;
      await refusedWith('conflict', world.changes.claimOwner({ secret, email: 'root@x.org' }));
      await world.changes.claimOwner({ secret, email: 'root2@x.org' });
    });
  });

  test('a secret is worth nothing once there is an owner, and a new one is given when that was disabled', async () => {
    await inWorld(async (world) => {
      const { changes } = world;
      const secret = (await changes.ensureOwnerSecret())!;
      const { id } = await changes.addPerson({ actor, email: 'root@x.org' });
      await world.store.change((tx) => tx.updateParty(id, { role: 'primary_owner' }));
      await refusedWith('refused', changes.claimOwner({ secret, email: 'thief@x.org' }));
      assert.equal(await changes.ensureOwnerSecret(), null);
      const sealed = await changes.sealBreakGlass({ actor: id });
      await changes.disableParty({ actor, party: id });
      const heir = await changes.claimOwner({ secret: (await changes.ensureOwnerSecret())!, email: 'heir@x.org' });
      const after = (await world.records()).at(-1)?.after as Record<string, unknown>;
      assert.equal(after.displaced, id);
      await changes.enableParty({ actor, party: id });
      const roles = [id, heir.person].map((party) => world.directory.current.parties.get(party)?.role);
      assert.deepEqual(roles, ['member', 'primary_owner'], 'who was displaced gets nothing back by being enabled');
      await assert.rejects(changes.useBreakGlass(sealed), { code: 'secret_wrong' });
    });
  });

  test('two claims at the same time make one owner', async () => {
    await inWorld(async (world) => {
      const secret = (await world.changes.ensureOwnerSecret())!;
      const claims = ['a@x.org', 'b@x.org'].map((email) => world.changes.claimOwner({ secret, email }));
      const results = await Promise.allSettled(claims);
      assert.deepEqual(results.map((result) => result.status).sort(), ['fulfilled', 'rejected']);
      assert.equal((await world.store.directory()).parties.length, 1);
    });
  });
});

const bytesOf = (world: World): Buffer =>
  Buffer.concat(readdirSync(world.folder).map((name) => readFileSync(join(world.folder, name))));

test('P7: an erased person leaves an id and nothing else, and the address can be used again', async () => {
  await inWorld(async (world) => {
    const { changes, store } = world;
    const email = 'grace.hopper@example.com';
    const { id } = await changes.addPerson({ actor, email });
    const key = await changes.createKey({ actor, owner: id, label: 'Grace Hopper’s laptop', kind: 'key' });
    const spent = await changes.createKey({ actor, owner: id, label: 'Hopper old', kind: 'key' });
    await changes.revokeCredential({ actor, credential: spent.id });
    await store.change((tx) => tx.insertContentKey(id, Buffer.from('wrapped content key of grace')));
    world.clock.set(T0 + 7);
    await changes.erasePerson({ actor, person: id });
    const once = await store.directory();
    const party = once.parties.find((row) => row.id === id);
    assert.deepEqual([party?.name, party?.erasedAt], [null, T0 + 7]);
    assert.deepEqual(
      once.credentials.map((row) => [row.id, row.revokedAt, row.label]),
      [
        [key.id, T0 + 7, ''],
        [spent.id, T0, ''],
      ].sort(),
    );
    assert.equal(await store.read((tx) => tx.contentKey(id)), undefined);
    assert.equal(verdict(world, key.secret), 'credential_revoked');
    assert.deepEqual((await world.records()).at(-1)?.after, { erasedAt: T0 + 7, revoked: [key.id] });
    const bytes = bytesOf(world).toString('latin1').toLowerCase();
    for (const trace of ['grace', 'hopper', 'wrapped content']) assert.ok(!bytes.includes(trace), trace);

    world.clock.set(T0 + 9);
    await changes.erasePerson({ actor, person: id });
    assert.deepEqual(await store.directory(), once);
    assert.notEqual((await changes.addPerson({ actor, email })).id, id);
  });
});

test('P7: no record holds a person’s address or the label of a key, whatever they are', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const { id: team } = await changes.addTeam({ actor, name: 'T' });
    await world.store.acknowledge(1);
    const letters = fc.string({
      unit: fc.constantFrom(...'abcxyzABC0189.!#$%&*+/=?^_`{|}~-\'"\\é漢'),
      minLength: 8,
      maxLength: 30,
    });
    let n = 0;
    const everyVerb = async (local: string, domain: string, label: string) => {
      const email = `${local}${n++}@${domain}`;
      const before = (await world.store.outboxHead()) + 1;
      const { id } = await changes.addPerson({ actor, email, team });
      const key = await changes.createKey({ actor, owner: id, label: `${label}${email}`, kind: 'key' });
      await changes.rotateKey({ actor, key: key.id });
      await changes.revokeCredential({ actor, credential: key.id });
      await changes.setPersonTeam({ actor, person: id, team: null });
      await changes.disableParty({ actor, party: id });
      await changes.enableParty({ actor, party: id });
      await refusedWith('conflict', changes.addPerson({ actor, email }));
      await changes.erasePerson({ actor, person: id });
      const rows = await world.store.outbox(1000);
      assert.equal(rows.length, 8);
      assert.equal(rows[0]?.number, before);
      const said = JSON.stringify(rows).normalize('NFC').toLowerCase();
      assert.ok(!said.includes('@'));
      for (const part of [local, domain, label]) {
        assert.ok(!said.includes(JSON.stringify(part).slice(1, -1).normalize('NFC').toLowerCase()), part);
      }
      await world.store.acknowledge(rows.at(-1)?.number ?? 0);
    };
    await fc.assert(fc.asyncProperty(letters, letters, letters, everyVerb), { seed: 7, numRuns: 40 });
  });
});

test('P5: no secret is in any byte of the store, nor half of one', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const claim = (await changes.ensureOwnerSecret())!;
    const owner = await changes.claimOwner({ secret: claim, email: 'root@x.org' });
    const key = await changes.createKey({ actor, owner: owner.person, label: 'x', kind: 'key' });
    const next = await changes.rotateKey({ actor, key: key.id });
    const bytes = bytesOf(world);
    for (const secret of [claim, owner.token, key.secret, next.secret]) {
      assert.ok(!bytes.includes(secret));
      // The hint shows six of the random characters; none of what follows may be there.
      assert.ok(!bytes.includes(secret.slice(10, 27)));
      assert.ok(!bytes.includes(secret.slice(27)));
    }
    assert.ok(bytes.includes(parseCredential(key.secret)!.digest), 'the bytes looked at are those of the store');
  });
});

test('P3: a change whose refresh fails is an error, and asking again succeeds', async () => {
  await inWorld(async (world) => {
    const { id } = await world.changes.addPerson({ actor, email: 'a@x.org' });
    const stop = world.directory.onChange(() => {
      throw new Error('not spread');
    });
    await assert.rejects(world.changes.disableParty({ actor, party: id }), AggregateError);
    stop();
    await leaves(world, [], () => world.changes.disableParty({ actor, party: id }));
    assert.equal(world.directory.current.parties.get(id)?.disabledAt, T0);
  });
});
