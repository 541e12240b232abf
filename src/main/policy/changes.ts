import { resolve } from 'node:path';
import type { PolicyApplied, PolicyChange } from '../../doors/admin/policy-services.ts';
import { AdminProblem } from '../../doors/admin/problems.ts';
import type { DoorParts } from '../doors.ts';
import { loadText, revisionText } from './documents.ts';

/** Longest wait for what was spent of new budgets, so that the call after an apply is not refused while it is looked up. */
const PATIENCE_MS = 3000;

/** Resolves when the document is in force: the keeper has compiled it and asked every running call again. */
export async function applyText(
  parts: DoorParts,
  change: PolicyChange & { readonly text: string; readonly restores?: number },
): Promise<PolicyApplied> {
  refuseForFile(parts);
  const { policy, findings } = loadText(parts, change.text);
  const teams = [...policy.teams.values()].map(({ name }) => name);
  const { revision, unchanged } = await parts.state.changes.applyPolicy({ ...change, teams });
  await spendingKnown(parts);
  return { revision, unchanged, findings };
}

/** Applies the text of an earlier revision again, as a new one. */
export async function rollBack(
  parts: DoorParts,
  { revision, ...change }: PolicyChange & { readonly revision: number },
): Promise<PolicyApplied> {
  refuseForFile(parts);
  return applyText(parts, { ...change, text: await revisionText(parts, revision), restores: revision });
}

/** Never both: what is applied here would be gone with the next change of the file. */
function refuseForFile({ config }: DoorParts): void {
  const { file } = config.policy;
  if (file === null) return;
  throw new AdminProblem('conflict', `The policy is the file ${resolve(file)}: change that file, it is watched.`);
}

async function spendingKnown({ governance, clock }: DoorParts): Promise<void> {
  const until = clock.monotonic() + PATIENCE_MS;
  while (governance.spending.waiting > 0 && clock.monotonic() < until) {
    await new Promise((settle) => setTimeout(settle, 10));
  }
}
