import { type ConfigProblem, loadPlaced } from '../kernel/config.ts';
import { isId } from '../kernel/ids.ts';
import { fold } from '../kernel/text.ts';
import { assertionsSchema, type Entry } from './assertions-schema.ts';
import { counterOf, limitOf, modeOf } from './counted.ts';
import { calendarOf, type Written } from './dates.ts';
import { policyTeams } from './membership.ts';
import type { BudgetLine, CompiledPolicy, Effect, Period, Resource, Subject } from './model.ts';
import { placeLine, usd } from './wording.ts';

/** A sentence about the policy that must hold. */
export interface Assertion {
  /** As given, else made of its caller and resource. */
  readonly name: string;
  /** From 1. */
  readonly line: number;
  readonly caller: {
    readonly kind: Subject['kind'];
    /** Name or id. */
    readonly name: string;
    readonly team: string | null;
    readonly teams: readonly string[];
    readonly groups: readonly string[];
    readonly key: string;
  };
  readonly check:
    | {
        readonly kind: 'decision';
        readonly resource: Resource;
        readonly effect: Effect;
        /** `Place.path`, `nothing` for closed by default, null where any line may decide. */
        readonly by: string | null;
        /** A day is its noon in the policy's time zone; null for now. */
        readonly at: Written | null;
      }
    | { readonly kind: 'budget'; readonly model: string; readonly period: Period; readonly limit: number | null };
}

export type AssertionsResult =
  | { readonly ok: true; readonly assertions: readonly Assertion[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Reads a file of tests: `tests: [{ person: ada@example.com, model: claude-opus-5-5, expect: deny, by: "access[2]" }, …]`. */
export function loadAssertions({ text, file }: { readonly text: string; readonly file: string }): AssertionsResult {
  const loaded = loadPlaced({ text, file, schema: assertionsSchema });
  if (!loaded.ok) return loaded;
  const assertions = loaded.value.tests.map((entry, i) => assertionOf(entry, loaded.place(['tests', i])?.line ?? 1));
  return { ok: true, assertions };
}

function assertionOf(entry: Entry, line: number): Assertion {
  const kind = entry.person === undefined ? 'service' : 'person';
  const caller = {
    kind,
    name: fold(entry.person ?? entry.service ?? ''),
    team: entry.team ?? null,
    teams: entry.teams ?? [],
    groups: entry.groups ?? [],
    key: entry.key ?? '',
  } as const;
  const resource: Resource =
    entry.capability === undefined
      ? { kind: 'model', name: entry.model ?? '' }
      : { kind: 'capability', name: entry.capability };
  const check: Assertion['check'] =
    entry.budget === undefined
      ? { kind: 'decision', resource, effect: entry.expect ?? 'deny', by: entry.by ?? null, at: entry.at ?? null }
      : { kind: 'budget', model: resource.name, period: entry.budget, limit: entry.limit ?? null };
  const what = check.kind === 'budget' ? `budget for the ${check.period} on ${resource.name}` : resource.name;
  return { name: entry.name ?? `${caller.name}: ${what}`, line, caller, check };
}

export interface FailedAssertion {
  readonly name: string;
  readonly line: number;
  /** `deny by access[2]`, `300 USD`. */
  readonly expected: string;
  readonly got: string;
  /** The line that decides, with its text; null when there is none. */
  readonly decidedBy: string | null;
}

export interface AssertionReport {
  readonly passed: number;
  readonly failed: readonly FailedAssertion[];
}

/** Asks the policy. `now` (milliseconds since the epoch) holds for those without a date. */
export function runAssertions(policy: CompiledPolicy, assertions: readonly Assertion[], now: number): AssertionReport {
  const failed = assertions.flatMap((assertion) => run(policy, assertion, now) ?? []);
  return { passed: assertions.length - failed.length, failed };
}

function run(policy: CompiledPolicy, assertion: Assertion, now: number): FailedAssertion | null {
  const { name, line, caller, check } = assertion;
  const subject = subjectOf(policy, caller);
  if (subject.team !== null && !subject.teams.includes(subject.team)) {
    const got = subject.teams.length === 0 ? 'no team' : `only ${subject.teams.join(', ')}`;
    return { name, line, expected: `member of team ${subject.team}`, got, decidedBy: null };
  }
  const { expected, got, decidedBy } =
    check.kind === 'budget' ? budget(policy, check, subject) : decision(policy, { check, subject, now });
  return expected === got ? null : { name, line, expected, got, decidedBy };
}

interface Checked {
  readonly expected: string;
  readonly got: string;
  readonly decidedBy: string | null;
}

type CheckOf<K extends Assertion['check']['kind']> = Extract<Assertion['check'], { kind: K }>;

interface DecisionCheck {
  readonly check: CheckOf<'decision'>;
  readonly subject: Subject;
  readonly now: number;
}

function decision(policy: CompiledPolicy, { check, subject, now }: DecisionCheck): Checked {
  const at = check.at === null ? now : momentOf(check.at, policy.timeZone);
  const { effect, place } = policy.decide({ subject, resource: check.resource, now: at });
  const by = place?.path ?? 'nothing';
  const decidedBy = place === null ? null : placeLine(place);
  if (check.by === null) return { expected: check.effect, got: effect, decidedBy };
  return { expected: `${check.effect} by ${check.by}`, got: `${effect} by ${by}`, decidedBy };
}

/** The smallest budget of that period that is enforced, whatever its scope: the one that ends the spending. */
function budget(policy: CompiledPolicy, { model, period, limit }: CheckOf<'budget'>, subject: Subject): Checked {
  const call = { subject, model };
  let smallest: { readonly line: BudgetLine; readonly limit: number } | null = null;
  for (const line of policy.budgets) {
    if (line.period !== period || modeOf(policy, line) === 'observe' || counterOf(line, call) === null) continue;
    const value = limitOf(line, call);
    if (smallest === null || value < smallest.limit) smallest = { line, limit: value };
  }
  return {
    expected: limit === null ? 'none' : usd(limit),
    got: smallest === null ? 'none' : usd(smallest.limit),
    decidedBy: smallest === null ? null : placeLine(smallest.line.place),
  };
}

/** The caller as the gateway would see it: its teams are those of the policy, and what the test adds. */
function subjectOf(policy: CompiledPolicy, { kind, name, team, teams, groups, key }: Assertion['caller']): Subject {
  const own = [...policyTeams(policy, { id: name, name, groups }), ...teams];
  const charged = team === null ? own[0] : (own.find((one) => fold(one) === fold(team)) ?? team);
  const byId = isId(name, kind === 'person' ? 'per' : 'svc');
  return { kind, id: name, name: byId ? null : name, key, teams: own, team: charged ?? null, groups };
}

/** A day is asked about at its noon: a rule that ends with the day is in force, one that ended with the day before is over. */
function momentOf(written: Written, timeZone: string): number {
  return calendarOf(timeZone).start(written) + (written.kind === 'day' ? 12 * 3_600_000 : 0);
}
