/** Addresses and references to secrets, as `identity` writes them. No message repeats a value: a secret may stand in the wrong place. */
import { z } from 'zod';

/** Printable ASCII without blanks, quotes, and backslashes, which URLs read as slashes. */
const PLAIN = /^https?:\/\/(?!\/)[!#-;=?-[\]_a-z~]+$/;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** True for an `https:` address without credentials and fragment; `http:` only on this machine, for trials. */
function isSafe(text: string): boolean {
  if (!PLAIN.test(text) || !URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const clear = protocol === 'https:' || LOOPBACK.test(hostname);
  return clear && hostname !== '' && username === '' && password === '' && !text.includes('#') && !text.includes('@');
}

const ADDRESS_HINT = 'must be an https address without credentials and fragment; http only on localhost';

/** Schema of an address that the browser or the gateway is sent to. */
export const address = z.string().max(1000).refine(isSafe, { error: ADDRESS_HINT });

/** At these, everybody who has an account of any tenant proves something. */
const EVERY_TENANT = /^https:\/\/login\.microsoftonline\.(?:com|us)\/(?:common|organizations|consumers)(?:\/|$)/i;

/** Schema of an issuer (OpenID Connect Discovery 1.0 §2: no query, no fragment). Kept as written: it is compared byte for byte. */
export const issuer = z
  .string()
  .max(500)
  .refine((text) => isSafe(text) && !text.includes('?'), {
    error: 'must be an https address without credentials, query and fragment; http only on localhost',
    abort: true,
  })
  .refine((text) => !EVERY_TENANT.test(text), { error: 'names every tenant; write the id of your own in its place' });

const REFERENCE_HINT =
  'must be a reference, such as "env:OKTA_SECRET" or "file:/etc/gatehouse/okta": the secret itself never stands in a policy';

/** Schema of a reference to a secret. A secret that stands there in the clear is a fault. */
export const reference = z
  .string({ error: (issue) => (issue.input === undefined ? undefined : REFERENCE_HINT) })
  .max(500, { error: REFERENCE_HINT })
  .regex(/^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:\/[!-~]+)$/, { error: REFERENCE_HINT });
