import type { Caller } from '../journal/bodies.ts';
import { type ErrorCode, Refusal, type RefusalFields } from '../kernel/errors.ts';
import type { Directory } from './directory.ts';
import { parseCredential, parseSessionSecret } from './key-format.ts';
import type { KeyKind, Principal } from './principal.ts';
import { resolve } from './snapshot.ts';

/** The two headers a credential may come in; an array where a header was sent more than once. */
export interface CredentialHeaders {
  readonly authorization?: string | readonly string[] | undefined;
  readonly 'x-api-key'?: string | readonly string[] | undefined;
}

export interface IdentifyContext {
  readonly directory: Pick<Directory, 'current'>;
  /** The kind of credential that opens this door. */
  readonly door: KeyKind;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A call that carries no valid credential for this door. */
export class IdentityRefusal extends Refusal {
  /** Whose credential it was, for the journal; null for strangers, who are only counted (P1). Never shown to the caller. */
  readonly known: Caller | null;

  constructor(code: ErrorCode, options: { known?: Caller | null; fields?: RefusalFields } = {}) {
    super(code, { fields: options.fields ?? {} });
    this.name = 'IdentityRefusal';
    this.known = options.known ?? null;
  }
}

/** Who is calling. Throws IdentityRefusal with the code of the first thing that is wrong. Reads no byte of the body. */
export function identify(headers: CredentialHeaders, { directory, door, now }: IdentifyContext): Principal {
  const text = presented(headers);
  const parsed = parseCredential(text);
  if (parsed === null) {
    // A session works as a cookie alone, where its CSRF token guards it; here nobody learns whether it is one.
    throw new IdentityRefusal(parseSessionSecret(text) === null ? 'credential_malformed' : 'credential_unknown');
  }
  const found = resolve(directory.current, parsed.digest, now);
  if ('refused' in found) {
    // Date and time in ISO 8601: the caller's time zone is unknown.
    const fields = found.expired === null ? {} : { expired: new Date(found.expired).toISOString() };
    throw new IdentityRefusal(found.refused, { known: found.known, fields });
  }
  if (found.credential.kind !== door) {
    const known = { who: found.id, key: found.credential.id, team: found.team };
    throw new IdentityRefusal('wrong_door', { known });
  }
  return found;
}

/**
 * The one credential of the call. Two that differ are refused rather than ranked: a proxy in front may have checked one and
 * passed the other on.
 */
function presented(headers: CredentialHeaders): string {
  const authorization = single(headers.authorization);
  const apiKey = single(headers['x-api-key']);
  const bearer = authorization === undefined ? undefined : bearerToken(authorization);
  if (bearer === undefined && apiKey === undefined) throw new IdentityRefusal('credential_missing');
  if (bearer !== undefined && apiKey !== undefined && bearer !== apiKey) {
    throw new IdentityRefusal('credential_conflict');
  }
  return bearer ?? apiKey ?? '';
}

function single(value: string | readonly string[] | undefined): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  if (value.length > 1) throw new IdentityRefusal('credential_conflict');
  return value[0];
}

/** RFC 6750 §2.1: `Bearer`, spaces, token; the scheme's name in any case (RFC 9110 §11.1), one or more spaces (§11.4). */
function bearerToken(header: string): string {
  const end = header.indexOf(' ');
  if (end === -1 || header.slice(0, end).toLowerCase() !== 'bearer') throw new IdentityRefusal('credential_malformed');
  let start = end;
  while (header.charAt(start) === ' ') start += 1;
  return header.slice(start);
}
