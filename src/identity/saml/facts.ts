import type { SamlProvider } from '../../policy/model.ts';
import { SignInFailure } from '../sign-in-failure.ts';
import { type SigningCertificate, signingCertificate } from './certificates.ts';
import type { DescribedProvider } from './metadata-in.ts';

/** What must be known of a provider, from the policy and its metadata together. */
export interface ProviderFacts {
  readonly entityId: string;
  /** Null where it takes no requests by HTTP-Redirect. */
  readonly signInUrl: string | null;
  readonly takesPost: boolean;
  /** Those of the policy and those of the metadata, without doubles. */
  readonly certificates: readonly SigningCertificate[];
  readonly wantsSignedRequests: boolean;
  /** None of this may be used from then on, milliseconds since the epoch; null for no end. */
  readonly validUntil: number | null;
}

export function misconfigured(detail: string): never {
  throw new SignInFailure('provider_misconfigured', detail);
}

/**
 * The policy counts before the metadata; certificates of both are taken.
 *
 * @throws SignInFailure `provider_misconfigured`
 */
export function factsOf(settings: SamlProvider, described: DescribedProvider | null): ProviderFacts {
  const own = settings.certificates.map(
    (pem) => signingCertificate(pem) ?? misconfigured('a certificate of the policy cannot be read'),
  );
  const certificates = [...own, ...(described?.certificates ?? [])];
  if (certificates.every(({ unusable }) => unusable !== null)) {
    misconfigured('the provider has no certificate whose signatures are taken: RSA with 2,048 bits or more');
  }
  return {
    entityId: settings.entityId ?? described?.entityId ?? misconfigured('nothing names the entity id of the provider'),
    signInUrl: usable(settings.signInUrl ?? described?.signInUrl ?? null),
    takesPost: described?.takesPost ?? false,
    certificates: [...new Map(certificates.map((one) => [one.fingerprint, one])).values()],
    wantsSignedRequests: described?.wantsSignedRequests ?? false,
    validUntil: described?.validUntil ?? null,
  };
}

/** An address that browsers may be sent to: https, or http on this machine. Anything else in metadata is an attack on them. */
function usable(address: string | null): string | null {
  if (address === null) return null;
  // What is no visible character would be dropped by whoever reads the address, or end a header.
  if (!/^[\x21-\x7e]{1,2000}$/.test(address) || !URL.canParse(address))
    misconfigured('the sign-in address is no address');
  const { protocol, hostname, hash, username, password } = new URL(address);
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  if (protocol !== 'https:' && !(protocol === 'http:' && local)) misconfigured('the sign-in address is not https');
  if (hash !== '' || username !== '' || password !== '')
    misconfigured('the sign-in address has parts that it may not have');
  return address;
}
