import type { Directory } from '../identity/directory.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Closers } from '../kernel/closers.ts';
import { failpoint } from '../kernel/failpoints.ts';
import type { Logger } from '../kernel/log.ts';
import type { OpenCalls } from '../limits/open-calls.ts';
import type { Rates } from '../limits/rates.ts';
import { loadPolicy } from '../policy/load.ts';
import type { CompiledPolicy, Finding } from '../policy/model.ts';
import { matches } from '../policy/patterns.ts';
import { priceTable } from '../pricing/table.ts';
import type { Governance } from '../steps/governance.ts';
import type { PolicyRevisionRow } from '../store/ports.ts';
import { holdFile } from './policy/file-hold.ts';
import { PolicyFile } from './policy-file.ts';
import { Spending } from './spending.ts';
import type { State, StateParts } from './state.ts';
import type { Watch } from './watch.ts';

interface KeeperParts {
  readonly directory: Directory;
  readonly rates: Rates;
  readonly spending: Spending;
  readonly openCalls: OpenCalls;
  readonly clock: Clock;
  readonly log: Logger;
  readonly closers: Closers;
}

/** How often rules that end, and grants that run out, are looked at for the calls that are running. */
const LOOK_MS = 1000;

/**
 * Keeps what is in force: compiles the newest revision of the policy when the directory brings one, hands rates and budgets on, and
 * asks every running call again whether it may go on (P3). A revision that cannot be compiled never replaces one that could.
 */
export class GovernanceKeeper {
  readonly #parts: KeeperParts;
  /** The revision looked at last: one that cannot be used is not tried again with every change of the directory. */
  #tried: Pick<PolicyRevisionRow, 'number' | 'text'> = { number: 0, text: '' };
  #revision = 0;
  #policy: CompiledPolicy | null = null;
  #findings: readonly Finding[] = [];
  #trouble: string | null = null;
  #nextEnd = 0;
  #current: Governance;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#current = this.#compile();
    parts.directory.onChange(() => this.#changed());
    const timer = setInterval(() => {
      if (parts.clock.now() >= this.#nextEnd) this.#askAgain();
    }, LOOK_MS);
    timer.unref();
    parts.closers.add('governance', () => clearInterval(timer));
  }

  get current(): Governance {
    return this.#current;
  }

  /** Remarks on the policy in force. */
  get findings(): readonly Finding[] {
    return this.#findings;
  }

  /** Why the newest revision is not in force; null when it is. */
  get trouble(): string | null {
    return this.#trouble;
  }

  #changed(): void {
    this.#current = this.#compile();
    this.#askAgain();
  }

  #compile(): Governance {
    const directory = this.#parts.directory.current;
    const row = directory.policy;
    // The text as well: an erasure replaces an address in it by an id, under the same number (P7).
    if (row !== null && (row.number !== this.#tried.number || row.text !== this.#tried.text)) {
      this.#tried = row;
      this.#load(row.number, row.text);
    }
    const prices =
      this.#current?.policy === this.#policy && this.#current !== undefined
        ? this.#current.prices
        : priceTable({ overrides: this.#policy?.prices ?? [], matches });
    const version = this.#policy === null ? 'pol-none' : `pol-${this.#revision}`;
    return { version, policy: this.#policy, directory, prices };
  }

  #load(revision: number, text: string): void {
    const { log, rates, spending } = this.#parts;
    // Lost with a newer store: an older policy could allow more than what was in force.
    const loaded = text === '' ? null : loadPolicy({ text, file: `revision ${revision}` });
    if (loaded !== null && !loaded.ok) {
      this.#trouble = `Revision ${revision} of the policy cannot be used by this version of Gatehouse.`;
      log.error(
        { revision, problems: loaded.problems.length },
        'a policy cannot be used; the one before stays in force',
      );
      return;
    }
    this.#trouble =
      loaded === null
        ? `Revision ${revision} of the policy was lost with a newer store: apply the policy again.`
        : null;
    this.#revision = revision;
    this.#policy = loaded === null ? null : loaded.policy;
    this.#findings = loaded === null ? [] : loaded.findings;
    const policy = this.#policy;
    failpoint('policy.compiled');
    rates.adopt((policy?.rates ?? []).map((line) => observing(policy, line)));
    spending.adopt(
      (policy?.budgets ?? []).map((line) => observing(policy, line)),
      policy?.timeZone ?? 'UTC',
    );
    log.info({ revision, findings: this.#findings.length }, 'a policy is in force');
    failpoint('policy.in-force');
  }

  /** Ends what is no longer permitted. */
  #askAgain(): void {
    const { openCalls, log } = this.#parts;
    this.#nextEnd = this.#endAfter(this.#parts.clock.now());
    openCalls.cut((call) => {
      try {
        return call.stillPermitted?.() === false;
      } catch (error) {
        // What cannot be asked is not allowed to go on (P8).
        log.error({ err: error }, 'a running call could not be asked again');
        return true;
      }
    }, 'permission_ended');
  }

  /** When the next rule or approval runs out: until then nothing changes by itself. */
  #endAfter(now: number): number {
    const rules = this.#policy?.rules.map(({ until }) => until) ?? [];
    const grants = this.#parts.directory.current.grants.map(({ endsAt }) => endsAt);
    return [...rules, ...grants].reduce<number>(
      (next, end) => (end !== null && end > now ? Math.min(next, end) : next),
      Number.POSITIVE_INFINITY,
    );
  }
}

/** What is in force, where it comes from, and what was spent under it. */
export interface OpenGovernance {
  readonly keeper: GovernanceKeeper;
  readonly spending: Spending;
  /** Null where the store is the source. */
  readonly file: PolicyFile | null;
  /** Sentences about what is wrong now. */
  warnings(): string[];
}

/** Longest wait of a start for the views; calls under budgets are refused after it, until the views have followed the journal. */
const PATIENCE_MS = 30_000;

/** Puts the policy in force and finds what was spent. */
export async function openGovernance(parts: StateParts & { state: State; watch: Watch }): Promise<OpenGovernance> {
  const { config, state, watch, clock, log, closers } = parts;
  const { directory, rates, ledger, openCalls, journal, changes } = state;
  const spending = new Spending({ ledger, journal, projections: () => watch.projections, clock, log, closers });
  const keeper = new GovernanceKeeper({ directory, rates, spending, openCalls, clock, log, closers });
  const file =
    config.policy.file === null
      ? null
      : await PolicyFile.watch({
          ...{ file: config.policy.file, changes, log, closers },
          hold: (candidate) => holdFile({ store: state.store, changes, keeper, clock }, candidate),
        });
  const until = clock.monotonic() + PATIENCE_MS;
  while (spending.waiting > 0 && clock.monotonic() < until) await new Promise((resolve) => setTimeout(resolve, 10));
  return { keeper, spending, file, warnings: () => troubles(keeper, spending, file) };
}

function troubles(keeper: GovernanceKeeper, spending: Spending, file: PolicyFile | null): string[] {
  const found: string[] = [];
  if (keeper.current.policy === null) found.push('No policy is in force: every call is refused.');
  if (keeper.current.policy?.mode === 'observe') found.push('The policy only observes: nothing is refused by it.');
  if (keeper.trouble !== null) found.push(keeper.trouble);
  if (file !== null && file.trouble !== null) found.push(`The policy file is not in force: ${file.trouble}`);
  if (spending.waiting > 0)
    found.push('What was spent of some budgets is not known yet: calls under them are refused.');
  return found;
}

/** In a policy that only observes, every line does. */
function observing<T extends { readonly mode: 'enforce' | 'observe' }>(policy: CompiledPolicy | null, line: T): T {
  return policy?.mode === 'observe' ? { ...line, mode: 'observe' } : line;
}
