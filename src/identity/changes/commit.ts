import type { JsonObject } from '../../journal/records.ts';
import type { Clock } from '../../kernel/clock.ts';
import { StoreConflict } from '../../store/errors.ts';
import type { CredentialRow, PartyRow, Store, StoreTransaction } from '../../store/ports.ts';
import type { Directory } from '../directory.ts';
import { ChangeError } from './error.ts';

/** What every verb works with. */
export interface ChangeContext {
  readonly store: Pick<Store, 'change'>;
  readonly directory: Pick<Directory, 'refresh' | 'current' | 'turn'>;
  readonly clock: Clock;
}

/** The record of one change. Ids only: never an address or name of a person, nor a label, hint or digest of a key (P5, P7). */
interface ChangeRecord {
  /** `per_…`, `svc_…`, `system`, `owner-secret`, or `file` for a policy. */
  readonly actor: string;
  /** Dotted, in the past tense: `key.revoked`. */
  readonly action: string;
  /** The id of what changed; `policy` for the policy. */
  readonly subject: string;
  readonly before: JsonObject | null;
  readonly after: JsonObject | null;
  readonly reason: string | null;
}

/** What a verb's work comes to; `record` is null when everything already was as asked. */
export interface Done<T> {
  readonly result: T;
  readonly record: ChangeRecord | null;
}

/**
 * Runs one verb: its writes and its one record in one transaction, then the refresh that puts it in force (P3). Rejects with
 * ChangeError when nothing was changed; any other error after the commit means that the change is made but not yet spread,
 * and asking for it again is safe.
 */
export async function commit<T>(
  { store, directory, clock }: ChangeContext,
  work: (tx: StoreTransaction, now: number) => Promise<Done<T>>,
): Promise<T> {
  const result = await inStore(store, async (tx) => {
    const done = await work(tx, clock.now());
    if (done.record !== null) await tx.enqueue({ ...done.record });
    return done.result;
  });
  // Also when nothing changed: whoever asks again after a failed refresh wants to know that it is in force.
  await directory.refresh();
  return result;
}

/** Runs `work` as one change of the store; a value that is taken becomes a ChangeError `conflict`. */
export async function inStore<T>(store: Pick<Store, 'change'>, work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
  try {
    return await store.change(work);
  } catch (error) {
    if (error instanceof StoreConflict) throw new ChangeError('conflict', error.message, { cause: error });
    throw error;
  }
}

/** The party with this id. `not_found` when there is none, `refused` when it was erased. */
export async function livingParty(tx: StoreTransaction, id: string): Promise<PartyRow> {
  const party = await tx.party(id);
  if (party === undefined) throw new ChangeError('not_found', 'There is no person or service with this id.');
  if (party.erasedAt !== null) throw new ChangeError('refused', 'This person was erased.');
  return party;
}

/** The living person with this id. `not_found` for a service too. */
export async function livingPerson(tx: StoreTransaction, id: string): Promise<PartyRow> {
  const party = await livingParty(tx, id);
  if (party.kind !== 'person') throw new ChangeError('not_found', 'There is no person with this id.');
  return party;
}

/**
 * `refused` where this would let somebody else become, lock out or speak for the primary owner. `system` is whoever holds the machine.
 */
export function mustNotTouchOwner({ id, role }: Pick<PartyRow, 'id' | 'role'>, actor: string): void {
  if (role !== 'primary_owner' || actor === id || actor === 'system') return;
  throw new ChangeError('refused', 'Only the primary owner may do this to the primary owner.');
}

/** Null for none. `not_found` when there is no such team. */
export async function existingTeam(tx: StoreTransaction, id: string | null | undefined): Promise<string | null> {
  if (id === null || id === undefined) return null;
  if ((await tx.team(id)) === undefined) throw new ChangeError('not_found', 'There is no team with this id.');
  return id;
}

/** The credential with this id. `not_found` when there is none. */
export async function existingCredential(tx: StoreTransaction, id: string): Promise<CredentialRow> {
  const credential = await tx.credential(id);
  if (credential === undefined) throw new ChangeError('not_found', 'There is no key with this id.');
  return credential;
}
