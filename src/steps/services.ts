import type { Principal } from '../identity/principal.ts';
import type { Journal, NewRecord, Receipt } from '../journal/records.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/log.ts';
import type { CallFacts } from '../limits/counters.ts';
import type { Estimator } from '../limits/estimator.ts';
import type { Ledger } from '../limits/ledger.ts';
import type { OpenCalls } from '../limits/open-calls.ts';
import type { Rates } from '../limits/rates.ts';
import type { RefusalQuota } from '../limits/refusal-quota.ts';
import type { Upstream } from '../upstream/ports.ts';
import type { Envelope, Exchange } from './exchange.ts';
import type { Governance } from './governance.ts';
import type { Metering } from './metering.ts';

/** What the steps work with; built once in main.ts. */
export interface Services {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metering: Metering;
  readonly journal: Journal & {
    /** Keeps the record until it is durable, across a failing disk: outcomes are never lost while the process lives. */
    appendEventually(record: NewRecord): Promise<Receipt>;
  };
  /** Verified caller of a request to the model door. Throws IdentityRefusal. */
  readonly identify: (headers: Envelope['headers']) => Principal;
  /** What is in force now. */
  readonly governance: () => Governance;
  readonly openCalls: OpenCalls;
  readonly rates: Rates;
  readonly ledger: Ledger;
  readonly estimator: Estimator;
  /** True for a call that counts for a budget whose spending is not known yet: it is refused meanwhile (P8). */
  readonly spendingUnknown: (facts: CallFacts) => boolean;
  readonly refusals: RefusalQuota;
  readonly upstream: Pick<Upstream, 'target' | 'unusable'>;
  /** Counts what gets no record of its own: callers nobody knows, and refusals of one caller over the quota (P1). */
  readonly stranger: (code: string, exchange: Exchange) => void;
  readonly limits: { readonly bodyBytes: number };
  readonly draining: () => boolean;
  readonly content: ContentKeeper | null;
  /** Called before each step. Tests use it to stop the process between any two. */
  readonly beforeStep?: (name: string, exchange: Exchange) => void;
}

/** Keeps bodies, encrypted under the person's key; null in Services where nothing is kept. */
export interface ContentKeeper {
  /** Largest body kept; more is cut. Bytes. */
  readonly maxBytes: number;
  seal(part: 'request' | 'response', exchange: Exchange, body: Uint8Array): Promise<NewRecord>;
}
