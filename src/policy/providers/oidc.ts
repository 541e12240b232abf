import { z } from 'zod';
import { duration } from '../../kernel/units.ts';
import type { ClientAuthentication, OidcProvider } from '../model.ts';
import { oneOrMany, plainText } from '../text.ts';
import { issuer, reference } from './addresses.ts';

/** Clocks that differ more are set, not forgiven. */
const MOST_SKEW = 300_000;
const DEFAULT_SKEW = 120_000;

/** Schema of `clock_skew`. */
export const clockSkew = duration({ max: MOST_SKEW })
  .default(DEFAULT_SKEW)
  .describe('How far the clocks of the provider and of this machine may differ: `2 min`, at most `5 min`.');

const claim = plainText(200);
const groups = z.union([
  claim,
  z.strictObject({
    claim: oneOrMany(claim).describe('Name of the claim, or names from the outside in: `[realm_access, roles]`.'),
    from: z
      .enum(['claims', 'entra', 'google'])
      .default('claims')
      .describe(
        'Who is asked when the token does not say them all: `entra` Microsoft Graph, `google` Cloud Identity, `claims` nobody.',
      ),
  }),
]);

/** RFC 6749 §3.3. */
const scope = z
  .string()
  .max(200)
  .regex(/^[!#-[\]-~]+$/, { error: 'must be a scope: printable characters without blanks, quotes and backslashes' });

const SIGNING_ALGS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA'],
] as const;

/** `oidc` of a provider. */
export const oidcSchema = z
  .strictObject({
    issuer: issuer.describe(
      'Exactly as its discovery document says it: compared byte for byte, a slash at the end too.',
    ),
    client_id: plainText(255).describe('Id of Gatehouse at the provider.'),
    client_secret: reference
      .optional()
      .describe('Reference to the secret: `env:NAME` or `file:/path`, never the secret.'),
    private_key: reference.optional().describe('Reference to a private key (PEM), instead of a secret.'),
    key_id: plainText(255).optional().describe('Id of the private key at the provider.'),
    signing_alg: z.enum(SIGNING_ALGS).optional().describe('How the private key signs. Without it, what fits the key.'),
    token_auth: z
      .enum(['client_secret_basic', 'client_secret_post', 'none'])
      .optional()
      .describe('How the secret is sent; `none` for a client that has none. Default `client_secret_basic`.'),
    scopes: z
      .array(scope)
      .max(50)
      .default(['openid', 'email', 'profile'])
      .describe('What is asked for; `openid` is always among it.'),
    groups: groups.optional().describe('The claim that holds the groups. Without it, the provider says no groups.'),
    trust_email: z
      .boolean()
      .default(false)
      .describe('Addresses without `email_verified` count as verified: only where nobody can set their own.'),
    clock_skew: clockSkew,
  })
  .superRefine(authenticates);

type OidcSection = z.output<typeof oidcSchema>;

/** A client proves itself in one way; a key that belongs to another way would be thought to count. */
function authenticates(entry: Readonly<Record<string, unknown>>, context: z.core.$RefinementCtx): void {
  const wrong = (message: string, key?: string) => {
    context.addIssue({ code: 'custom', message, path: key === undefined ? [] : [key] });
  };
  const secret = entry.client_secret !== undefined;
  const key = entry.private_key !== undefined;
  if (secret && key) wrong('write either client_secret or private_key', 'private_key');
  if (entry.token_auth === 'none' && secret) wrong('says that there is no secret', 'token_auth');
  if (entry.token_auth !== undefined && key) wrong('belongs to client_secret', 'token_auth');
  if (entry.token_auth !== 'none' && !secret && !key) {
    wrong('write client_secret or private_key, or token_auth: none for a client that has none');
  }
  for (const name of ['key_id', 'signing_alg']) {
    if (entry[name] !== undefined && !key) wrong('belongs to private_key', name);
  }
}

/** What of a provider is its own protocol's. */
export function compileOidc(entry: OidcSection): Omit<OidcProvider, 'place' | 'name' | 'label' | 'domains'> {
  const { groups: said } = entry;
  const claims = typeof said === 'string' ? [said] : (said?.claim.items ?? null);
  return {
    kind: 'oidc',
    issuer: entry.issuer,
    clientId: entry.client_id,
    authentication: authenticationOf(entry),
    scopes: [...new Set(['openid', ...entry.scopes])],
    groupsClaim: claims,
    groupsFrom: typeof said === 'object' ? said.from : 'claims',
    skewMs: entry.clock_skew,
    trustsEmail: entry.trust_email,
  };
}

function authenticationOf(entry: OidcSection): ClientAuthentication {
  const { client_secret: secret, private_key: key, key_id, signing_alg, token_auth = 'client_secret_basic' } = entry;
  if (key !== undefined) return { method: 'private_key_jwt', key, keyId: key_id ?? null, alg: signing_alg ?? null };
  // The schema lets no entry pass that has neither.
  if (secret === undefined || token_auth === 'none') return { method: 'none' };
  return { method: token_auth, secret };
}
