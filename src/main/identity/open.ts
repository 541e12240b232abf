import { oidcClient } from '../../identity/oidc/client.ts';
import { samlClient } from '../../identity/saml/client.ts';
import type { OwnKeys } from '../../identity/saml/own-keys.ts';
import { fetcherOptions } from '../../net/config.ts';
import { safeFetcher } from '../../net/fetcher.ts';
import { allowedSecrets } from '../../secrets/allowed.ts';
import type { DoorParts } from '../doors.ts';
import { Providers } from './providers.ts';
import { samlKeys } from './saml-keys.ts';
import type { SignInParts } from './sign-in.ts';

/** Puts together what signing in needs: the providers of the policy, and how to reach them. */
export function openIdentity(parts: DoorParts & { readonly env: NodeJS.ProcessEnv }): SignInParts {
  const { config, state, governance, clock, log, closers, env } = parts;
  const fetcher = safeFetcher(fetcherOptions(config.net));
  closers.add('fetcher', () => fetcher.close());
  const secret = allowedSecrets(config.secrets, env);
  let keys: Promise<OwnKeys> | null = null;
  const own = (): Promise<OwnKeys> => {
    keys ??= samlKeys(state.store, state.sealer('saml keys'), clock.now()).catch((error) => {
      keys = null;
      throw error;
    });
    return keys;
  };
  const providers = new Providers({
    policy: () => governance.keeper.current.policy,
    open: async (settings) =>
      settings.kind === 'oidc'
        ? oidcClient(settings, { fetcher, secret, clock, log })
        : samlClient(settings, { fetcher, own: await own(), clock, log }),
  });
  return { ...parts, providers, flows: state.sealer('sign-in'), samlKeys: own };
}
