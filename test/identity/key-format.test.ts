import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { randomBase62 } from '../../src/identity/base62.ts';
import {
  newBreakGlassSecret,
  newCredential,
  newOwnerSecret,
  newSessionSecret,
  parseBreakGlassSecret,
  parseCredential,
  parseOwnerSecret,
  parseSessionSecret,
} from '../../src/identity/key-format.ts';

const ALPHABET = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'];
const options = { seed: 20261124, numRuns: 200 };
const MAKERS = {
  key: () => newCredential('key'),
  admin: () => newCredential('admin'),
  owner: () => newOwnerSecret(),
  session: () => newSessionSecret(),
  glass: () => newBreakGlassSecret(),
};
type Kind = keyof typeof MAKERS;
const PREFIXES: Record<Kind, string> = { key: 'ghk_', admin: 'gha_', owner: 'gho_', session: 'ghs_', glass: 'ghb_' };
const kinds = fc.constantFrom(...(Object.keys(MAKERS) as Kind[]));
const issue = (kind: Kind) => MAKERS[kind]();
const PARSERS = [parseCredential, parseOwnerSecret, parseSessionSecret, parseBreakGlassSecret];
const accepted = (text: string) => PARSERS.some((parse) => parse(text) !== null);

/** A small generator of its own, so that the test is the same every time. */
function seeded(): (size: number) => Uint8Array {
  let state = 0x9e3779b9;
  return (size) =>
    Uint8Array.from({ length: size }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 8) & 0xff;
    });
}

/** CRC-32 (ISO 3309) bit by bit, and base 62 with BigInt: nothing of the code under test. */
function expectedChecksum(text: string): string {
  let crc = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  let rest = BigInt((crc ^ 0xffffffff) >>> 0);
  let digits = '';
  for (let i = 0; i < 6; i++) {
    digits = ALPHABET[Number(rest % 62n)] + digits;
    rest /= 62n;
  }
  return digits;
}

test('a new credential has its prefix, 34 random characters, their checksum, digest and hint', () => {
  fc.assert(
    fc.property(kinds, (kind) => {
      const { secret, digest, hint } = issue(kind);
      assert.match(secret, /^gh[kaosb]_[0-9A-Za-z]{40}$/);
      assert.equal(secret.slice(0, 4), PREFIXES[kind]);
      assert.equal(secret.slice(38), expectedChecksum(secret.slice(0, 38)));
      assert.equal(digest, createHash('sha256').update(secret).digest('hex'));
      assert.equal(hint, secret.slice(0, 10));
    }),
    options,
  );
});

test('a credential reads back as its kind and digest, every other secret as nothing but itself', () => {
  for (const kind of ['key', 'admin'] as const) {
    const { secret, digest } = newCredential(kind);
    assert.deepEqual(parseCredential(secret), { kind, digest });
    assert.equal(parseOwnerSecret(secret), null);
  }
  for (const [kind, own] of [
    ['owner', parseOwnerSecret],
    ['session', parseSessionSecret],
    ['glass', parseBreakGlassSecret],
  ] as const) {
    const { secret, digest } = issue(kind);
    for (const parse of PARSERS) assert.deepEqual(parse(secret), parse === own ? { digest } : null, kind);
  }
});

test('any change of a single character is refused', () => {
  const place = fc.nat({ max: 43 });
  const character = fc.oneof(fc.constantFrom(...ALPHABET, '_'), fc.string({ minLength: 1, maxLength: 1 }));
  fc.assert(
    fc.property(kinds, place, character, (kind, at, replacement) => {
      const { secret } = issue(kind);
      fc.pre(secret[at] !== replacement);
      assert.ok(!accepted(secret.slice(0, at) + replacement + secret.slice(at + 1)));
    }),
    { ...options, numRuns: 2000 },
  );
  // Every place and letter of one key, so that none is left to chance.
  const { secret } = newCredential('key', seeded());
  for (let at = 0; at < secret.length; at++) {
    for (const letter of ALPHABET) {
      if (letter !== secret[at]) assert.ok(!accepted(secret.slice(0, at) + letter + secret.slice(at + 1)));
    }
  }
});

test('cut, lengthened, swapped, spaced and arbitrary text is refused', () => {
  const { secret } = newCredential('key');
  for (let length = 0; length < secret.length; length++) assert.ok(!accepted(secret.slice(0, length)));
  for (const text of [
    `${secret}0`,
    ` ${secret}`,
    `${secret}\n`,
    `${secret} `,
    secret.toLowerCase(),
    `${secret}${secret}`,
  ])
    if (text !== secret) assert.ok(!accepted(text));
  assert.ok(!accepted(`ghk_${'é'.repeat(40)}`));
  assert.ok(!accepted(`ghk_${'0'.repeat(40)}`));
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
      assert.ok(!accepted(text));
      assert.ok(!accepted(`ghk_${text}`));
    }),
    options,
  );
  assert.equal(parseCredential(`ghk_${'a'.repeat(10_000_000)}`), null);
});

test('each of the 62 characters is equally likely', () => {
  // 248 = 4 × 62: of one pass through all bytes each character must come four times. The eight bytes from 248 on, which come
  // first here, must be thrown away.
  let next = 248;
  const everyByteInTurn = (size: number) => Uint8Array.from({ length: size }, () => next++ & 0xff);
  const once = randomBase62(248, everyByteInTurn);
  const counts = new Map(ALPHABET.map((letter) => [letter, 0]));
  for (const letter of once) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  assert.deepEqual([...new Set(counts.values())], [4]);
  assert.equal(counts.size, 62);

  const places = Array.from({ length: 34 }, () => new Set<string>());
  const random = seeded();
  for (let i = 0; i < 1000; i++) {
    const { secret } = newCredential('key', random);
    places.forEach((seen, at) => {
      seen.add(secret.charAt(4 + at));
    });
  }
  assert.ok(
    places.every((seen) => seen.size === 62),
    'every place takes every character',
  );
});
