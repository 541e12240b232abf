import type { BudgetCounter, BudgetReport } from '../../doors/admin/policy-services.ts';
import type { DirectorySnapshot } from '../../identity/snapshot.ts';
import { isFor, limitFor } from '../../limits/counters.ts';
import type { Grants, Position } from '../../limits/ledger-types.ts';
import { localDay, periodEnd, periodOf } from '../../limits/periods.ts';
import type { BudgetLine } from '../../policy/model.ts';
import { countsModel } from '../../policy/patterns.ts';
import { grantsOf } from '../../steps/reserve.ts';
import type { DoorParts } from '../doors.ts';

/** Where every counter of the budgets in force stands. */
export function budgetReport({ clock, state, governance }: DoorParts): BudgetReport {
  const { policy, directory } = governance.keeper.current;
  const now = clock.now();
  const timeZone = policy?.timeZone ?? 'UTC';
  const day = localDay(now, timeZone);
  const grants = grantsOf(governance.keeper.current, now);
  const positions = state.ledger.positions(grants, (line, subject) => policyName(directory, line, subject));
  const today = positions.filter(({ line, period }) => period === periodOf(day, line.period));
  const byLine = Map.groupBy(today, ({ place }) => place.path);
  const lines = policy?.budgets ?? [];
  const counters = lines.flatMap((line) => {
    const own = byLine.get(line.place.path) ?? [];
    const unspent = unspentOf(line, { directory, grants, day, counted: new Set(own.map(({ subject }) => subject)) });
    return [...own, ...unspent].sort((a, b) => fill(b) - fill(a));
  });
  return {
    ...{ day, timeZone, waiting: governance.spending.waiting },
    counters: counters.map(
      (position): BudgetCounter => ({
        ...position,
        name: shownName(directory, position.subject),
        resetsAt: periodEnd(day, position.line.period, timeZone),
      }),
    ),
  };
}

interface Unspent {
  readonly directory: DirectorySnapshot;
  readonly grants: Grants;
  readonly day: string;
  /** Who has a counter. */
  readonly counted: ReadonlySet<string>;
}

/** The organisation and teams are few, and those that spent nothing are worth seeing; people and keys may be many. */
function unspentOf(line: BudgetLine, { directory, grants, day, counted }: Unspent): Position[] {
  const subjects = line.scope === 'organization' ? ['org'] : line.scope === 'team' ? [...directory.teams.keys()] : [];
  return subjects.flatMap((subject) => {
    const named = { subject, name: policyName(directory, line, subject) };
    if (counted.has(subject) || !isFor(line, named, countsModel)) return [];
    const period = periodOf(day, line.period);
    const extra = grants(line, subject);
    return [{ line, place: line.place, subject, period, spent: 0, reserved: 0, limit: limitFor(line, named), extra }];
  });
}

/** How full, for sorting: what blocks everything is full. */
function fill({ spent, reserved, limit, extra }: Position): number {
  const cap = limit + extra;
  return cap === 0 ? Number.POSITIVE_INFINITY : (spent + reserved) / cap;
}

/** What a policy calls a subject of this line; null where only its id names it. */
function policyName({ parties, teams }: DirectorySnapshot, { scope }: BudgetLine, subject: string): string | null {
  if (scope === 'team') return teams.get(subject)?.name ?? null;
  if (scope === 'model') return subject;
  return parties.get(subject)?.name ?? null;
}

function shownName({ parties, teams, credentials }: DirectorySnapshot, subject: string): string | null {
  const key = credentials.get(subject);
  if (key === undefined) return parties.get(subject)?.name ?? teams.get(subject)?.name ?? null;
  const { credential, owner } = key;
  return credential.label === '' ? owner.name : `${owner.name ?? owner.id} (${credential.label})`;
}
