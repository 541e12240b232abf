import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { derBits, derInteger, derOid, derSequence, derTime, derValue } from '../../src/identity/saml/der.ts';
import { newOwnKeys } from '../../src/identity/saml/own-keys.ts';
import { idp, NOW, own } from './support.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('DER: lengths, numbers, identifiers, bits and times as X.690 and RFC 5280 write them', () => {
  assert.equal(hex(derValue(4, Buffer.alloc(0))), '0400');
  assert.equal(hex(derValue(4, Buffer.alloc(127))).slice(0, 4), '047f');
  assert.equal(hex(derValue(4, Buffer.alloc(128))).slice(0, 6), '048180');
  assert.equal(hex(derValue(4, Buffer.alloc(256))).slice(0, 8), '04820100');
  assert.equal(hex(derValue(4, Buffer.alloc(65_536))).slice(0, 10), '0483010000');
  assert.equal(hex(derInteger(Buffer.of(0))), '020100');
  assert.equal(hex(derInteger(Buffer.of(0, 0, 1))), '020101');
  assert.equal(hex(derInteger(Buffer.of(0x80))), '02020080');
  assert.equal(hex(derInteger(Buffer.of(0x7f, 0xff))), '02027fff');
  assert.equal(hex(derOid('1.2.840.113549.1.1.11')), '06092a864886f70d01010b');
  assert.equal(hex(derOid('2.5.4.3')), '0603550403');
  assert.equal(hex(derBits(Buffer.of(0xa0), 5)), '030205a0');
  assert.equal(hex(derSequence(derInteger(Buffer.of(1)), derInteger(Buffer.of(2)))), '3006020101020102');
  assert.equal(derTime(Date.UTC(2049, 11, 31, 23, 59, 59, 999)).toString('latin1', 2), '491231235959Z');
  assert.equal(hex(derTime(Date.UTC(2049, 0, 1))).slice(0, 4), '170d');
  assert.equal(derTime(Date.UTC(2050, 0, 1)).toString('latin1', 2), '20500101000000Z');
  assert.equal(hex(derTime(Date.UTC(2050, 0, 1))).slice(0, 4), '180f');
});

test('the certificate is that of the key, for ten years, signed by itself with SHA-256, and of nobody who signs others', () => {
  const certificate = new X509Certificate(own.certificate);
  assert.equal(certificate.subject, 'CN=own');
  assert.equal(certificate.issuer, certificate.subject);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(own.privateKey)));
  assert.equal(certificate.ca, false);
  assert.equal(certificate.signatureAlgorithm, 'sha256WithRSAEncryption');
  assert.equal(certificate.publicKey.asymmetricKeyDetails?.modulusLength, 3072);
  // NOW is 2026-11-24T12:00:00Z.
  assert.equal(certificate.validFromDate.toISOString(), '2026-11-23T12:00:00.000Z');
  assert.equal(certificate.validToDate.toISOString(), '2036-11-23T12:00:00.000Z');
  assert.match(certificate.serialNumber, /^[4-7][0-9A-F]{31}$/);
  assert.notEqual(certificate.serialNumber, new X509Certificate(idp.certificate).serialNumber);
  assert.match(own.privateKey, /^-----BEGIN PRIVATE KEY-----\n/);
});

test('keys of two installations are two, and a certificate that begins beyond 2049 is one too', async () => {
  const late = await newOwnKeys(Date.UTC(2045, 0, 2), 'Zürich');
  const certificate = new X509Certificate(late.certificate);
  assert.equal(certificate.validToDate.toISOString(), '2055-01-01T00:00:00.000Z');
  assert.ok(certificate.verify(certificate.publicKey));
  assert.match(certificate.subject, /Z/);
  const key = (pem: string): string => createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString();
  assert.notEqual(key(late.certificate), key(own.certificate));
});

const openssl = spawnSync('openssl', ['version']).status === 0;
test('openssl reads it and finds nothing wrong with it', {
  skip: openssl ? false : 'openssl is not installed here',
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-saml-'));
  try {
    const file = join(folder, 'own.pem');
    writeFileSync(file, own.certificate);
    const at = String(NOW / 1000);
    const said = execFileSync('openssl', ['verify', '-x509_strict', '-attime', at, '-CAfile', file, file], {
      encoding: 'utf8',
    });
    assert.match(said, /: OK/);
    const text = execFileSync('openssl', ['x509', '-noout', '-text', '-in', file], { encoding: 'utf8' });
    for (const line of [
      'Version: 3',
      'CA:FALSE',
      'Digital Signature, Key Encipherment',
      'sha256WithRSAEncryption',
      '3072 bit',
    ]) {
      assert.ok(text.includes(line), line);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
