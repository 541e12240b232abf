import type {
  PolicyApplied,
  PolicyDecision,
  ProposalShown,
  SensitivePoint,
} from '../../doors/admin/policy-services.ts';
import { AdminProblem, PolicyInvalid } from '../../doors/admin/problems.ts';
import { isActiveAt } from '../../identity/validity.ts';
import type { ProposalRow } from '../../store/ports.ts';
import type { DoorParts } from '../doors.ts';
import { standingOf } from '../identity/standing.ts';
import { inForce, provesOwner } from './changes.ts';
import { loadText } from './documents.ts';
import { judge } from './second-person.ts';
import { diffCandidate } from './trials.ts';

/** A proposal with what it would change today; undefined for an id that is not there. */
export async function showProposal(parts: DoorParts, id: string): Promise<ProposalShown | undefined> {
  const row = await parts.state.store.proposal(id);
  if (row === undefined) return undefined;
  try {
    const { lines } = await diffCandidate(parts, { text: row.text }, null);
    return { row, lines, points: pointsOf(parts, row) };
  } catch (error) {
    if (error instanceof PolicyInvalid) return { row, lines: null, points: [] };
    throw error;
  }
}

function pointsOf(parts: DoorParts, { text }: ProposalRow): readonly SensitivePoint[] {
  return judge(parts.governance.keeper.current.policy, loadText(parts, text).policy).points;
}

/**
 * A second person agrees: the proposal is marked, then put in force in its author's name. It is compared once more with the policy in
 * force, which is the one it was written against or it is refused.
 */
export async function approveProposal(parts: DoorParts, decision: PolicyDecision): Promise<PolicyApplied> {
  const { state } = parts;
  const row = await state.store.proposal(decision.proposal);
  if (row === undefined) throw new AdminProblem('resource_unknown', 'There is no proposal with this id.');
  const loaded = loadText(parts, row.text);
  const { billing } = judge(parts.governance.keeper.current.policy, loaded.policy);
  refuseFormerAuthor(parts, row, billing || provesOwner(parts, loaded.policy));
  const { actor, reason } = decision;
  await state.changes.decideProposal({ actor, proposal: row.id, decision: 'approved', reason });
  const { author, text, base, restores } = row;
  const change = { actor: author, text, reason: row.reason, expect: base };
  return inForce(parts, loaded, restores === null ? change : { ...change, restores });
}

/** Whoever proposed it must still be allowed to: else two people who lost their roles one after the other could agree. */
function refuseFormerAuthor({ governance, clock }: DoorParts, { author }: ProposalRow, billing: boolean): void {
  // The watched file is the operator's.
  if (author === 'file') return;
  const { current } = governance.keeper;
  const party = current.directory.parties.get(author);
  const { role } = standingOf(current, author);
  const may = role === 'primary_owner' || (role === 'admin' && !billing);
  if (party !== undefined && isActiveAt(party, clock.now()) && may) return;
  throw new AdminProblem('conflict', 'Whoever proposed this may not change the policy in this way any more.');
}
