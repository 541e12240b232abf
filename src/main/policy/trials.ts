import type { Candidate, PolicyDiffed } from '../../doors/admin/policy-services.ts';
import type { LoadedPolicy } from '../../policy/compile.ts';
import { diffPolicies, type PolicyDiff } from '../../policy/diff.ts';
import { formatDiff } from '../../policy/diff-text.ts';
import { modelsNamedBy } from '../../policy/names.ts';
import { LIST } from '../../pricing/list.ts';
import type { DoorParts } from '../doors.ts';
import { livingCallers, subjectIn } from './callers.ts';
import { emptyPolicy, loadText, revisionText } from './documents.ts';

/** Callers that are asked about in one turn of the event loop: calls that are running go on between two. */
const AT_ONCE = 25;

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

async function diffInTurns(parts: DoorParts, { before, after }: Sides): Promise<PolicyDiff> {
  const now = parts.clock.now();
  const { directory } = parts.governance.keeper.current;
  const known = await knownModels(parts);
  const models = [...new Set([before, after].flatMap((policy) => modelsNamedBy(policy, known)))];
  const callers = livingCallers(directory, { policies: [before, after], now });
  const access = new Merged<PolicyDiff['access'][number]>();
  const limits = new Merged<PolicyDiff['limits'][number]>();
  const content = new Merged<PolicyDiff['content'][number]>();
  let tried: PolicyDiff['tried'] = { parties: 0, models: models.length, capabilities: 0 };
  // At least once, so that also a house without people is told what was tried.
  for (let first = 0; first === 0 || first < callers.length; first += AT_ONCE) {
    const some = callers.slice(first, first + AT_ONCE).flat();
    const subjects = (policy: LoadedPolicy) => some.map((caller) => subjectIn({ policy, directory }, caller));
    const given = { before: subjects(before), after: subjects(after) };
    const part = diffPolicies({
      ...{ before, after, models, now },
      subjects: (policy) => (policy === before ? given.before : given.after),
    });
    access.add(part.access);
    limits.add(part.limits);
    content.add(part.content);
    tried = { ...part.tried, parties: tried.parties + part.tried.parties };
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { access: access.all(), limits: limits.all(), content: content.all(), tried };
}

type Party = PolicyDiff['content'][number]['who'][number];

/** Equal changes of several turns as one entry, in the order of diffPolicies: widest first. */
class Merged<T extends { readonly who: readonly Party[] }> {
  readonly #entries = new Map<string, { readonly entry: T; readonly who: Party[] }>();

  add(entries: readonly T[]): void {
    for (const entry of entries) {
      const { who, ...change } = entry;
      const key = JSON.stringify(change);
      const known = this.#entries.get(key) ?? { entry, who: [] };
      known.who.push(...who);
      this.#entries.set(key, known);
    }
  }

  all(): T[] {
    const sorted = [...this.#entries].sort(([a, one], [b, two]) => two.who.length - one.who.length || (a < b ? -1 : 1));
    return sorted.map(([, { entry, who }]) => ({ ...entry, who: who.sort(byName) }));
  }
}

function byName(a: Party, b: Party): number {
  const [one, two] = [a.name ?? a.id, b.name ?? b.id];
  return one < two ? -1 : one > two ? 1 : 0;
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
