import type { OpenedSession } from '../../doors/signin/services.ts';
import { clientOf, type LiveSession } from '../../identity/sessions.ts';
import type { SessionRow } from '../../store/ports.ts';
import type { DoorParts } from '../doors.ts';
import { isProvenNow } from './known.ts';

/** A cookie that is no session, as the doors tell it apart. */
export interface NoSession {
  readonly code: 'session_ended' | 'session_elsewhere';
  /** Whose it was; null for a cookie that nobody knows. */
  readonly session: SessionRow | null;
}

type Parts = Pick<DoorParts, 'state' | 'governance' | 'clock' | 'log'>;

/**
 * Who is behind a cookie. One that was copied ends its session at once, for both who hold it: which of them is the thief cannot be
 * told. The answer does not wait for that, it is a refusal already.
 */
export function sessionOf(
  parts: Parts,
  { secret, userAgent }: { readonly secret: string; readonly userAgent: string | undefined },
): LiveSession | NoSession {
  const { state, clock, log } = parts;
  const verdict = state.sessions.verify(secret, clientOf(userAgent).client, clock.now());
  if ('ok' in verdict) {
    const { session } = verdict.ok;
    return isProven(parts, session) ? verdict.ok : { code: 'session_ended', session };
  }
  const { refused: alarm, session } = verdict;
  if (session === null || alarm === 'unknown' || alarm === 'ended') return { code: 'session_ended', session };
  log.error({ alarm: `session_${alarm}`, session: session.id, person: session.person }, 'ALARM: a session was ended');
  state.changes
    .revokeSession({ actor: 'system', session: session.id, reason: null, alarm })
    .catch((error) => log.error({ err: error, session: session.id }, 'a copied session could not be ended'));
  return { code: 'session_elsewhere', session };
}

/** A provider that is no longer in the policy, or that points elsewhere now, keeps nobody signed in. */
function isProven({ governance }: Parts, { person, provider }: SessionRow): boolean {
  if (provider === null) return true;
  const { policy, directory } = governance.keeper.current;
  const identities = directory.identitiesOf.get(person) ?? [];
  return identities.some((one) => one.provider === provider && isProvenNow(policy, one));
}

/** Turns the secret when it is time. Null when it is not, or somebody else just did. A failure leaves the old one, which works on. */
export async function renewed(
  { state, log }: Pick<Parts, 'state' | 'log'>,
  { session, due, presented }: LiveSession,
): Promise<OpenedSession | null> {
  if (!due) return null;
  try {
    return await state.changes.renewSession({ session: session.id, presented });
  } catch (error) {
    log.warn({ err: error, session: session.id }, 'the secret of a session could not be turned');
    return null;
  }
}
