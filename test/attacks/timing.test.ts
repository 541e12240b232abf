/**
 * How a key is found, shown by what is done and not by a clock: one SHA-256 of the whole secret, one lookup of the whole digest, the
 * same for a hit as for a miss. Nothing that is kept holds a piece of a secret beyond its hint, so there is nothing to compare one with.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { after, before, test } from 'node:test';
import { type CredentialHeaders, IdentityRefusal, identify } from '../../src/identity/identify.ts';
import { newCredential, newOwnerSecret } from '../../src/identity/key-format.ts';
import type { KeyKind } from '../../src/identity/principal.ts';
import type { Entry } from '../../src/identity/snapshot.ts';
import { newWorld, T0, type World } from '../identity/world.ts';

let world: World;
const secrets: Record<string, string> = {};

before(async () => {
  world = await newWorld();
  const give = async (name: string, kind: KeyKind, expiresAt: number | null = null): Promise<string> => {
    const { id: owner } = await world.changes.addPerson({ actor: 'system', email: `${name}@example.com` });
    const issued = await world.changes.createKey({ actor: 'system', owner, label: '', kind, expiresAt });
    secrets[name] = issued.secret;
    return issued.id;
  };
  await give('good', 'key');
  await give('admin', 'admin');
  await give('expired', 'key', T0 + 1);
  const revoked = await give('revoked', 'key');
  await world.changes.revokeCredential({ actor: 'system', credential: revoked });
  const revokedAdmin = await give('revoked-admin', 'admin');
  await world.changes.revokeCredential({ actor: 'system', credential: revokedAdmin });
  secrets.unknown = newCredential('key').secret;
  secrets['unknown-admin'] = newCredential('admin').secret;
  // Alike to the last places of what is random: a comparison from the front would take longest here.
  secrets['nearly good'] = nearly(secrets.good ?? '');
});
after(() => world.close());

/** Another well-formed secret that shares everything with this one but its last random character and the checksum. */
function nearly(secret: string): string {
  const random = [...secret.slice(4, 38)];
  random[33] = random[33] === 'a' ? 'b' : 'a';
  const bytes = random.map((character) =>
    '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'.indexOf(character),
  );
  let at = 0;
  const made = newCredential('key', (size) => Uint8Array.from({ length: size }, () => bytes[at++] ?? 0));
  assert.equal(made.secret.slice(0, 37), secret.slice(0, 37), 'the test must share all but the end');
  assert.notEqual(made.secret, secret);
  return made.secret;
}

/** What was done during `work`. */
interface Work {
  /** Texts that were hashed whole, in order. */
  readonly hashed: string[];
  /** What was asked of the map of digests: `get`, `has`, or a walk over it. */
  readonly asked: string[];
  readonly result: string;
}

/** Counts hashes in the built-in module itself, and every use of the map. */
function watch(headers: CredentialHeaders, door: KeyKind): Work {
  const hashed: string[] = [];
  const asked: string[] = [];
  const { createHash, hash } = crypto;
  const counting = ((algorithm: string, data: string, ...rest: unknown[]) => {
    hashed.push(`${algorithm} ${data}`);
    return (hash as (...args: unknown[]) => unknown)(algorithm, data, ...rest);
  }) as typeof hash;
  // The other way to hash would go uncounted: it is not taken.
  const unused = (): never => {
    throw new Error('a hash that is not counted');
  };
  Object.assign(crypto, { hash: counting, createHash: unused });
  syncBuiltinESMExports();
  try {
    const current = { ...world.directory.current, byDigest: watched(world.directory.current.byDigest, asked) };
    return { hashed, asked, result: resultOf(() => identify(headers, { directory: { current }, door, now: T0 + 1 })) };
  } finally {
    Object.assign(crypto, { createHash, hash });
    syncBuiltinESMExports();
  }
}

function watched(map: ReadonlyMap<string, Entry>, asked: string[]): ReadonlyMap<string, Entry> {
  return new Proxy(map, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') {
        asked.push(String(name));
        return value;
      }
      return (...args: unknown[]) => {
        asked.push([String(name), ...args].join(' '));
        return value.apply(target, args);
      };
    },
  });
}

function resultOf(work: () => { readonly id: string }): string {
  try {
    work();
    return 'ok';
  } catch (error) {
    assert.ok(error instanceof IdentityRefusal);
    return error.code;
  }
}

const digestOf = (secret: string): string => crypto.createHash('sha256').update(secret).digest('hex');

const CASES: readonly (readonly [name: string, door: KeyKind, result: string])[] = [
  ['good', 'key', 'ok'],
  ['unknown', 'key', 'credential_unknown'],
  ['nearly good', 'key', 'credential_unknown'],
  ['revoked', 'key', 'credential_revoked'],
  ['expired', 'key', 'credential_expired'],
  ['admin', 'key', 'wrong_door'],
  ['unknown-admin', 'key', 'credential_unknown'],
  ['admin', 'admin', 'ok'],
  ['unknown-admin', 'admin', 'credential_unknown'],
  ['revoked-admin', 'admin', 'credential_revoked'],
  ['good', 'admin', 'wrong_door'],
  ['unknown', 'admin', 'credential_unknown'],
];
for (const [name, door, result] of CASES) {
  test(`P5: one hash of the whole secret and one lookup: ${name} at the door for ${door}`, () => {
    const secret = secrets[name] ?? '';
    for (const headers of [{ authorization: `Bearer ${secret}` }, { 'x-api-key': secret }]) {
      const done = watch(headers, door);
      assert.equal(done.result, result);
      assert.deepEqual(done.hashed, [`sha256 ${secret}`]);
      assert.deepEqual(done.asked, [`get ${digestOf(secret)}`]);
    }
  });
}

test('P5: what cannot be a key is neither hashed nor looked up, whatever it begins with', () => {
  const good = secrets.good ?? '';
  const others = [
    good.slice(0, -1),
    `${good}x`,
    `${good.slice(0, -1)}${good.endsWith('0') ? '1' : '0'}`,
    good.slice(4),
    good.toLowerCase(),
    newOwnerSecret().secret,
    'sk-ant-api03-x',
  ];
  for (const text of others) {
    for (const door of ['key', 'admin'] as const) {
      const done = watch({ authorization: `Bearer ${text}` }, door);
      assert.deepEqual(done, { hashed: [], asked: [], result: 'credential_malformed' }, text);
    }
  }
});

test('P5: nothing that is kept holds more of a secret than its hint', async () => {
  const kept = JSON.stringify(world.directory.current, (_key, value) => (value instanceof Map ? [...value] : value));
  const outbox = JSON.stringify(await world.records());
  for (const name of ['good', 'admin', 'revoked', 'expired']) {
    const secret = secrets[name] ?? '';
    assert.ok(kept.includes(digestOf(secret)), 'the test must look at what is looked up');
    for (const text of [kept, outbox]) {
      assert.equal(text.includes(secret.slice(0, 11)), false, name);
      assert.equal(text.includes(secret.slice(10, 18)), false, name);
    }
  }
});

test('P8: an owner secret that is wrong, used, replaced, cut or of another kind is refused in the same words', async () => {
  const fresh = await newWorld();
  try {
    const claim = (secret: string) =>
      fresh.changes.claimOwner({ secret, email: 'owner@example.com' }).then(
        () => 'claimed',
        (error: Error & { code?: string }) => `${error.name} ${error.code} ${error.message}`,
      );
    const replaced = (await fresh.changes.ensureOwnerSecret()) ?? '';
    const current = (await fresh.changes.ensureOwnerSecret()) ?? '';
    const words = new Set<string>();
    for (const secret of [replaced, newOwnerSecret().secret, current.slice(0, -1), secrets.admin ?? '', 'gho_', '']) {
      words.add(await claim(secret));
    }
    assert.equal(await claim(current), 'claimed');
    words.add(await claim(current));
    words.add(await claim(newOwnerSecret().secret));
    assert.equal(words.size, 1, [...words].join('\n'));
    assert.match([...words].join(), /refused/);
  } finally {
    await fresh.close();
  }
});
