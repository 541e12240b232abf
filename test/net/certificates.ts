/** Certificates made for a test: authorities, servers and clients, with names, times and extensions as wished. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
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
} from '../../src/identity/saml/der.ts';

const DAY = 86_400_000;
const ECDSA_SHA256 = derSequence(derOid('1.2.840.10045.4.3.2'));

export interface Identity {
  readonly name: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
  readonly privateKey: KeyObject;
}

export interface Wished {
  /** Common name, and a name it is valid for. */
  readonly name: string;
  /** Further names and addresses. */
  readonly names?: readonly string[];
  /** Signed by; by itself unless told. */
  readonly by?: Identity;
  readonly authority?: boolean;
  /** P-256 unless told. */
  readonly curve?: string;
  /** Milliseconds since the epoch. */
  readonly from?: number;
  readonly until?: number;
}

/** A new key with its certificate. */
export function issue(wished: Wished): Identity {
  const { name, by, curve = 'P-256', from = Date.now() - DAY, until = Date.now() + 30 * DAY } = wished;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
  const serial = randomBytes(8);
  serial[0] = 0x40;
  const body = derSequence(
    derTagged(0, derInteger(Buffer.of(2))),
    derInteger(serial),
    ECDSA_SHA256,
    named(by?.name ?? name),
    derSequence(derTime(from), derTime(until)),
    named(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    derTagged(3, derSequence(...extensions(wished))),
  );
  const signature = sign('sha256', body, by?.privateKey ?? privateKey);
  const der = derSequence(body, ECDSA_SHA256, derBits(signature));
  return {
    name,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: `-----BEGIN CERTIFICATE-----\n${lines(der.toString('base64'))}\n-----END CERTIFICATE-----\n`,
    privateKey,
  };
}

function extensions({ name, names = [], authority = false }: Wished): Buffer[] {
  const basic = authority ? derSequence(derBoolean(true)) : derSequence();
  const alternative = [name, ...names].map((one) => (isIP(one) === 0 ? general(0x82, one) : general(0x87, one)));
  return [
    derSequence(derOid('2.5.29.19'), derBoolean(true), derOctets(basic)),
    derSequence(derOid('2.5.29.17'), derOctets(derSequence(...alternative))),
  ];
}

/** A dNSName (0x82) or an iPAddress (0x87). */
function general(tag: number, value: string): Buffer {
  const bytes = tag === 0x82 ? Buffer.from(value) : Buffer.from(value.split('.').map(Number));
  return Buffer.concat([Buffer.of(tag, bytes.length), bytes]);
}

function named(name: string): Buffer {
  return derSequence(derSet(derSequence(derOid('2.5.4.3'), derText(name))));
}

function lines(base64: string): string {
  return base64.replace(/.{64}(?=.)/g, '$&\n');
}
