import type { Candidate, PolicyDiffed } from '../../doors/admin/policy-services.ts';
import type { LoadedPolicy } from '../../policy/compile.ts';
import { diffPolicies, mergeDiffs, type PolicyDiff } from '../../policy/diff.ts';
import { formatDiff } from '../../policy/diff-text.ts';
import { modelsNamedBy } from '../../policy/names.ts';
import { LIST } from '../../pricing/list.ts';
import type { DoorParts } from '../doors.ts';
import { livingCallers, subjectIn } from './callers.ts';
import { emptyPolicy, loadText, revisionText } from './documents.ts';

/** Rules that are looked at in one turn of the event loop: calls that are running go on between two. */
const LOOKS_AT_ONCE = 100_000;
/** Callers that are asked about in one turn, however few rules there are. */
const MOST_AT_ONCE = 25;

/**
 * What a candidate would change for those who may call now. `against` null compares with what is in force, and where nothing is,
 * with a policy that allows nothing.
 *
 * @throws PolicyInvalid, AdminProblem `resource_unknown` for a revision that is not there
 */
export async function diffCandidate(
  parts: DoorParts,
  candidate: Candidate,
  against: number | null,
): Promise<PolicyDiffed> {
  const text = 'text' in candidate ? candidate.text : await revisionText(parts, candidate.revision);
  const after = loadText(parts, text).policy;
  const { policy, version, directory } = parts.governance.keeper.current;
  const number = against ?? (policy === null ? null : Number(version.replace('pol-', '')));
  const before = number === null ? emptyPolicy() : loadText(parts, await revisionText(parts, number)).policy;
  const diff = await diffInTurns(parts, { before, after });
  return { against: number, newest: directory.policy?.number ?? 0, diff, lines: formatDiff(diff) };
}

interface Sides {
  readonly before: LoadedPolicy;
  readonly after: LoadedPolicy;
}

async function diffInTurns(door: DoorParts, { before, after }: Sides): Promise<PolicyDiff> {
  const now = door.clock.now();
  const { directory } = door.governance.keeper.current;
  const known = await knownModels(door);
  const models = [...new Set([before, after].flatMap((policy) => modelsNamedBy(policy, known)))];
  const callers = livingCallers(directory, { policies: [before, after], now });
  const parts: PolicyDiff[] = [];
  const looks = models.length * (before.rules.length + after.rules.length);
  const atOnce = Math.max(1, Math.min(MOST_AT_ONCE, Math.floor(LOOKS_AT_ONCE / Math.max(1, looks))));
  // At least once, so that also a house without people is told what was tried.
  for (let first = 0; first === 0 || first < callers.length; first += atOnce) {
    const some = callers.slice(first, first + atOnce).flat();
    const subjects = (policy: LoadedPolicy) => some.map((caller) => subjectIn({ policy, directory }, caller));
    const given = { before: subjects(before), after: subjects(after) };
    parts.push(
      diffPolicies({
        ...{ before, after, models, now },
        subjects: (policy) => (policy === before ? given.before : given.after),
      }),
    );
    await new Promise((resolve) => setImmediate(resolve));
  }
  return mergeDiffs(parts);
}

/** Names that patterns stand for today: those with a list price, and those that were paid for. */
async function knownModels({ watch, log }: DoorParts): Promise<string[]> {
  const listed = LIST.map(({ model }) => model);
  try {
    return [...listed, ...(await watch.projections.askedModels()).slice(0, 500)];
  } catch (error) {
    log.warn({ err: error }, 'a policy is compared without the models that were asked for');
    return listed;
  }
}
