/** A policy under construction, with the comments that go into the document. */
import type { Period } from '../model.ts';

export type Who = 'each' | 'for';

/** Whom a rate or budget counts, as the document says it: `each: person`, `for: team payments`. */
export interface Counts {
  readonly who: Who;
  /** `person`, `organization`, `team payments`. */
  readonly whom: string;
  /** Null for all models. */
  readonly models: string | null;
}

export interface AccessDraft {
  readonly effect: 'allow' | 'deny';
  readonly model: string;
  /** `everyone`, `team payments`. */
  readonly to: string;
  /** Teams that must have members before the rule holds: it is written as a comment. */
  readonly waitsFor?: readonly string[];
}

export interface RateDraft extends Counts {
  readonly requests?: number;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly concurrent?: number;
}

export interface BudgetDraft extends Counts {
  /** Decimal text, USD. */
  readonly limit: string;
  readonly period: Period;
  /** Other limits, decimal text in USD, by name. */
  readonly except?: ReadonlyMap<string, string>;
  /** Whole percents, ascending. */
  readonly warn?: readonly number[];
  readonly whenSpent?: string;
}

export interface PriceDraft {
  readonly model: string;
  /** `12%`, or null. */
  readonly discount: string | null;
  /** USD per million tokens, decimal text, by class. */
  readonly usd: Readonly<Record<string, string>>;
}

/** An identity provider, as the document writes it. */
export interface ProviderDraft {
  readonly name: string;
  readonly domains: readonly string[];
  readonly oidc: Readonly<Record<string, unknown>>;
}

type Rates = Pick<RateDraft, 'requests' | 'inputTokens' | 'outputTokens' | 'concurrent'>;
const RATE_FIELDS = ['requests', 'inputTokens', 'outputTokens', 'concurrent'] as const;

/** Collects lines; of two that would count the same thing the tighter one stays, so that translating never loosens a limit. */
export class Draft {
  timeZone = 'UTC';
  provider: ProviderDraft | null = null;
  readonly teams = new Map<string, string>();
  readonly comments: string[] = [];
  readonly prices: PriceDraft[] = [];
  readonly #access = new Map<string, AccessDraft>();
  readonly #rates = new Map<string, RateDraft>();
  readonly #budgets = new Map<string, BudgetDraft>();

  get access(): readonly AccessDraft[] {
    return [...this.#access.values()];
  }

  get rates(): readonly RateDraft[] {
    return [...this.#rates.values()];
  }

  get budgets(): readonly BudgetDraft[] {
    return [...this.#budgets.values()];
  }

  /** The ceiling: every model that some rule allows. */
  get allowed(): readonly string[] {
    return [...new Set(this.access.filter((rule) => rule.effect === 'allow').map((rule) => rule.model))];
  }

  /** A rule; the same one twice counts once. */
  rule(rule: AccessDraft): void {
    this.#access.set(`${rule.effect} ${rule.model} to ${rule.to}`, rule);
  }

  rate({ who, whom, models }: Counts, limits: Rates): void {
    if (RATE_FIELDS.every((field) => limits[field] === undefined)) return;
    const id = `${who} ${whom} ${models ?? ''}`;
    const before = this.#rates.get(id) ?? {};
    const merged: { -readonly [K in keyof Rates]: Rates[K] } = {};
    for (const field of RATE_FIELDS) {
      const values = [(before as Rates)[field], limits[field]].filter((value) => value !== undefined);
      if (values.length > 0) merged[field] = Math.min(...values);
    }
    this.#rates.set(id, { who, whom, models, ...merged });
  }

  /** @returns false when a tighter budget for the same thing and period is already there, which then stays */
  budget(line: BudgetDraft): boolean {
    const id = `${line.who} ${line.whom} ${line.models ?? ''} ${line.period}`;
    const before = this.#budgets.get(id);
    if (before !== undefined && Number(before.limit) <= Number(line.limit)) return false;
    this.#budgets.set(id, line);
    return true;
  }

  /** The line that stands for the same thing and period, to be amended. */
  findBudget(who: Who, whom: string, period: Period): BudgetDraft | null {
    return this.#budgets.get(`${who} ${whom}  ${period}`) ?? null;
  }

  /** Puts a line in place of the one for the same thing and period. */
  setBudget(line: BudgetDraft): void {
    this.#budgets.set(`${line.who} ${line.whom} ${line.models ?? ''} ${line.period}`, line);
  }
}
