import type { SamlProvider } from '../../policy/model.ts';
import type { Begun, ProvenIdentity, ProviderClient, Returned } from '../ports.ts';
import { SignInFailure } from '../sign-in-failure.ts';
import { answerBytes } from './answer.ts';
import { misconfigured, type ProviderFacts } from './facts.ts';
import { entityIdOf } from './own-addresses.ts';
import type { OwnKeys } from './own-keys.ts';
import { provenBy, UnknownSigner } from './proven.ts';
import { authnRequest } from './request.ts';
import { ProviderSource, type SourceParts } from './source.ts';
import { testPoints } from './test-points.ts';

export interface SamlParts extends SourceParts {
  readonly own: OwnKeys;
}

/** Speaks SAML 2.0 with one provider: requests by HTTP-Redirect, answers by HTTP-POST. Logging out there is not offered. */
export function samlClient(settings: SamlProvider, parts: SamlParts): ProviderClient {
  const source = new ProviderSource(settings, parts);
  return {
    name: settings.name,
    protocol: 'saml',
    // SAML has no place for a hint that providers would not take for a condition.
    begin: ({ callback, state }) => begin(source, parts, { callback, state }),
    finish: (returned) => finish(source, parts, { settings, returned }),
    test: ({ callback }) =>
      testPoints({ source, certificate: parts.own.certificate, clock: parts.clock, skewMs: settings.skewMs, callback }),
  };
}

async function begin(
  source: ProviderSource,
  { own, clock }: SamlParts,
  { callback, state }: { callback: string; state: string },
): Promise<Begun> {
  const { signInUrl, takesPost } = await source.facts();
  if (signInUrl === null) {
    misconfigured(
      takesPost
        ? 'the provider takes requests by HTTP-POST only; let it take HTTP-Redirect, or write sign_in_url'
        : 'nothing says where people sign in; write sign_in_url',
    );
  }
  const { location, id } = authnRequest({ signInUrl, callback, state, privateKey: own.privateKey, now: clock.now() });
  return { location, remember: { request: id } };
}

async function finish(
  source: ProviderSource,
  parts: SamlParts,
  { settings, returned }: { settings: SamlProvider; returned: Returned },
): Promise<ProvenIdentity> {
  const request = requestOf(settings, returned);
  const bytes = answerBytes(returned.parameters);
  const facts = await source.facts();
  const prove = ({ entityId: issuer, certificates }: ProviderFacts): Promise<ProvenIdentity> =>
    provenBy({
      bytes,
      settings,
      expected: {
        issuer,
        callback: returned.callback,
        audience: entityIdOf(returned.callback),
        request,
        now: { at: parts.clock.now(), skewMs: settings.skewMs },
      },
      certificates: certificates.filter(({ unusable }) => unusable === null).map(({ pem }) => pem),
      privateKey: parts.own.privateKey,
    });
  try {
    return await prove(facts);
  } catch (error) {
    if (!(error instanceof UnknownSigner)) throw error;
    // Perhaps the provider has changed its certificate since its metadata was read.
    const renewed = await source.renewed(facts);
    if (renewed === null) throw error;
    return prove(renewed);
  }
}

/** The id of the request that this browser made; null for an answer that nobody asked for, where the policy takes such. */
function requestOf(settings: SamlProvider, { remembered }: Returned): string | null {
  const request = remembered?.request;
  if (typeof request === 'string' && request !== '') return request;
  if (remembered === null && settings.unsolicited) return null;
  throw new SignInFailure('browser_changed', 'nobody in this browser asked for the answer');
}
