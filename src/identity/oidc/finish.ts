import type { JsonObject } from '../../journal/records.ts';
import type { ProvenIdentity, Returned } from '../ports.ts';
import { SignInFailure } from '../sign-in-failure.ts';
import { partiesOf, redirectUri } from './begin.ts';
import { identityFrom } from './claims.ts';
import { type AudienceMemory, exchange, type Tokens } from './exchange.ts';
import { invalid } from './failures.ts';
import { verifyIdToken } from './id-token.ts';
import type { Keys } from './keys.ts';
import type { Metadata } from './metadata.ts';
import type { House } from './parts.ts';
import { userinfo } from './userinfo.ts';

/** One provider, and what is remembered of it. */
export interface Visited extends House {
  readonly keys: Keys;
  readonly memory: AudienceMemory;
}

const MAX_PARAMETER = 8_192;

interface Flow {
  readonly url: URL;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/**
 * From what the browser brought back to who it is. Rejects with a SignInFailure, or with an error of openid-client, which holds tokens:
 * `exchangeFailed` makes it one that may be let out.
 */
export async function finishSignIn(house: Visited, metadata: Metadata, returned: Returned): Promise<ProvenIdentity> {
  const flow = flowOf(house, returned);
  const tokens = await exchange(house, metadata, flow);
  const { subject, claims } = await verified(house, metadata, { tokens, flow });
  let asked: ReturnType<typeof userinfo> | null = null;
  const more = () => {
    asked ??= userinfo(house, metadata, { accessToken: tokens.accessToken, subject });
    return asked;
  };
  return identityFrom(house, { subject, claims, accessToken: tokens.accessToken, more });
}

function verified(house: Visited, metadata: Metadata, { tokens, flow }: { tokens: Tokens; flow: Flow }) {
  const { settings, clock, keys } = house;
  return verifyIdToken(tokens.idToken, {
    issuer: settings.issuer,
    clientId: settings.clientId,
    nonce: flow.nonce,
    accessToken: tokens.accessToken,
    now: clock.now(),
    skewMs: settings.skewMs,
    algorithms: metadata.id_token_signing_alg_values_supported,
    keys,
    jwksUri: metadata.jwks_uri,
  });
}

function flowOf({ settings }: House, { callback, parameters, remembered }: Returned): Flow {
  if (remembered === null) throw new SignInFailure('browser_changed', 'nothing is remembered of this sign-in');
  const state = text(remembered, 'state');
  const nonce = text(remembered, 'nonce');
  const verifier = text(remembered, 'verifier');
  // An answer to a sign-in elsewhere, or one that began under other settings.
  if (text(remembered, 'parties') !== partiesOf(settings)) throw invalid('the sign-in was started at another provider');
  if (text(remembered, 'callback') !== redirectUri(callback)) throw invalid('the answer came to another address');
  for (const value of parameters.values()) {
    if (value.length > MAX_PARAMETER) throw invalid('a parameter of the answer is too long');
  }
  const url = new URL(redirectUri(callback));
  url.search = parameters.toString();
  return { url, state, nonce, verifier };
}

function text(remembered: JsonObject, name: string): string {
  const value = remembered[name];
  if (typeof value !== 'string' || value === '') throw invalid('what is remembered of this sign-in is incomplete');
  return value;
}
