import { generateKeyPair, type KeyObject, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';
import {
  derBits,
  derBoolean,
  derInteger,
  derOctets,
  derOid,
  derSequence,
  derSet,
  derTagged,
  derText,
  derTime,
} from './der.ts';

/** What this installation signs its requests with, and what providers encrypt to. */
export interface OwnKeys {
  /** PEM, PKCS #8. Secret. */
  readonly privateKey: string;
  /** PEM, X.509, signed with that key. */
  readonly certificate: string;
}

const BITS = 3072;
const YEARS = 10;
const DAY_MS = 86_400_000;
const SERIAL_BYTES = 16;
const COMMON_NAME = '2.5.4.3';
const SHA256_RSA = derSequence(derOid('1.2.840.113549.1.1.11'), Buffer.of(0x05, 0));
const BASIC_CONSTRAINTS = '2.5.29.19';
const KEY_USAGE = '2.5.29.15';

/**
 * A new RSA key of 3,072 bits with a certificate for ten years, signed by itself (SHA-256). Nobody checks such a certificate by its
 * issuer: providers are given it, and it is how SAML writes a public key down.
 *
 * @param now milliseconds since the epoch; it is valid from a day earlier, for providers whose clocks are behind
 */
export async function newOwnKeys(now: number, name = 'Gatehouse'): Promise<OwnKeys> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: BITS });
  const body = toBeSigned(publicKey, name, now);
  const signature = sign('sha256', body, privateKey);
  const certificate = derSequence(body, SHA256_RSA, derBits(signature));
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: pem(certificate),
  };
}

/** RFC 5280, 4.1.2: version 3, and no certificate of an authority. */
function toBeSigned(publicKey: KeyObject, name: string, now: number): Buffer {
  const named = derSequence(derSet(derSequence(derOid(COMMON_NAME), derText(name))));
  const from = now - DAY_MS;
  const until = new Date(from);
  until.setUTCFullYear(until.getUTCFullYear() + YEARS);
  const serial = randomBytes(SERIAL_BYTES);
  // Never zero, and of the same length each time.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return derSequence(
    derTagged(0, derInteger(Buffer.of(2))),
    derInteger(serial),
    SHA256_RSA,
    named,
    derSequence(derTime(from), derTime(until.getTime())),
    named,
    publicKey.export({ type: 'spki', format: 'der' }),
    derTagged(
      3,
      derSequence(
        critical(BASIC_CONSTRAINTS, derSequence()),
        // digitalSignature (bit 0) and keyEncipherment (bit 2).
        critical(KEY_USAGE, derBits(Buffer.of(0b1010_0000), 5)),
      ),
    ),
  );
}

function critical(oid: string, content: Uint8Array): Buffer {
  return derSequence(derOid(oid), derBoolean(true), derOctets(content));
}

function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
