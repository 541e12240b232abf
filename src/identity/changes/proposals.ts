import { createHash } from 'node:crypto';
import { isId, newId } from '../../kernel/ids.ts';
import type { ProposalRow } from '../../store/ports.ts';
import { type ChangeContext, commit, type Done } from './commit.ts';
import { ChangeError } from './error.ts';
import { actorOf, documentOf, nameOf, reasonOf } from './input.ts';

/** How long a change waits for a second person, milliseconds. */
const WAITS_MS = 7 * 86_400_000;

export interface ProposeInput {
  /** The id of the author, or `file` for the watched file. */
  readonly actor: string;
  /** The whole document, already found valid. */
  readonly text: string;
  /** The revision it was compared with, 0 for none: `conflict` unless that is in force. */
  readonly base: number;
  /** Why it needs a second person; at least one. */
  readonly kinds: readonly string[];
  readonly reason?: string | null;
  /** The revision that it goes back to, of a rollback. */
  readonly restores?: number | null;
}

/** Keeps a policy document until a second person decides, for seven days. The text is not in the record: it names people (P7). */
export async function propose(context: ChangeContext, input: ProposeInput): Promise<{ id: string }> {
  const author = input.actor === 'file' ? 'file' : actorOf(input.actor);
  const reason = reasonOf(input.reason);
  const { bytes } = documentOf(input.text);
  const kinds = [...new Set(input.kinds.map(nameOf))];
  if (kinds.length === 0) throw new ChangeError('invalid', 'A change that needs no second person is applied.');
  const { text, base, restores = null } = input;
  return commit(context, async (tx, now) => {
    const current = (await tx.newestPolicy())?.number ?? 0;
    if (base !== current) throw new ChangeError('conflict', `The policy in force is revision ${current}, not ${base}.`);
    if (restores !== null && (await tx.policyRevision(restores)) === undefined) {
      throw new ChangeError('not_found', 'There is no revision with this number to go back to.');
    }
    const id = newId('chg', now);
    const sha256 = createHash('sha256').update(text).digest('hex');
    const expiresAt = now + WAITS_MS;
    const open = { decision: null, decidedBy: null, decidedAt: null };
    const fields = { id, base, text, sha256, author, reason, restores, kinds, createdAt: now, expiresAt };
    await tx.insertProposal({ ...fields, ...open });
    const after = { base, sha256, bytes, kinds, restores, expiresAt };
    return {
      result: { id },
      record: { actor: author, action: 'proposal.made', subject: id, before: null, after, reason },
    };
  });
}

/**
 * Decides a proposal, once. The author alone withdraws it; somebody else, a person, approves or rejects it. Approving only marks it: whoever
 * approved applies it next. `conflict` when it was decided already, or when approving, another policy came into force; `refused` when it is
 * over or this is not for the actor to decide.
 */
export async function decideProposal(
  context: ChangeContext,
  input: {
    readonly actor: string;
    readonly proposal: string;
    readonly decision: NonNullable<ProposalRow['decision']>;
    readonly reason?: string | null;
  },
): Promise<void> {
  const actor = input.actor === 'file' ? 'file' : actorOf(input.actor);
  const reason = reasonOf(input.reason);
  const { decision } = input;
  await commit(context, async (tx, now): Promise<Done<void>> => {
    const row = await tx.proposal(input.proposal);
    if (row === undefined) throw new ChangeError('not_found', 'There is no proposal with this id.');
    mayDecide(row, actor, decision);
    if (row.decision !== null) throw new ChangeError('conflict', 'This proposal was decided already.');
    if (now >= row.expiresAt) throw new ChangeError('refused', 'This proposal is over: propose it again.');
    const current = (await tx.newestPolicy())?.number ?? 0;
    if (decision === 'approved' && current !== row.base) {
      throw new ChangeError('conflict', `It was written against revision ${row.base}; in force is ${current}.`);
    }
    await tx.decideProposal(row.id, { decision, decidedBy: actor, decidedAt: now });
    const states = { before: { decision: null }, after: { decision, decidedAt: now, author: row.author } };
    return { result: undefined, record: { actor, action: `proposal.${decision}`, subject: row.id, ...states, reason } };
  });
}

function mayDecide(row: ProposalRow, actor: string, decision: NonNullable<ProposalRow['decision']>): void {
  const own = actor === row.author;
  if (decision === 'withdrawn') {
    if (!own) throw new ChangeError('refused', 'Only its author withdraws a proposal; you may reject it.');
    return;
  }
  if (own) throw new ChangeError('refused', 'Somebody else must decide what you proposed.');
  // Neither the machine nor a service is a second person.
  if (!isId(actor, 'per')) throw new ChangeError('refused', 'A person decides.');
}
