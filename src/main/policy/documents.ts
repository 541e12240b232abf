import type { PolicyCheck } from '../../doors/admin/policy-services.ts';
import { AdminProblem, PolicyInvalid } from '../../doors/admin/problems.ts';
import { fold } from '../../kernel/text.ts';
import type { LoadedPolicy } from '../../policy/compile.ts';
import { type KnownNames, unknownNames } from '../../policy/findings.ts';
import { loadPolicy } from '../../policy/load.ts';
import type { Finding } from '../../policy/model.ts';
import type { DoorParts } from '../doors.ts';

export interface LoadedText {
  readonly policy: LoadedPolicy;
  /** Remarks on the document, and names in it that nobody has. */
  readonly findings: readonly Finding[];
}

/** Faults of a document, or remarks on one that is valid. */
export function checkText(parts: DoorParts, text: string): PolicyCheck {
  try {
    return { valid: true, problems: [], findings: loadText(parts, text).findings };
  } catch (error) {
    if (error instanceof PolicyInvalid) return { valid: false, problems: error.problems, findings: [] };
    throw error;
  }
}

/** @throws PolicyInvalid with every fault */
export function loadText(parts: DoorParts, text: string): LoadedText {
  const result = loadPolicy({ text, file: 'policy', now: parts.clock.now() });
  if (!result.ok) throw new PolicyInvalid(result.problems);
  const { policy, findings } = result;
  return { policy, findings: [...findings, ...unknownNames(policy, knownNames(parts))] };
}

/** A policy that allows nothing: what stands against the first one. */
export function emptyPolicy(): LoadedPolicy {
  const result = loadPolicy({ text: '{}', file: 'policy' });
  if (!result.ok) throw new Error('an empty policy document must be valid');
  return result.policy;
}

/** @throws AdminProblem `resource_unknown` for a number that is not there, `conflict` for one whose text was lost */
export async function revisionText({ state }: DoorParts, number: number): Promise<string> {
  const row = await state.store.policyRevision(number);
  if (row === undefined) throw new AdminProblem('resource_unknown', `There is no revision ${number} of the policy.`);
  if (row.text === '') {
    throw new AdminProblem('conflict', `The text of revision ${number} was lost with a newer store.`);
  }
  return row.text;
}

function knownNames({ state }: DoorParts): KnownNames {
  const { parties, credentials, identitiesOf, groupsOf } = state.directory.current;
  const names = { person: new Set<string>(), service: new Set<string>() };
  for (const { id, kind, name, erasedAt } of parties.values()) {
    if (erasedAt === null) names[kind].add(id).add(fold(name ?? id));
  }
  const groups = new Set([...identitiesOf.keys()].flatMap((person) => groupsOf(person)));
  const known = { people: names.person, services: names.service, keys: new Set(credentials.keys()) };
  // Before the first sign-in no group is known, and none would be a mistake.
  return identitiesOf.size === 0 ? known : { ...known, groups };
}
