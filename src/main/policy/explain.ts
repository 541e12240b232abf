import type { BudgetStanding, ExplainQuestion, PolicyExplained } from '../../doors/admin/policy-services.ts';
import { AdminProblem } from '../../doors/admin/problems.ts';
import { serviceOf } from '../../doors/admin/subjects.ts';
import { DirectoryView } from '../../doors/admin/view.ts';
import { type DirectorySnapshot, type Entry, refusalOf } from '../../identity/snapshot.ts';
import { isActiveAt } from '../../identity/validity.ts';
import { fold } from '../../kernel/text.ts';
import { type CallFacts, chargedSubject } from '../../limits/counters.ts';
import { localDay, periodEnd } from '../../limits/periods.ts';
import type { LoadedPolicy } from '../../policy/compile.ts';
import { type Explanation, explain } from '../../policy/explain.ts';
import type { CompiledPolicy, Subject } from '../../policy/model.ts';
import { countsModel, matches } from '../../policy/patterns.ts';
import { priceTable } from '../../pricing/table.ts';
import { approvalFor, stopOn } from '../../steps/overlays.ts';
import { factsFor, grantsOf } from '../../steps/reserve.ts';
import type { PartyRow } from '../../store/ports.ts';
import type { DoorParts } from '../doors.ts';
import { subjectIn } from './callers.ts';
import { loadText } from './documents.ts';
import { explanationLines } from './explain-lines.ts';

/**
 * Why the gateway would answer this call as it would, now.
 *
 * @throws AdminProblem `resource_unknown` for a caller, key or team that is not there and while no policy is in force;
 *   PolicyInvalid for a candidate with faults
 */
export function explainCall(parts: DoorParts, question: ExplainQuestion): PolicyExplained {
  const { clock, governance, upstream } = parts;
  const { directory, policy: current, version } = governance.keeper.current;
  const policy = question.text === null ? current : loadText(parts, question.text).policy;
  if (policy === null) throw new AdminProblem('resource_unknown', 'No policy is in force: every call is refused.');
  const now = clock.now();
  const caller = callerOf(directory, question, now);
  const subject = teamed(policy, { directory, question, caller });
  const { resource } = question;
  const explanation = explain(policy, { subject, resource, now });
  const { team } = factsOf(explanation, { directory, day: '' });
  const model = resource.kind === 'model' ? resource.name : null;
  const approvals = model === null ? [] : found(approvalFor(directory, { subject, team, model, now }));
  const call = { party: subject.id, key: subject.key, session: null, models: model === null ? [] : [model] };
  const stops = found(stopOn(directory, { ...call, upstream: upstream.target.upstream }));
  const budgets = standings(parts, { policy, explanation, isCandidate: question.text !== null });
  const unpriced =
    policy.unknownPrice === 'refuse' &&
    policy.mode === 'enforce' &&
    model !== null &&
    !isPriced(policy, { model, now });
  const judged = { explanation, budgets, isApproved: approvals.length > 0, isStopped: stops.length > 0, unpriced };
  const code = codeOf(judged, caller);
  const answer = { code, explanation, stops, approvals, budgets };
  const revision = question.text === null ? Number(version.replace('pol-', '')) : null;
  return { ...answer, revision, lines: explanationLines(answer, policy.timeZone) };
}

/** Whether a model has a price, by list or by the contracts of this policy. */
function isPriced(policy: CompiledPolicy, { model, now }: { model: string; now: number }): boolean {
  return priceTable({ overrides: policy.prices, matches }).find({ model, at: now }).known;
}

function found<T>(one: T | undefined): T[] {
  return one === undefined ? [] : [one];
}

interface Caller {
  readonly party: PartyRow;
  readonly key: Entry | null;
  /** Why neither gets in at all; null when they do. */
  readonly refused: string | null;
}

function callerOf(directory: DirectorySnapshot, { kind, who, key }: ExplainQuestion, now: number): Caller {
  const state = {
    ...{ sequence: directory.sequence, policy: null, stops: [], grants: [], identities: [], sessions: [] },
    ...{ parties: [...directory.parties.values()], teams: [...directory.teams.values()], credentials: [] },
  };
  const party = kind === 'person' ? new DirectoryView(state).person(who) : serviceOf(state, who);
  const disabled = !isActiveAt(party, now);
  const own = [...directory.credentials.values()].filter(
    ({ credential, owner }) => owner.id === party.id && credential.kind === 'key',
  );
  if (key === null) {
    const valid = own.filter((entry) => refusalOf(entry, now) === null);
    return { party, key: valid.length === 1 ? (valid[0] ?? null) : null, refused: disabled ? 'owner_disabled' : null };
  }
  const named = own.find(({ credential }) => credential.id === key);
  if (named === undefined) throw new AdminProblem('resource_unknown', 'This caller has no key with this id.');
  return { party, key: named, refused: refusalOf(named, now) };
}

interface Teamed {
  readonly directory: DirectorySnapshot;
  readonly question: ExplainQuestion;
  readonly caller: Caller;
}

function teamed(policy: CompiledPolicy, { directory, question, caller }: Teamed): Subject {
  const { party, key } = caller;
  const ids = { kind: party.kind, id: party.id };
  const known = { ...ids, key: key?.credential.id ?? '', keyTeam: key?.credential.team ?? null };
  const subject = subjectIn({ policy, directory }, known);
  if (question.team === null) return subject;
  const wanted = fold(question.team);
  const team = subject.teams.find((name) => fold(name) === wanted);
  if (team !== undefined) return { ...subject, team };
  const teams = subject.teams.length === 0 ? 'it is in none' : `it is in ${subject.teams.join(', ')}`;
  throw new AdminProblem('resource_unknown', `This caller is not in that team; ${teams}.`);
}

interface Standings {
  readonly policy: CompiledPolicy | LoadedPolicy;
  readonly explanation: Explanation;
  readonly isCandidate: boolean;
}

/** Of a candidate, the spending of lines that are in force with the same scope, models and period is known. */
function standings(parts: DoorParts, { policy, explanation, isCandidate }: Standings): BudgetStanding[] {
  const { clock, state, governance } = parts;
  const { directory } = governance.keeper.current;
  const now = clock.now();
  const facts = factsOf(explanation, { directory, day: localDay(now, policy.timeZone) });
  const grants = grantsOf(governance.keeper.current, now);
  const positions = state.ledger.position(facts, grants);
  return explanation.budgets.flatMap(({ place, limit }) => {
    const line = policy.budgets.find((budget) => budget.place.path === place.path);
    if (line === undefined) return [];
    const position = positions.find((one) =>
      isCandidate ? one.line.id === line.id : one.line.place.path === place.path,
    );
    const subject = chargedSubject(line, facts, countsModel);
    return [
      {
        ...{ path: place.path, limit, granted: subject === null ? 0 : grants(line, subject) },
        ...{ spent: position?.spent ?? null, held: position?.reserved ?? null },
        resetsAt: periodEnd(facts.day, line.period, policy.timeZone),
      },
    ];
  });
}

function factsOf(
  { subject, resource }: Explanation,
  { directory, day }: { directory: DirectorySnapshot; day: string },
): CallFacts {
  const team = subject.team === null ? null : (directory.teamsByName.get(fold(subject.team))?.id ?? null);
  return factsFor({ subject, team }, { model: resource.kind === 'model' ? resource.name : '', day });
}

interface Judged {
  readonly explanation: Explanation;
  readonly budgets: readonly BudgetStanding[];
  readonly isApproved: boolean;
  readonly isStopped: boolean;
  readonly unpriced: boolean;
}

/** In the order in which the gateway asks. */
function codeOf({ explanation, budgets, isApproved, isStopped, unpriced }: Judged, { refused }: Caller): string | null {
  if (refused !== null) return refused;
  if (isStopped) return 'stopped';
  const { effect } = explanation.decision;
  if (effect === 'deny') return 'not_permitted';
  if (effect === 'ask' && !isApproved) return 'approval_required';
  if (unpriced) return 'price_unknown';
  const spent = budgets.some(({ path, limit, granted, spent }) => {
    const enforced = explanation.budgets.some(({ place, mode }) => place.path === path && mode === 'enforce');
    return enforced && spent !== null && spent >= limit + granted;
  });
  return spent ? 'budget_spent' : null;
}
