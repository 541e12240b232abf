import * as oidc from 'openid-client';
import { configure } from './configure.ts';
import type { Metadata } from './metadata.ts';
import { exchangeFailed } from './oauth-errors.ts';
import type { House } from './parts.ts';
import type { JsonValues } from './strict-json.ts';

/**
 * What the userinfo endpoint says of the person (OpenID Connect Core 1.0 section 5.3), for what the ID token lacks. Null where the
 * provider has no such endpoint or does not let us ask. Rejects with a SignInFailure: `response_invalid` where it speaks of somebody
 * else, whose claims must not be taken.
 */
export async function userinfo(
  house: House,
  metadata: Metadata,
  { accessToken, subject }: { readonly accessToken: string; readonly subject: string },
): Promise<JsonValues | null> {
  if (metadata.userinfo_endpoint === undefined) return null;
  const config = configure(house, { metadata, authentication: oidc.None(), what: 'the userinfo endpoint' });
  try {
    return await oidc.fetchUserInfo(config, accessToken, subject);
  } catch (error) {
    if (error instanceof oidc.ClientError && error.code === 'OAUTH_RESPONSE_IS_NOT_CONFORM') return null;
    throw exchangeFailed(error);
  }
}
