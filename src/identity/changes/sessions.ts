import { randomBytes } from 'node:crypto';
import { newId } from '../../kernel/ids.ts';
import type { PartyRow, SessionRow, StoreTransaction } from '../../store/ports.ts';
import { newSessionSecret } from '../key-format.ts';
import type { Turned } from '../session-index.ts';
import { SignInFailure } from '../sign-in-failure.ts';
import { isActiveAt } from '../validity.ts';
import { type ChangeContext, commit, type Done, livingPerson } from './commit.ts';
import { ChangeError } from './error.ts';
import { actorOf, labelOf, reasonOf } from './input.ts';

/** Open sessions of one person. With one more the one not seen for longest ends: every sign-in of one account would add a row for good. */
const MOST = 50;

/** A session as a cookie needs it. The secret is nowhere else (P5). */
export interface IssuedSession {
  readonly id: string;
  readonly secret: string;
  /** Milliseconds since the epoch: the latest end. */
  readonly expiresAt: number;
}

export interface OpenSessionInput {
  readonly person: string;
  /** Name of the provider; null for the break-glass owner. */
  readonly provider: string | null;
  /** As `clientOf` makes them of the request. */
  readonly client: string;
  readonly label: string;
  /** The provider's own end of it, milliseconds since the epoch; null for none. */
  readonly until: number | null;
  /** The longest it may last, milliseconds. */
  readonly longestMs: number;
}

/** Signs a browser in, until the earliest of all ends. Rejects with a SignInFailure for a person who cannot act. */
export async function openSession(context: ChangeContext, input: OpenSessionInput): Promise<IssuedSession> {
  const label = labelOf(input.label);
  const provider = input.provider?.toLowerCase() ?? null;
  const { secret, digest } = newSessionSecret();
  return commit(context, async (tx, now) => {
    // Between the proof and this moment an admin may have thought otherwise.
    const party = await personOrFailure(tx, input.person, now);
    if (party instanceof SignInFailure) throw party;
    const ends = [now + input.longestMs, input.until, party.endsAt].filter((end) => end !== null);
    const expiresAt = Math.min(...ends);
    if (expiresAt <= now) throw new SignInFailure('response_late', 'it ended already', { person: party.id });
    const ended = await makeRoom(tx, party.id, now);
    const id = newId('ses', now);
    const times = { rotatedAt: now, createdAt: now, lastSeenAt: now, expiresAt, revokedAt: null };
    const csrf = randomBytes(32).toString('base64url');
    const row = { id, person: party.id, provider, digest, previous: null, client: input.client, label, csrf, ...times };
    await tx.insertSession(row);
    const after = { person: party.id, provider, expiresAt, ended };
    const record = { actor: party.id, action: 'session.opened', subject: id, before: null, after, reason: null };
    return { result: { id, secret, expiresAt }, record };
  });
}

/** The person, or why they may not enter at `now`. */
export async function personOrFailure(
  tx: StoreTransaction,
  id: string,
  now: number,
): Promise<PartyRow | SignInFailure> {
  const party = await tx.party(id);
  if (party === undefined || party.kind !== 'person' || party.erasedAt !== null) {
    return new SignInFailure('disabled', 'there is no such person');
  }
  if (isActiveAt(party, now)) return party;
  if (party.disabledAt !== null) return new SignInFailure('disabled', 'the person is disabled', { person: id });
  return new SignInFailure('ended', 'the time of the guest is over', { person: id });
}

async function makeRoom(tx: StoreTransaction, person: string, now: number): Promise<string[]> {
  const open = (await tx.sessionsOf(person)).filter(({ expiresAt }) => now < expiresAt);
  const oldest = open.sort((a, b) => a.lastSeenAt - b.lastSeenAt).slice(0, Math.max(0, open.length - MOST + 1));
  for (const { id } of oldest) await tx.updateSession(id, { revokedAt: now });
  return oldest.map(({ id }) => id);
}

/**
 * Turns the secret of a session: the one before works for a moment longer. `presented` is the digest of the secret that came with the
 * request. Null where there is nothing to turn: the session has ended, or another request of the browser turned it first. Leaves no
 * record and no new version of the directory: nobody may anything else than before.
 */
export async function renewSession(
  { store, directory, clock }: ChangeContext,
  input: { readonly session: string; readonly presented: string },
): Promise<IssuedSession | null> {
  const { secret, digest } = newSessionSecret();
  const done = await store.change(async (tx): Promise<{ turned: Turned; expiresAt: number } | null> => {
    const now = clock.now();
    const row = await tx.session(input.session);
    if (row === undefined || row.revokedAt !== null || now >= row.expiresAt) return null;
    // Only the newest may be turned: else whoever kept an old one could take the session over.
    if (row.digest !== input.presented) return null;
    const party = await tx.party(row.person);
    if (party === undefined || !isActiveAt(party, now)) return null;
    const turned = { digest, previous: row.digest, rotatedAt: now };
    await tx.updateSession(row.id, turned);
    return { turned: { id: row.id, ...turned }, expiresAt: row.expiresAt };
  });
  if (done === null) return null;
  directory.turn(done.turned);
  return { id: done.turned.id, secret, expiresAt: done.expiresAt };
}

/** Why a session was ended that nobody asked to end. */
export type SessionAlarm = 'stolen' | 'other_client';

/** Ends a session at once and for good. A second time changes nothing. */
export async function revokeSession(
  context: ChangeContext,
  input: {
    readonly actor: string;
    readonly session: string;
    readonly reason?: string | null;
    readonly alarm?: SessionAlarm;
  },
): Promise<void> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  await commit(context, async (tx, now): Promise<Done<void>> => {
    const row = await tx.session(input.session);
    if (row === undefined) throw new ChangeError('not_found', 'There is no session with this id.');
    if (row.revokedAt !== null) return { result: undefined, record: null };
    await tx.updateSession(row.id, { revokedAt: now });
    const alarm = input.alarm === undefined ? {} : { alarm: input.alarm };
    const states = { before: { revokedAt: null }, after: { revokedAt: now, person: row.person, ...alarm } };
    return { result: undefined, record: { actor, action: 'session.revoked', subject: row.id, ...states, reason } };
  });
}

/** Ends every session of a person. */
export async function revokeSessionsOf(
  context: ChangeContext,
  input: { readonly actor: string; readonly person: string; readonly reason?: string | null },
): Promise<void> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  await commit(context, async (tx, now): Promise<Done<void>> => {
    const { id: person } = await livingPerson(tx, input.person);
    const sessions = await endSessions(tx, { person, at: now });
    if (sessions.length === 0) return { result: undefined, record: null };
    const states = { before: { revokedAt: null }, after: { revokedAt: now, sessions } };
    return { result: undefined, record: { actor, action: 'sessions.revoked', subject: person, ...states, reason } };
  });
}

/** Ends the sessions of a person, of one provider where given, as a part of another change. Returns the ids of those that were open. */
export async function endSessions(
  tx: StoreTransaction,
  { person, at, provider }: { readonly person: string; readonly at: number; readonly provider?: string },
): Promise<string[]> {
  const ended: string[] = [];
  for (const row of await tx.sessionsOf(person)) {
    if (!isOf(row, provider)) continue;
    await tx.updateSession(row.id, { revokedAt: at });
    if (at < row.expiresAt) ended.push(row.id);
  }
  return ended;
}

function isOf(row: SessionRow, provider: string | undefined): boolean {
  return provider === undefined || row.provider === provider;
}
