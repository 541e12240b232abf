import type { OidcProvider } from '../../policy/model.ts';
import type { ProviderClient } from '../ports.ts';
import { beginSignIn } from './begin.ts';
import { Discovery } from './discovery.ts';
import { failureWithin, misconfigured } from './failures.ts';
import { finishSignIn, type Visited } from './finish.ts';
import { Keys } from './keys.ts';
import { exchangeFailed } from './oauth-errors.ts';
import type { OidcParts } from './parts.ts';
import { checkPoints } from './points.ts';

/**
 * Signs people in at one OpenID Connect provider: authorization code with PKCE, and nothing else. Keep it as long as the settings stay
 * the same: it holds the discovery document and the keys. The provider's tokens never leave this folder.
 */
export function oidcClient(settings: OidcProvider, parts: OidcParts): ProviderClient {
  const house = { ...parts, settings };
  const discovery = new Discovery(house);
  const visited: Visited = { ...house, keys: new Keys(house), memory: { audience: 'issuer' } };
  return {
    name: settings.name,
    protocol: 'oidc',
    begin: async (input) => {
      try {
        return await beginSignIn(house, await discovery.current(), input);
      } catch (error) {
        throw failureWithin(error) ?? misconfigured('the authorization request could not be made');
      }
    },
    finish: async (returned) => {
      try {
        return await finishSignIn(visited, await discovery.current(), returned);
      } catch (error) {
        throw exchangeFailed(error);
      }
    },
    test: ({ callback }) => checkPoints(visited, callback),
  };
}
