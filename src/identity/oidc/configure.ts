import * as oidc from 'openid-client';
import { isPlain, type Metadata } from './metadata.ts';
import type { House } from './parts.ts';
import { transport } from './transport.ts';

interface Use {
  readonly metadata: Metadata;
  readonly authentication: oidc.ClientAuth;
  /** What is spoken to, for details: `the token endpoint`. */
  readonly what: string;
}

/** openid-client, set up for one use. It keeps no time of its own: its clock is moved to ours, and ours decides to the millisecond. */
export function configure(
  { settings, fetcher, clock }: House,
  { metadata, authentication, what }: Use,
): oidc.Configuration {
  const client = {
    [oidc.clockSkew]: Math.round((clock.now() - Date.now()) / 1000),
    [oidc.clockTolerance]: Math.ceil(settings.skewMs / 1000) + 1,
  };
  const config = new oidc.Configuration(metadata as oidc.ServerMetadata, settings.clientId, client, authentication);
  config[oidc.customFetch] = transport(fetcher, what);
  // The fetcher has its own, shorter bound.
  config.timeout = 60;
  if (isPlain(settings.issuer)) oidc.allowInsecureRequests(config);
  return config;
}
