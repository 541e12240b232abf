import { newId } from '../../kernel/ids.ts';
import type { GrantRow, StoreTransaction } from '../../store/ports.ts';
import { type ChangeContext, commit, type Done, existingCredential, existingTeam, livingParty } from './commit.ts';
import { ChangeError } from './error.ts';
import { actorOf, expiryOf, modelPatternOf, neededReason, reasonOf } from './input.ts';

const DAY = 86_400_000;
/** A grant that outlives a year is a policy, and belongs into the document. */
const LONGEST = 366 * DAY;

export interface GrantInput extends Pick<GrantRow, 'kind' | 'scope' | 'subject' | 'endsAt' | 'reason'> {
  readonly actor: string;
  /** Model pattern of an approval. */
  readonly models?: string | null;
  /** Micro-dollars of a budget, above 0. */
  readonly micros?: number | null;
  /** Milliseconds since the epoch, not before now; now unless given. */
  readonly startsAt?: number | null;
}

/**
 * Gives more than the policy does, for at most 366 days. Grants add up: asking twice gives twice. `not_found` for a subject that
 * is not there, `refused` for an erased person or an admin token.
 */
export async function grant(context: ChangeContext, input: GrantInput): Promise<{ id: string }> {
  const actor = actorOf(input.actor);
  const reason = neededReason(input.reason, 'A grant');
  const given = { kind: input.kind, scope: input.scope, subject: input.subject, ...amountOf(input) };
  return commit(context, async (tx, now) => {
    await mustBeThere(tx, input.scope, input.subject);
    const fields = { ...given, ...spanOf(input, now) };
    const id = newId('gra', now);
    await tx.insertGrant({ ...fields, id, reason, actor, createdAt: now, revokedAt: null });
    return {
      result: { id },
      record: { actor, action: 'grant.made', subject: id, before: null, after: fields, reason },
    };
  });
}

/** Ends a grant at once and for good; what was spent under it stays spent. A second time changes nothing. */
export async function revokeGrant(
  context: ChangeContext,
  input: { readonly actor: string; readonly grant: string; readonly reason?: string | null },
): Promise<void> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  await commit(context, async (tx, now): Promise<Done<void>> => {
    const row = await tx.grant(input.grant);
    if (row === undefined) throw new ChangeError('not_found', 'There is no grant with this id.');
    if (row.revokedAt !== null) return { result: undefined, record: null };
    await tx.revokeGrant(row.id, now);
    const states = { before: { revokedAt: null }, after: { revokedAt: now } };
    return { result: undefined, record: { actor, action: 'grant.revoked', subject: row.id, ...states, reason } };
  });
}

function amountOf({ kind, models = null, micros = null }: GrantInput): Pick<GrantRow, 'models' | 'micros'> {
  if (kind === 'approval') {
    if (models === null || micros !== null)
      throw new ChangeError('invalid', 'An approval names a model, and no amount.');
    return { models: modelPatternOf(models), micros: null };
  }
  if (models !== null) throw new ChangeError('invalid', 'More budget counts for every model: name none.');
  if (micros === null || !Number.isSafeInteger(micros) || micros <= 0) {
    throw new ChangeError('invalid', 'The amount must be above 0, in whole micro-dollars.');
  }
  return { models: null, micros };
}

function spanOf(input: GrantInput, now: number): { startsAt: number; endsAt: number } {
  const startsAt = input.startsAt ?? now;
  if (!Number.isSafeInteger(startsAt) || startsAt < now) {
    throw new ChangeError('invalid', 'A grant cannot begin in the past.');
  }
  const endsAt = expiryOf(input.endsAt, startsAt);
  if (endsAt === null || endsAt - startsAt > LONGEST) {
    throw new ChangeError('invalid', 'A grant ends after at most 366 days; what lasts longer belongs into the policy.');
  }
  return { startsAt, endsAt };
}

async function mustBeThere(tx: StoreTransaction, scope: GrantRow['scope'], subject: string | null): Promise<void> {
  if (scope === 'organization') {
    if (subject !== null) throw new ChangeError('invalid', 'A grant to the organisation has no subject.');
    return;
  }
  if (subject === null) throw new ChangeError('invalid', 'Say whom the grant is for.');
  if (scope === 'team') {
    await existingTeam(tx, subject);
    return;
  }
  if (scope === 'key') {
    const { kind } = await existingCredential(tx, subject);
    if (kind === 'admin') throw new ChangeError('refused', 'An admin token spends nothing.');
    return;
  }
  const party = await livingParty(tx, subject);
  if (party.kind !== scope) throw new ChangeError('not_found', `There is no ${scope} with this id.`);
}
