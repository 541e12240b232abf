import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import type { Forgery } from './orders.ts';

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const read = (text: string): Record<string, unknown> => JSON.parse(Buffer.from(text, 'base64url').toString());

/** JWS signatures by hand, so that what no library would sign can be signed (RFC 7515 §5.1). */
function signature(text: string, key: KeyObject): string {
  const bytes = Buffer.from(text);
  const ec = { key, dsaEncoding: 'ieee-p1363' } as const;
  return (key.asymmetricKeyType === 'ec' ? signBytes('sha256', bytes, ec) : signBytes('sha256', bytes, key)).toString(
    'base64url',
  );
}

function strangerLike(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType === 'ec') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
}

/** The ID token as an attacker would have it. `key` is the provider's own private key. */
export function forged(token: string, key: KeyObject, { sign, claims = {} }: Forgery): string {
  const [head = '', body = ''] = token.split('.');
  const payload = { ...read(body), ...claims };
  const kept = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== null));
  const assembled = (header: object, by: (text: string) => string): string => {
    const text = `${part(header)}.${part(kept)}`;
    return `${text}.${by(text)}`;
  };
  const header = read(head);
  if (sign === 'none') return assembled({ ...header, alg: 'none' }, () => '');
  if (sign === 'public') {
    const pem = createPublicKey(key).export({ format: 'pem', type: 'spki' });
    return assembled({ ...header, alg: 'HS256' }, (text) => createHmac('sha256', pem).update(text).digest('base64url'));
  }
  if (sign === 'honest') return assembled(header, (text) => signature(text, key));
  const stranger = strangerLike(key);
  if (sign === 'stranger') return assembled(header, (text) => signature(text, stranger));
  const jwk = { ...createPublicKey(stranger).export({ format: 'jwk' }), kid: 'theirs' };
  return assembled({ ...header, kid: 'theirs', jwk }, (text) => signature(text, stranger));
}
