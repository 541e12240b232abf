/**
 * Budgets, computed the naive way: a list of everything that ever happened, read from the start for every question. Shares
 * nothing with the ledger but the shapes of its input.
 */
import type { CallFacts } from '../../src/limits/counters.ts';
import type { BudgetLine } from '../../src/policy/model.ts';

export type Event =
  | { is: 'lines'; lines: readonly BudgetLine[] }
  | { is: 'grant'; scope: string; subject: string; micros: number }
  | { is: 'reserve'; id: string; facts: CallFacts; bound: number | null; estimate: number }
  | { is: 'recorded'; id: string; micros: number }
  | { is: 'extend'; id: string; total: number }
  | { is: 'end'; id: string; micros: number };

export interface Standing {
  spent: number;
  reserved: number;
  limit: number;
  extra: number;
}

export function dayIn(zone: string, at: number): string {
  return new Date(at).toLocaleDateString('sv-SE', { timeZone: zone });
}

/** ISO week by its day-of-year formula. */
function weekOf(day: string): string {
  const year = Number(day.slice(0, 4));
  const ordinal = (Date.parse(day) - Date.parse(`${year}-01-01`)) / 86_400_000 + 1;
  const weekday = new Date(day).getUTCDay() || 7;
  const week = Math.floor((ordinal - weekday + 10) / 7);
  const weeksIn = (y: number) => (isThursday(`${y}-01-01`) || isThursday(`${y}-12-31`) ? 53 : 52);
  if (week < 1) return `${year - 1}-W${weeksIn(year - 1)}`;
  if (week > weeksIn(year)) return `${year + 1}-W01`;
  return `${year}-W${week < 10 ? '0' : ''}${week}`;
}

const isThursday = (day: string) => new Date(day).getUTCDay() === 4;

export function keyOf(day: string, period: BudgetLine['period']): string {
  if (period === 'lifetime') return period;
  if (period === 'week') return weekOf(day);
  return period === 'day' ? day : day.split('-').slice(0, 2).join('-');
}

const like = (pattern: string, name: string) =>
  pattern.endsWith('*') ? name.indexOf(pattern.slice(0, -1)) === 0 : name === pattern;

/** Whose money under a line this is, whoever the line is for. */
export function whose(line: BudgetLine, facts: CallFacts): string | null {
  if (line.models !== null && !line.models.some((m) => like(m, facts.model))) return null;
  const of = {
    organization: 'org',
    team: facts.team,
    person: facts.who.startsWith('per_') ? facts.who : null,
    service: facts.who.startsWith('svc_') ? facts.who : null,
    key: facts.key,
    model: facts.model,
  };
  return of[line.scope];
}

function namesOf(line: BudgetLine, facts: CallFacts): string[] {
  const of: Record<BudgetLine['scope'], (string | null)[]> = {
    organization: ['org'],
    team: [facts.team, facts.teamName],
    person: [facts.who, facts.name],
    service: [facts.who, facts.name],
    key: [facts.key],
    model: [facts.model],
  };
  return of[line.scope].filter((name) => name !== null).flatMap((name) => [name, name.toLowerCase()]);
}

export function isMeant(line: BudgetLine, facts: CallFacts): boolean {
  if (whose(line, facts) === null) return false;
  if (line.only === null) return true;
  const names = namesOf(line, facts);
  if (line.scope === 'model') return line.only.some((pattern) => like(pattern, facts.model));
  return line.only.some((name) => names.includes(name));
}

export class Oracle {
  events: Event[] = [];

  lines(): readonly BudgetLine[] {
    const last = this.events.findLast((event) => event.is === 'lines');
    return last?.is === 'lines' ? last.lines : [];
  }

  running(): { id: string; facts: CallFacts; bound: number | null; estimate: number }[] {
    const ended = new Set(this.events.flatMap((event) => (event.is === 'end' ? [event.id] : [])));
    return this.events.flatMap((event) => (event.is === 'reserve' && !ended.has(event.id) ? [event] : []));
  }

  factsOf(id: string): CallFacts {
    const event = this.events.find((event) => event.is === 'reserve' && event.id === id);
    if (event?.is !== 'reserve') throw new Error(id);
    return event.facts;
  }

  /** What the journal says is held for a call. */
  recorded(id: string): number {
    return Math.max(
      ...this.events.flatMap((event) => (event.is === 'recorded' && event.id === id ? [event.micros] : [])),
    );
  }

  /** What the call is known to cost at least, by the estimate and its extensions. */
  known(id: string): number {
    let known = 0;
    for (const event of this.events) {
      if (event.is === 'reserve' && event.id === id) known = Math.min(event.estimate, event.bound ?? Infinity);
      const bound = this.events.find((e) => e.is === 'reserve' && e.id === id);
      const most = bound?.is === 'reserve' ? (bound.bound ?? Infinity) : Infinity;
      if (event.is === 'extend' && event.id === id) known = Math.max(known, Math.min(event.total, most));
    }
    return known;
  }

  standing(line: BudgetLine, facts: CallFacts): Standing {
    const subject = whose(line, facts);
    const same = (other: CallFacts) =>
      whose(line, other) === subject && keyOf(other.day, line.period) === keyOf(facts.day, line.period);
    let spent = 0;
    for (const event of this.events) if (event.is === 'end' && same(this.factsOf(event.id))) spent += event.micros;
    let reserved = 0;
    for (const { id, facts: other, bound } of this.running()) {
      if (!same(other)) continue;
      reserved += line.hold === 'strict' && bound !== null ? bound : this.known(id);
    }
    let limit = line.limit;
    for (const name of namesOf(line, facts).reverse()) limit = line.except.get(name) ?? limit;
    return { spent, reserved, limit, extra: this.extra(line.scope, subject ?? '') };
  }

  extra(scope: string, subject: string): number {
    return this.events.reduce(
      (sum, event) =>
        event.is === 'grant' && event.scope === scope && event.subject === subject ? sum + event.micros : sum,
      0,
    );
  }

  /** The kinds of refusal, by line, of those that say no; whether they enforce is the line's matter. */
  against(call: {
    facts: CallFacts;
    bound: number | null;
    estimate: number;
  }): { line: BudgetLine; kind: string; later: boolean }[] {
    return this.lines().flatMap((line) => {
      if (!isMeant(line, call.facts)) return [];
      const { spent, reserved, limit, extra } = this.standing(line, call.facts);
      const amount = line.hold === 'strict' ? call.bound : Math.min(call.estimate, call.bound ?? Infinity);
      const left = limit + extra - spent;
      if (left <= 0 && (amount !== 0 || left < 0 || reserved > 0 || limit + extra === 0))
        return [{ line, kind: 'spent', later: false }];
      if (amount === null) return [{ line, kind: 'unbounded', later: false }];
      return amount > left - reserved ? [{ line, kind: 'no_room', later: amount <= left }] : [];
    });
  }

  /** What an intent for the call has to say. */
  toRecord(call: { facts: CallFacts; bound: number | null }, known: number): number {
    const strict = this.lines().some((line) => line.hold === 'strict' && whose(line, call.facts) !== null);
    return strict && call.bound !== null ? call.bound : known;
  }
}
