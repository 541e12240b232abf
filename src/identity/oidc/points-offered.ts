import type { OidcProvider } from '../../policy/model.ts';
import type { CheckedPoint } from '../ports.ts';
import type { Metadata } from './metadata.ts';
import { mayHaveSigned, type PublicKey } from './public-key.ts';

/** So much clocks may differ before anybody is told, milliseconds: a Date header has whole seconds and was on its way. */
const CLOCK_NOISE_MS = 5_000;

/** Compares the `Date` of an answer with `now`, milliseconds since the epoch. */
export function clockPoint(headers: Readonly<Record<string, string>>, now: number, skewMs: number): CheckedPoint {
  const point = 'clock';
  const sent = Date.parse(headers.date ?? '');
  const age = Number(headers.age ?? 0);
  if (Number.isNaN(sent) || Number.isNaN(age)) {
    return { point, state: 'warning', message: 'The provider does not say what time it has.' };
  }
  const ahead = Math.round((now - sent - age * 1000) / 1000);
  if (Math.abs(ahead) * 1000 <= CLOCK_NOISE_MS) return { point, state: 'ok', message: 'The clocks agree.' };
  const said = `Our clock is ${Math.abs(ahead)} seconds ${ahead > 0 ? 'ahead of' : 'behind'} the provider's`;
  if (Math.abs(ahead) * 1000 <= skewMs) return { point, state: 'warning', message: `${said}: set it right.` };
  return {
    point,
    state: 'failed',
    message: `${said}, more than clock_skew allows: nobody gets in until it is set right.`,
  };
}

/** Whether any published key can sign with an algorithm that counts. */
export function keysPoint(keys: readonly PublicKey[], metadata: Metadata): CheckedPoint {
  const point = 'keys';
  const usable = metadata.id_token_signing_alg_values_supported.filter((alg) =>
    keys.some((key) => mayHaveSigned(key, { alg, kid: key.kid })),
  );
  if (usable.length === 0) {
    return { point, state: 'failed', message: 'The provider publishes no key that it could sign ID tokens with.' };
  }
  return { point, state: 'ok', message: `ID tokens can be verified with ${usable.join(', ')}.` };
}

export function pkcePoint({ code_challenge_methods_supported: methods }: Metadata): CheckedPoint {
  const point = 'pkce';
  if (methods?.includes('S256')) return { point, state: 'ok', message: 'The provider supports PKCE with S256.' };
  const message = 'The provider does not say that it supports PKCE with S256. It is used all the same.';
  return { point, state: 'warning', message };
}

export function scopesPoint({ scopes }: OidcProvider, { scopes_supported: supported }: Metadata): CheckedPoint {
  const point = 'scopes';
  if (!scopes.includes('openid')) {
    return { point, state: 'failed', message: 'The scope openid is missing: without it there is no ID token.' };
  }
  if (supported === undefined) return { point, state: 'ok', message: 'The provider does not list its scopes.' };
  const unknown = scopes.filter((scope) => !supported.includes(scope));
  if (unknown.length === 0) return { point, state: 'ok', message: 'The provider knows every scope.' };
  return { point, state: 'warning', message: `The provider does not list these scopes: ${unknown.join(', ')}.` };
}

/** Where groups will come from, as far as it can be seen without a person. */
export function claimsPoint(settings: OidcProvider, { claims_supported: supported }: Metadata): CheckedPoint {
  const point = 'groups';
  const { groupsClaim, groupsFrom, scopes } = settings;
  if (groupsFrom === 'google') {
    const asks = scopes.some((scope) =>
      /\/auth\/(?:cloud-identity(?:\.groups(?:\.readonly)?)?|cloud-platform)$/.test(scope),
    );
    const message = asks
      ? 'Groups come from Cloud Identity. Its transitive search needs an Enterprise edition of Workspace or Cloud Identity Premium.'
      : 'Groups come from Cloud Identity, but the scope cloud-identity.groups.readonly is not asked for: nobody gets in.';
    return { point, state: asks ? 'ok' : 'failed', message };
  }
  if (groupsFrom === 'entra') {
    const message =
      'Groups come from the token, and from Microsoft Graph where it does not have them. The application needs the delegated permission User.Read, and the scopes must lead to a token for Graph.';
    return { point, state: 'ok', message };
  }
  if (groupsClaim === null) return { point, state: 'ok', message: 'No groups are taken from this provider.' };
  const claim = JSON.stringify(groupsClaim.length === 1 ? groupsClaim[0] : groupsClaim);
  if (supported?.includes(groupsClaim[0] ?? '')) {
    return { point, state: 'ok', message: `The provider lists the claim ${claim}.` };
  }
  const message = `The provider does not list the claim ${claim}. Whoever signs in without it, even as an empty list, does not get in.`;
  return { point, state: 'warning', message };
}
