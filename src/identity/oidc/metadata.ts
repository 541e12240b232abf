import { z } from 'zod';
import type { OidcProvider } from '../../policy/model.ts';
import { ALGORITHMS, type Algorithm } from './algorithms.ts';
import { misconfigured } from './failures.ts';

const url = z.string().max(2_048);
const names = z.array(z.string().max(256)).max(1_000);

/** What is taken of a discovery document (OpenID Connect Discovery 1.0 section 3, RFC 8414, RFC 9207). The rest is dropped. */
const shape = z.object({
  issuer: url,
  authorization_endpoint: url,
  token_endpoint: url,
  jwks_uri: url,
  userinfo_endpoint: url.optional(),
  scopes_supported: names.optional(),
  claims_supported: names.optional(),
  code_challenge_methods_supported: names.optional(),
  id_token_signing_alg_values_supported: names.optional(),
  token_endpoint_auth_methods_supported: names.optional(),
  token_endpoint_auth_signing_alg_values_supported: names.optional(),
  authorization_response_iss_parameter_supported: z.boolean().optional(),
});

/** A discovery document that was checked. */
export type Metadata = Readonly<Omit<z.output<typeof shape>, 'id_token_signing_alg_values_supported'>> & {
  /** What the provider may sign ID tokens with: of what it names, those that count. Never empty. */
  readonly id_token_signing_alg_values_supported: Algorithm[];
};

/** True for an issuer in the clear: a provider on this machine, which the fetcher permits only where the operator named it. */
export function isPlain(issuer: string): boolean {
  return issuer.startsWith('http:');
}

/**
 * Checks a discovery document against the issuer it was asked of.
 *
 * The issuer must be the configured one byte for byte. Endpoints may lie on other hosts, as Google's do; but a secret goes only to the
 * host that the operator allowed it for, whatever a document says. An https issuer has https endpoints alone.
 *
 * @throws SignInFailure `provider_misconfigured`
 */
export function checkMetadata(document: unknown, { issuer }: Pick<OidcProvider, 'issuer'>): Metadata {
  const parsed = shape.safeParse(document);
  if (!parsed.success) {
    const field = String(parsed.error.issues[0]?.path[0] ?? 'everything');
    throw misconfigured(`the discovery document is wrong or empty at ${field}`);
  }
  const { data } = parsed;
  if (/[{}]/.test(data.issuer)) {
    throw misconfigured(
      'the discovery document speaks for many tenants, and so for strangers: as issuer, name the one of your own tenant (with its id in place of common or organizations)',
    );
  }
  if (data.issuer !== issuer) throw misconfigured('the discovery document names another issuer than the policy');
  for (const field of ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint'] as const) {
    const address = data[field];
    if (address !== undefined && !isEndpoint(address, isPlain(issuer))) {
      throw misconfigured(`${field} of the discovery document is no address that may be used`);
    }
  }
  const advertised = data.id_token_signing_alg_values_supported;
  const algorithms = ALGORITHMS.filter((alg) => advertised?.includes(alg) ?? alg === 'RS256');
  if (algorithms.length === 0) throw misconfigured('the provider signs ID tokens with no algorithm that counts here');
  return { ...data, id_token_signing_alg_values_supported: algorithms };
}

function isEndpoint(text: string, plain: boolean): boolean {
  const address = URL.parse(text);
  if (address === null || address.username !== '' || address.password !== '' || address.hash !== '') return false;
  return address.protocol === 'https:' || (plain && address.protocol === 'http:');
}

/**
 * Where the discovery document of an issuer lies (OpenID Connect Discovery 1.0 section 4).
 *
 * @throws SignInFailure `provider_misconfigured` for an issuer that is none
 */
export function discoveryAddress(issuer: string): string {
  if (!/^https?:\/\/[^?#@\s]+$/.test(issuer) || !isEndpoint(issuer, true)) {
    throw misconfigured('the issuer is no address of a provider: https, without query and fragment');
  }
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}
