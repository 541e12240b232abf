/**
 * What credentials look like: a prefix that says which door they open, 34 random characters (202 bits) and 6 of checksum.
 * The prefix lets secret scanners find a leaked one; the checksum refuses a cut or mistyped one without a lookup.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { isBase62From, type RandomSource, randomBase62, toBase62 } from './base62.ts';
import type { KeyKind } from './principal.ts';

const PREFIXES: Readonly<Record<KeyKind, string>> = { key: 'ghk_', admin: 'gha_' };
const OWNER_PREFIX = 'gho_';
const SESSION_PREFIX = 'ghs_';
const BREAK_GLASS_PREFIX = 'ghb_';
const PREFIX_LENGTH = 4;
const RANDOM_LENGTH = 34;
const CHECKSUM_LENGTH = 6;
const LENGTH = PREFIX_LENGTH + RANDOM_LENGTH + CHECKSUM_LENGTH;
const HINT_LENGTH = PREFIX_LENGTH + 6;

/** A fresh secret. Only `digest` and `hint` may be stored. */
export interface NewSecret {
  /** The whole credential, 44 characters. */
  readonly secret: string;
  /** SHA-256 of the whole credential, lower-case hex. */
  readonly digest: string;
  /** Prefix and first six characters, to recognise it by; 28 random ones stay unknown (166 bits). */
  readonly hint: string;
}

/** A new virtual key (`ghk_…`) or admin token (`gha_…`). */
export function newCredential(kind: KeyKind, random?: RandomSource): NewSecret {
  return newSecret(PREFIXES[kind], random);
}

/** The kind and digest of a well-formed credential; null for anything else, which then never reaches a lookup. */
export function parseCredential(text: string): { readonly kind: KeyKind; readonly digest: string } | null {
  const kind = text.startsWith(PREFIXES.key) ? 'key' : text.startsWith(PREFIXES.admin) ? 'admin' : null;
  if (kind === null || !isWhole(text)) return null;
  return { kind, digest: digestOf(text) };
}

/** A new one-use secret for claiming an installation without an owner (`gho_…`). */
export function newOwnerSecret(random?: RandomSource): NewSecret {
  return newSecret(OWNER_PREFIX, random);
}

/** The digest of a well-formed owner secret, else null. */
export function parseOwnerSecret(text: string): { readonly digest: string } | null {
  return parsed(text, OWNER_PREFIX);
}

/** A new secret for the cookie of a signed-in browser (`ghs_…`). */
export function newSessionSecret(random?: RandomSource): NewSecret {
  return newSecret(SESSION_PREFIX, random);
}

/** The digest of a well-formed session secret, else null. */
export function parseSessionSecret(text: string): { readonly digest: string } | null {
  return parsed(text, SESSION_PREFIX);
}

/** A new secret for the envelope of the primary owner (`ghb_…`). */
export function newBreakGlassSecret(random?: RandomSource): NewSecret {
  return newSecret(BREAK_GLASS_PREFIX, random);
}

/** The digest of a well-formed break-glass secret, else null. */
export function parseBreakGlassSecret(text: string): { readonly digest: string } | null {
  return parsed(text, BREAK_GLASS_PREFIX);
}

function parsed(text: string, prefix: string): { readonly digest: string } | null {
  return text.startsWith(prefix) && isWhole(text) ? { digest: digestOf(text) } : null;
}

function newSecret(prefix: string, random?: RandomSource): NewSecret {
  const body = prefix + randomBase62(RANDOM_LENGTH, random);
  const secret = body + checksum(body);
  return { secret, digest: digestOf(secret), hint: secret.slice(0, HINT_LENGTH) };
}

/** CRC-32 finds every change of a single character, in the prefix too. It fits six base-62 characters (2^32 < 62^6). */
function checksum(body: string): string {
  return toBase62(crc32(body), CHECKSUM_LENGTH);
}

function isWhole(text: string): boolean {
  // The length first: it bounds all that follows, whatever a stranger sends.
  if (text.length !== LENGTH || !isBase62From(text, PREFIX_LENGTH)) return false;
  const split = LENGTH - CHECKSUM_LENGTH;
  return text.slice(split) === checksum(text.slice(0, split));
}

/** A slow hash would add nothing: there are no 202-bit dictionaries. */
function digestOf(secret: string): string {
  return hash('sha256', secret, 'hex');
}
