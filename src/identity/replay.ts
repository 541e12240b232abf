import type { Json, JsonObject } from '../journal/records.ts';
import { timeOfId } from '../kernel/ids.ts';
import type { StopRow, Store, StoreTransaction } from '../store/ports.ts';
import { erase } from './changes/erase.ts';
import { OWNER_SECRET_SETTING } from './changes/owner.ts';
import { displace, PEOPLE } from './replay/people.ts';
import { type Apply, isObject, type Replay, wholeNumber } from './replay/record.ts';

export interface Replayed {
  /** Changes that altered the store. */
  readonly applied: number;
  /** Newer changes that had nothing to alter: of things the store never knew, of other kinds, or already in it. */
  readonly ignored: number;
  /** Changes the store had when it was copied. */
  readonly known: number;
  /** Sessions that were ended because the store is older than the journal. */
  readonly sessionsEnded: number;
  /** The highest outbox number the store has now. */
  readonly floor: number;
}

const TARGETS: Readonly<Record<StopRow['target'], true>> = {
  party: true,
  key: true,
  session: true,
  model: true,
  upstream: true,
  everything: true,
};

/** Why a revision is empty, for whoever looks at the history. */
const LOST = 'lost when an older store was restored: apply the policy again';

const APPLY: Readonly<Record<string, Apply>> = {
  'key.revoked': revoke,
  'key.rotated': shorten,
  'person.disabled': setDisabled,
  'person.enabled': setDisabled,
  'service.disabled': setDisabled,
  'service.enabled': setDisabled,
  'person.moved': move,
  'service.moved': move,
  'person.erased': forget,
  'owner.claimed': claimAgain,
  'owner_secret.issued': spendOwnerSecret,
  'stop.made': stopAgain,
  'stop.lifted': liftAgain,
  'grant.revoked': revokeGrantAgain,
  'policy.applied': closePolicy,
  ...PEOPLE,
};

/**
 * Brings a store that was restored from an older copy up to what the journal knows beyond it, so that a restore gives nobody
 * back what was taken from them (P3, P7): revocations, the shortened life of rotated keys, disabled and enabled parties,
 * moves between teams, erasures, the spent owner secret, stops made and lifted, revoked grants, identities taken, roles lowered, the
 * ownership transferred, guests ended, envelopes opened, proposals decided. Keys, people, teams and grants made later are gone with the
 * store and ignored: that is never wider. Of a later policy only its place is known, so nothing is allowed until one is applied again (P8).
 *
 * Every session ends. Their secrets turn without a record, so that one which was stolen and turned away could open the copy again.
 *
 * `changes` are bodies of `change` records with their `outbox` number, in the journal's order. Enqueues nothing; a second run
 * does nothing. Must run before anything else raises the outbox floor or changes the directory. Throws for a record it
 * should apply but cannot read: starting with half of the revocations is worse than not starting.
 */
export async function applyNewer(store: Store, changes: AsyncIterable<JsonObject>): Promise<Replayed> {
  const head = await store.outboxHead();
  const counts = { applied: 0, ignored: 0, known: 0 };
  let floor = head;
  let newest = 0;
  for await (const change of changes) {
    const number = wholeNumber(change, 'outbox');
    if (number <= head) {
      counts.known += 1;
      continue;
    }
    counts[(await applyOne(store, change)) ? 'applied' : 'ignored'] += 1;
    floor = Math.max(floor, number);
    newest = Math.max(newest, timeOf(change));
  }
  const sessionsEnded = floor > head ? await endEverySession(store, newest) : 0;
  // Last: a crash before it repeats all of the above, which is harmless.
  if (floor > head) await store.raiseOutboxFloor(floor);
  return { ...counts, sessionsEnded, floor };
}

async function endEverySession(store: Store, at: number): Promise<number> {
  const { sessions } = await store.directory();
  await store.change(async (tx) => {
    for (const { id, lastSeenAt } of sessions) await tx.updateSession(id, { revokedAt: Math.max(lastSeenAt, at) });
  });
  return sessions.length;
}

/** When the record was written, milliseconds since the epoch; 0 where it does not say. */
function timeOf({ at }: JsonObject): number {
  const time = typeof at === 'string' ? Date.parse(at) : 0;
  return Number.isNaN(time) ? 0 : time;
}

async function applyOne(store: Store, change: JsonObject): Promise<boolean> {
  const { action, subject, before, after } = change;
  const apply = typeof action === 'string' && Object.hasOwn(APPLY, action) ? APPLY[action] : undefined;
  if (apply === undefined) return false;
  if (typeof subject !== 'string') throw new Error(`Change ${change.outbox} cannot be replayed: it has no subject.`);
  const states = { before: isObject(before) ? before : {}, after: isObject(after) ? after : {} };
  return store.change((tx) => apply(tx, { subject, ...states, change }));
}

async function revoke(tx: StoreTransaction, { subject: id, after }: Replay): Promise<boolean> {
  const revokedAt = wholeNumber(after, 'revokedAt');
  const credential = await tx.credential(id);
  if (credential === undefined || credential.revokedAt !== null) return false;
  await tx.updateCredential(id, { revokedAt });
  return true;
}

/** The key that replaced it is lost with the newer store; its old one still ends when its holder was told it would. */
async function shorten(tx: StoreTransaction, { subject: id, after }: Replay): Promise<boolean> {
  const expiresAt = wholeNumber(after, 'expiresAt');
  const credential = await tx.credential(id);
  if (credential === undefined) return false;
  if (credential.expiresAt !== null && credential.expiresAt <= expiresAt) return false;
  await tx.updateCredential(id, { expiresAt });
  return true;
}

async function setDisabled(tx: StoreTransaction, { subject: id, after }: Replay): Promise<boolean> {
  const disabledAt = after.disabledAt === null ? null : wholeNumber(after, 'disabledAt');
  const party = await tx.party(id);
  if (party === undefined || party.disabledAt === disabledAt) return false;
  await tx.updateParty(id, { disabledAt });
  return true;
}

/** Into no team where the store does not know the new one: staying in the old one could grant what was taken away. */
async function move(tx: StoreTransaction, { subject: id, after }: Replay): Promise<boolean> {
  const party = await tx.party(id);
  if (party === undefined) return false;
  const wanted = after.team;
  const team = typeof wanted === 'string' && (await tx.team(wanted)) !== undefined ? wanted : null;
  if (party.team === team) return false;
  await tx.updateParty(id, { team });
  return true;
}

async function forget(tx: StoreTransaction, { subject: id, after }: Replay): Promise<boolean> {
  const erasedAt = wholeNumber(after, 'erasedAt');
  const party = await tx.party(id);
  if (party === undefined || party.erasedAt !== null) return false;
  await erase(tx, id, erasedAt);
  return true;
}

/** A restored digest would let a used or replaced one-use secret work once more. */
async function spendOwnerSecret(tx: StoreTransaction): Promise<boolean> {
  if ((await tx.setting(OWNER_SECRET_SETTING)) === undefined) return false;
  await tx.setSetting(OWNER_SECRET_SETTING, null);
  return true;
}

async function claimAgain(tx: StoreTransaction, replay: Replay): Promise<boolean> {
  const displaced = await displace(tx, replay);
  return (await spendOwnerSecret(tx)) || displaced;
}

/** Under its old id, so that records and listings go on to name the same stop. */
async function stopAgain(tx: StoreTransaction, { subject: id, after, change }: Replay): Promise<boolean> {
  const { target, subject } = after;
  const { actor, reason } = change;
  const readable = isTarget(target) && (typeof subject === 'string' || (subject === null && target === 'everything'));
  if (!readable || typeof actor !== 'string' || typeof reason !== 'string') {
    throw new Error('A change record cannot be replayed: it does not say what was stopped, by whom and why.');
  }
  if ((await tx.stop(id)) !== undefined) return false;
  await tx.insertStop({ id, target, subject, reason, actor, createdAt: timeOfId(id), liftedAt: null });
  return true;
}

async function liftAgain(tx: StoreTransaction, { subject: id, after }: Replay): Promise<boolean> {
  const liftedAt = wholeNumber(after, 'liftedAt');
  if ((await tx.stop(id))?.liftedAt !== null) return false;
  await tx.liftStop(id, liftedAt);
  return true;
}

async function revokeGrantAgain(tx: StoreTransaction, { subject: id, after }: Replay): Promise<boolean> {
  const revokedAt = wholeNumber(after, 'revokedAt');
  if ((await tx.grant(id))?.revokedAt !== null) return false;
  await tx.revokeGrant(id, revokedAt);
  return true;
}

/** The document is lost with the newer store, and the older one could allow what it took away: an empty one allows nothing. */
async function closePolicy(tx: StoreTransaction, { after, change }: Replay): Promise<boolean> {
  const number = wholeNumber(after, 'revision');
  const { sha256 } = after;
  if (typeof sha256 !== 'string') throw new Error('A change record cannot be replayed: it names no policy.');
  if ((await tx.policyRevision(number)) !== undefined) return false;
  const row = { number, text: '', sha256, author: 'system', reason: LOST, restores: null };
  await tx.insertPolicy({ ...row, createdAt: timeOf(change) });
  return true;
}

function isTarget(value: Json | undefined): value is StopRow['target'] {
  return typeof value === 'string' && Object.hasOwn(TARGETS, value);
}
