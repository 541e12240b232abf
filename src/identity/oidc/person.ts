import { printable } from '../../kernel/text.ts';
import type { JsonValues } from './strict-json.ts';

/**
 * An address that means the same to everybody: ASCII, unquoted, with host names of letters, digits and hyphens. Others could turn into
 * somebody else's by lower-casing, as the Kelvin sign turns into a k.
 */
const ADDRESS =
  /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)*[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i;
const MAX_ADDRESS = 254;
const MAX_NAME = 200;

export interface Address {
  /** In lower case. */
  readonly email: string | null;
  /** Null where the provider does not say. */
  readonly emailVerified: boolean | null;
}

/**
 * `email` and `email_verified` of one set of claims; never the one from here and the other from there. Verified is `true` or, as some
 * providers write it, `"true"`; not saying is null; everything else is false. An address of another form counts as none.
 */
export function addressIn({ email, email_verified: verified }: JsonValues): Address {
  if (typeof email !== 'string' || email.length > MAX_ADDRESS || !ADDRESS.test(email)) {
    return { email: null, emailVerified: null };
  }
  const said = verified === undefined || verified === null ? null : verified === true || verified === 'true';
  return { email: email.toLowerCase(), emailVerified: said };
}

/** `name`, fit for showing; null for none. */
export function nameIn({ name }: JsonValues): string | null {
  return typeof name === 'string' && name.trim() !== '' ? printable(name.trim(), MAX_NAME) : null;
}
