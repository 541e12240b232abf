import type { CompiledPolicy } from './model.ts';
import { BudgetReplay, type BudgetReplayResult, type PastSpend } from './replay-budgets.ts';
import { RateReplay, type RateReplayResult } from './replay-rates.ts';
import { type PastCall, type ReplayRefusal, ReplayTally, type TallyResult } from './replay-tally.ts';

export type { PastSpend } from './replay-budgets.ts';
export type { PastCall, ReplayRefusal } from './replay-tally.ts';
export { replayDecision } from './replay-tally.ts';

export interface ReplayResult {
  readonly decisions: TallyResult;
  readonly budgets: BudgetReplayResult;
  readonly rates: RateReplayResult;
}

/**
 * What a candidate policy would have done with the past. Feed it the journal in its order: intents and refusals as calls,
 * outcomes as spending. Memory is bounded by the number of callers, not by the length of
 * the past.
 */
export class PolicyReplay {
  readonly #tally: ReplayTally;
  readonly #budgets: BudgetReplay;
  readonly #rates: RateReplay;

  constructor(policy: CompiledPolicy) {
    this.#tally = new ReplayTally(policy);
    this.#budgets = new BudgetReplay(policy);
    this.#rates = new RateReplay(policy);
  }

  /** Rates see only what the rules let through. */
  call(call: PastCall): null | ReplayRefusal {
    const refusal = this.#tally.add(call);
    if (refusal === null) this.#rates.add(call);
    return refusal;
  }

  spend(spend: PastSpend): void {
    this.#budgets.add(spend);
  }

  result(): ReplayResult {
    return { decisions: this.#tally.result(), budgets: this.#budgets.result(), rates: this.#rates.result() };
  }
}
