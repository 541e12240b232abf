import type { CheckedPoint } from '../ports.ts';
import { SignInFailure } from '../sign-in-failure.ts';
import { redirectUri } from './begin.ts';
import { discover } from './discovery.ts';
import type { Visited } from './finish.ts';
import { fetchKeys } from './keys.ts';
import type { Metadata } from './metadata.ts';
import { claimsPoint, clockPoint, keysPoint, pkcePoint, scopesPoint } from './points-offered.ts';
import { secretPoint } from './points-secret.ts';

/**
 * Looks at everything that can be looked at without a person, past every cache. Never rejects. The expiry of the provider's TLS
 * certificate is not among it: the fetcher does not show certificates, it only refuses those that are not valid.
 */
export async function checkPoints(house: Visited, callback: string): Promise<readonly CheckedPoint[]> {
  const points: CheckedPoint[] = [];
  let metadata: Metadata | null = null;
  try {
    const reply = await discover(house);
    metadata = reply.metadata;
    points.push({ point: 'discovery', state: 'ok', message: 'The discovery document can be read.' });
    points.push({ point: 'issuer', state: 'ok', message: 'It names exactly the issuer of the policy.' });
    points.push(clockPoint(reply.headers, house.clock.now(), house.settings.skewMs));
  } catch (error) {
    points.push({ point: 'discovery', state: 'failed', message: sentence(error) });
  }
  if (metadata !== null) {
    points.push(await keysOf(house, metadata), pkcePoint(metadata), scopesPoint(house.settings, metadata));
    points.push(claimsPoint(house.settings, metadata), await secretOf(house, metadata, callback));
  }
  points.push(redirectPoint(callback));
  return points;
}

async function keysOf(house: Visited, metadata: Metadata): Promise<CheckedPoint> {
  try {
    return keysPoint(await fetchKeys(house, metadata.jwks_uri), metadata);
  } catch (error) {
    return { point: 'keys', state: 'failed', message: sentence(error) };
  }
}

async function secretOf(house: Visited, metadata: Metadata, callback: string): Promise<CheckedPoint> {
  try {
    return await secretPoint(house, metadata, redirectUri(callback));
  } catch (error) {
    return { point: 'secret', state: 'failed', message: sentence(error) };
  }
}

function redirectPoint(callback: string): CheckedPoint {
  try {
    return {
      point: 'redirect',
      state: 'ok',
      message: `Register this redirect URI at the provider: ${redirectUri(callback)}`,
    };
  } catch (error) {
    return { point: 'redirect', state: 'failed', message: sentence(error) };
  }
}

/** Only failures of ours speak: others could hold what was sent or answered. */
function sentence(error: unknown): string {
  const text = error instanceof SignInFailure ? error.detail : 'this could not be looked at';
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
