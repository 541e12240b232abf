import type { IncomingHttpHeaders } from 'node:http';
import type { AdminCaller } from '../../doors/admin/services.ts';
import { type CredentialHeaders, IdentityRefusal, identify } from '../../identity/identify.ts';
import type { KeyKind, Principal } from '../../identity/principal.ts';
import type { DoorParts } from '../doors.ts';
import { renewed, sessionOf } from './browsers.ts';
import { isProvenNow } from './known.ts';
import { standingOf } from './standing.ts';

type Parts = Pick<DoorParts, 'state' | 'governance' | 'clock' | 'log'>;

/** Verified caller of a door, from headers alone. */
export function callers({ state, governance, clock }: Omit<Parts, 'log'>, door: KeyKind) {
  return (headers: CredentialHeaders): Principal => {
    const principal = identify(headers, { directory: state.directory, door, now: clock.now() });
    refuseWithoutSso({ governance }, principal);
    state.lastUse.touch(principal.credential.id, clock.now());
    return principal;
  };
}

/** Who asks at the admin door: an admin token for machines, or the session of a browser, which comes as a cookie alone. */
export function adminCallers(parts: Parts) {
  const byToken = callers(parts, 'admin');
  return async ({
    headers,
    session,
  }: {
    readonly headers: IncomingHttpHeaders;
    readonly session: string | null;
  }): Promise<AdminCaller> => {
    if (session === null) return withStanding(parts, byToken(headers), { csrf: null, renewed: null });
    const live = sessionOf(parts, { secret: session, userAgent: headers['user-agent'] });
    if ('code' in live) {
      const row = live.session;
      const team = row === null ? null : (parts.state.directory.current.parties.get(row.person)?.team ?? null);
      const known = row === null ? null : { who: row.person, key: row.id, team };
      throw new IdentityRefusal(live.code, { known });
    }
    const browser = { csrf: live.session.csrf, renewed: await renewed(parts, live) };
    return withStanding(parts, live.principal, browser);
  };
}

/** With the highest role that the directory and the policy in force give, at this moment. */
function withStanding(
  { governance }: Pick<Parts, 'governance'>,
  principal: Principal,
  browser: Pick<AdminCaller, 'csrf' | 'renewed'>,
): AdminCaller {
  const { role, reason, leads } = standingOf(governance.keeper.current, principal.id);
  return { principal: { ...principal, role }, teams: [...leads], roleReason: reason, ...browser };
}

/**
 * Where the policy requires SSO, a key or token works only for people who are known at a provider of the policy: whoever left the
 * company there, or never was there, has no second way in. Services are no people and go on.
 */
export function refuseWithoutSso(
  { governance }: Pick<Parts, 'governance'>,
  { kind, id, team, credential }: Principal,
): void {
  const { policy, directory } = governance.keeper.current;
  if (kind !== 'person' || policy === null || !policy.identity.requireSso) return;
  if ((directory.identitiesOf.get(id) ?? []).some((one) => isProvenNow(policy, one))) return;
  throw new IdentityRefusal('sso_required', { known: { who: id, key: credential.id, team } });
}
