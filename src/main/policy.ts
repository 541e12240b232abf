import type { PolicyInForce, PolicyServices } from '../doors/admin/policy-services.ts';
import { AdminProblem } from '../doors/admin/problems.ts';
import type { DoorParts } from './doors.ts';
import { budgetReport } from './policy/budgets.ts';
import { applyText, rollBack } from './policy/changes.ts';
import { checkText, loadText } from './policy/documents.ts';
import { explainCall } from './policy/explain.ts';
import { approveProposal, showProposal } from './policy/proposals.ts';
import { replayPast } from './policy/replay.ts';
import { diffCandidate } from './policy/trials.ts';

/** What the admin door asks about the policy and its budgets. */
export function policyServices(parts: DoorParts): PolicyServices {
  let replaying = false;
  return {
    trouble: () => troubleOf(parts),
    current: () => inForce(parts),
    history: (limit) => parts.state.store.policyHistory(limit),
    revision: (number) => parts.state.store.policyRevision(number),
    check: async (text) => checkText(parts, text),
    diff: (candidate, against) => diffCandidate(parts, candidate, against),
    apply: (change) => applyText(parts, change),
    rollback: (change) => rollBack(parts, change),
    proposals: (limit) => parts.state.store.proposals(limit),
    proposal: (id) => showProposal(parts, id),
    approve: (decision) => approveProposal(parts, decision),
    reject: (decision) => parts.state.changes.decideProposal({ ...decision, decision: 'rejected' }),
    withdraw: (decision) => parts.state.changes.decideProposal({ ...decision, decision: 'withdrawn' }),
    explain: async (question) => explainCall(parts, question),
    async replay({ text, days, gone }) {
      // Each holds a worker that the views need too.
      if (replaying) throw new AdminProblem('conflict', 'Another replay is running: wait for its end.', 30);
      const { policy } = loadText(parts, text);
      replaying = true;
      try {
        return await replayPast(parts, { policy, days, gone });
      } finally {
        replaying = false;
      }
    },
    budgets: () => budgetReport(parts),
  };
}

function troubleOf({ governance: { keeper, file } }: DoorParts): string | null {
  if (keeper.trouble !== null) return keeper.trouble;
  const trouble = file?.trouble ?? null;
  return trouble === null ? null : `The policy file is not in force: ${trouble}`;
}

async function inForce(parts: DoorParts): Promise<PolicyInForce | null> {
  const { config, state, governance } = parts;
  const { policy, version, directory } = governance.keeper.current;
  if (policy === null) return null;
  const number = Number(version.replace('pol-', ''));
  const row = await state.store.policyRevision(number);
  if (row === undefined) throw new Error(`revision ${number} is in force and not in the store`);
  const loaded = checkText(parts, row.text);
  return {
    source: governance.file === null ? 'store' : 'file',
    file: config.policy.file,
    row,
    newest: directory.policy?.number ?? number,
    mode: policy.mode,
    // A text that this version cannot load any more stays in force as it was compiled.
    findings: loaded.valid ? loaded.findings : governance.keeper.findings,
  };
}
