import { resolve } from 'node:path';
import type { PolicyApplied, PolicyChange, PolicyProposed } from '../../doors/admin/policy-services.ts';
import { AdminProblem } from '../../doors/admin/problems.ts';
import { BREAK_GLASS_SETTING } from '../../identity/changes/break-glass.ts';
import type { CompiledPolicy } from '../../policy/model.ts';
import { sourceOf } from '../../policy/sensitive/sign-in.ts';
import type { DoorParts } from '../doors.ts';
import { type LoadedText, loadText, revisionText } from './documents.ts';
import { judge, shutsOtherWays } from './second-person.ts';

/** Longest wait for what was spent of new budgets, so that the call after an apply is not refused while it is looked up. */
const PATIENCE_MS = 3000;

type Wanted = PolicyChange & { readonly text: string; readonly restores?: number };

/**
 * Resolves when the document is in force: the keeper has compiled it and asked every running call again. What the policy in force
 * reserves for two people is kept as a proposal instead.
 */
export async function applyText(parts: DoorParts, change: Wanted): Promise<PolicyApplied | PolicyProposed> {
  refuseForFile(parts);
  const loaded = loadText(parts, change.text);
  const { policy: before, directory } = parts.governance.keeper.current;
  const { kinds, billing } = judge(before, loaded.policy);
  if (provesOwner(parts, loaded.policy) && !change.billing) {
    throw new AdminProblem(
      'role_required',
      'This changes the provider that proves the primary owner, which only they may: it could prove somebody else.',
    );
  }
  if (billing && !change.billing) {
    throw new AdminProblem(
      'role_required',
      'This changes prices or a budget of the whole organization, which only the primary owner may.',
    );
  }
  // Pinned to what it was compared with: against a policy that came into force meanwhile it could weaken more.
  const base = directory.policy?.number ?? 0;
  await refuseLockout(parts, loaded.policy);
  if (kinds.length === 0) return inForce(parts, loaded, { ...change, expect: change.expect ?? base });
  const { actor, text, reason, restores = null } = change;
  if (change.expect !== null && change.expect !== base) {
    throw new AdminProblem('conflict', `The policy in force is revision ${base}, not ${change.expect}.`);
  }
  const { id } = await parts.state.changes.propose({ actor, text, base, kinds, reason, restores });
  return { proposal: id };
}

/** Puts a document in force that nobody needs to be asked about any more. */
export async function inForce(
  parts: DoorParts,
  { policy, findings }: LoadedText,
  change: Pick<Wanted, 'actor' | 'text' | 'reason' | 'expect' | 'restores'>,
): Promise<PolicyApplied> {
  const teams = [...policy.teams.values()].map(({ name }) => name);
  const { actor, text, reason, expect, restores = null } = change;
  const wanted = { actor, text, reason, expect, restores, teams };
  const { revision, unchanged } = await parts.state.changes.applyPolicy(wanted);
  await spendingKnown(parts);
  return { revision, unchanged, findings };
}

/** Applies the text of an earlier revision again, as a new one. */
export async function rollBack(
  parts: DoorParts,
  { revision, ...change }: PolicyChange & { readonly revision: number },
): Promise<PolicyApplied | PolicyProposed> {
  refuseForFile(parts);
  return applyText(parts, { ...change, text: await revisionText(parts, revision), restores: revision });
}

/** Never both: what is applied here would be gone with the next change of the file. */
function refuseForFile({ config }: DoorParts): void {
  const { file } = config.policy;
  if (file === null) return;
  throw new AdminProblem('conflict', `The policy is the file ${resolve(file)}: change that file, it is watched.`);
}

/** Whether a candidate changes who proves the primary owner: whoever forges that proof is them. */
export function provesOwner({ governance }: Pick<DoorParts, 'governance'>, candidate: CompiledPolicy): boolean {
  const { policy, directory } = governance.keeper.current;
  const owner = [...directory.parties.values()].find(
    ({ role, erasedAt }) => role === 'primary_owner' && erasedAt === null,
  );
  return (directory.identitiesOf.get(owner?.id ?? '') ?? []).some(({ provider }) => {
    const next = candidate.identity.providers.get(provider);
    return next !== undefined && sourceOf(policy?.identity.providers.get(provider)) !== sourceOf(next);
  });
}

/** A provider that does not work yet, and no other way in, would leave everybody outside. */
async function refuseLockout({ state, governance }: DoorParts, candidate: CompiledPolicy): Promise<void> {
  if (!shutsOtherWays(governance.keeper.current.policy, candidate)) return;
  if ((await state.store.read((tx) => tx.setting(BREAK_GLASS_SETTING))) !== undefined) return;
  throw new AdminProblem(
    'conflict',
    'identity.require_sso shuts every way in but the providers. Seal the way in for emergencies first: gatehouse owner seal.',
  );
}

async function spendingKnown({ governance, clock }: DoorParts): Promise<void> {
  const until = clock.monotonic() + PATIENCE_MS;
  while (governance.spending.waiting > 0 && clock.monotonic() < until) {
    await new Promise((settle) => setTimeout(settle, 10));
  }
}
