import { createHash } from 'node:crypto';
import { newId } from '../../kernel/ids.ts';
import type { PolicyRevisionRow, StoreTransaction } from '../../store/ports.ts';
import { type ChangeContext, commit, type Done } from './commit.ts';
import { ChangeError } from './error.ts';
import { actorOf, documentOf, nameOf, reasonOf } from './input.ts';

export interface PolicyInput {
  /** The id of who applies it, `file` for the watched file, or `system`. */
  readonly actor: string;
  /** The whole document, already found valid. */
  readonly text: string;
  readonly reason?: string | null;
  /** Names of the teams in the document; those that the directory does not have, in whatever case, are made. */
  readonly teams: readonly string[];
  /** The number of the newest revision that the author saw, 0 for none; null or absent takes whatever is in force. */
  readonly expect?: number | null;
  /** The revision that this one goes back to. */
  readonly restores?: number | null;
}

export interface AppliedPolicy {
  /** The number of the revision that is now in force. */
  readonly revision: number;
  /** True when the document in force already had this text. */
  readonly unchanged: boolean;
}

/**
 * Puts a policy document in force as the next revision, together with the teams it names. `conflict` when somebody else applied
 * one meanwhile, `not_found` for an unknown revision to restore. The text is not in the record: it names people (P7).
 */
export async function applyPolicy(context: ChangeContext, input: PolicyInput): Promise<AppliedPolicy> {
  const author = input.actor === 'file' ? 'file' : actorOf(input.actor);
  const reason = reasonOf(input.reason);
  const { text } = input;
  const { bytes } = documentOf(text);
  const names = input.teams.map(nameOf);
  return commit(context, async (tx, now): Promise<Done<AppliedPolicy>> => {
    const newest = await tx.newestPolicy();
    const current = newest?.number ?? 0;
    // Before what was expected: whoever asks again after a failed refresh wants to know that it is in force.
    if (newest?.text === text) return { result: { revision: current, unchanged: true }, record: null };
    if (typeof input.expect === 'number' && input.expect !== current) {
      throw new ChangeError('conflict', `The policy in force is revision ${current}, not the one that was expected.`);
    }
    const restores = await restoredBy(tx, input);
    const missing = unknownTo(context.directory.current.teamsByName, names);
    const teamsAdded = await addMissing(tx, missing, now);
    const row: PolicyRevisionRow = {
      ...{ number: current + 1, text, sha256: createHash('sha256').update(text).digest('hex') },
      ...{ author, reason, restores, createdAt: now },
    };
    await tx.insertPolicy(row);
    const before = newest === undefined ? null : { revision: current, sha256: newest.sha256 };
    const after = { revision: row.number, sha256: row.sha256, bytes, restores, teamsAdded };
    return {
      result: { revision: row.number, unchanged: false },
      record: { actor: author, action: 'policy.applied', subject: 'policy', before, after, reason },
    };
  });
}

async function restoredBy(tx: StoreTransaction, { restores = null }: PolicyInput): Promise<number | null> {
  if (restores !== null && (await tx.policyRevision(restores)) === undefined) {
    throw new ChangeError('not_found', 'There is no revision with this number to go back to.');
  }
  return restores;
}

/** Policies compare names without case: a second team in other letters would split one team's spending in two. */
function unknownTo(known: ReadonlyMap<string, unknown>, names: readonly string[]): string[] {
  const seen = new Set(known.keys());
  return names.filter((name) => !seen.has(name.toLowerCase()) && seen.add(name.toLowerCase()));
}

async function addMissing(tx: StoreTransaction, names: readonly string[], now: number): Promise<string[]> {
  const added: string[] = [];
  for (const name of names) {
    if ((await tx.teamByName(name)) !== undefined) continue;
    const id = newId('tea', now);
    await tx.insertTeam({ id, name, createdAt: now });
    added.push(id);
  }
  return added;
}
