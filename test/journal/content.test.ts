import assert from 'node:assert/strict';
import { createDecipheriv, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { openContent, sealContent } from '../../src/journal/content.ts';
import { newPersonKey, unwrapKey, wrapKey } from '../../src/journal/keys.ts';

const place = { record: 'rec_1', person: 'per_1' };

test('P7: sealed content opens with its key in its place, and not otherwise', () => {
  const key = newPersonKey();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(), (plaintext, spot) => {
      const sealed = sealContent(key, place, plaintext);
      assert.deepEqual(new Uint8Array(openContent(key, place, sealed)), plaintext);
      assert.throws(() => openContent(newPersonKey(), place, sealed));
      assert.throws(() => openContent(key, { ...place, person: 'per_2' }, sealed));
      assert.throws(() => openContent(key, { ...place, record: 'rec_2' }, sealed));
      const data = Buffer.from(sealed.data, 'base64');
      data[spot % data.length] = (data[spot % data.length] ?? 0) ^ 1;
      assert.throws(() => openContent(key, place, { ...sealed, data: data.toString('base64') }));
    }),
    { seed: 7, numRuns: 50 },
  );
});

test('content is AES-256-GCM with a fresh 96-bit IV and a 128-bit tag', () => {
  const key = newPersonKey();
  const [one, two] = [sealContent(key, place, Buffer.from('hello')), sealContent(key, place, Buffer.from('hello'))];
  assert.notEqual(one.iv, two.iv);
  const data = Buffer.from(one.data, 'base64');
  assert.equal(data.length, 5 + 16);
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(one.iv, 'base64'), { authTagLength: 16 });
  decipher.setAAD(Buffer.from('gatehouse content\n["rec_1","per_1"]')).setAuthTag(data.subarray(5));
  assert.equal(Buffer.concat([decipher.update(data.subarray(0, 5)), decipher.final()]).toString(), 'hello');
});

test('malformed content and keys of a wrong size are refused', () => {
  const key = newPersonKey();
  const sealed = sealContent(key, place, Buffer.from('hello'));
  for (const broken of [
    { ...sealed, iv: '' },
    { ...sealed, data: 'AAAA' },
    { ...sealed, alg: 'none' as 'A256GCM' },
  ]) {
    assert.throws(() => openContent(key, place, broken));
  }
  assert.throws(() => sealContent(randomBytes(16), place, Buffer.from('x')), RangeError);
});

test('P7: a wrapped person key opens under its master key for its person only', () => {
  const [master, other] = [randomBytes(32), randomBytes(32)];
  const key = newPersonKey();
  const wrapped = wrapKey(master, 'per_1', key);
  assert.deepEqual(unwrapKey(master, 'per_1', wrapped), key);
  assert.throws(() => unwrapKey(other, 'per_1', wrapped));
  assert.throws(() => unwrapKey(master, 'per_2', wrapped));
  for (let at = 0; at < wrapped.length; at++) {
    const changed = Buffer.from(wrapped);
    changed[at] = (changed[at] ?? 0) ^ 0x80;
    assert.throws(() => unwrapKey(master, 'per_1', changed));
  }
  assert.throws(() => unwrapKey(master, 'per_1', wrapped.subarray(0, 20)));
  assert.throws(() => wrapKey(master, 'per_1', Buffer.alloc(16)), RangeError);
});
