/**
 * The bodies of the records a governed message leaves behind. Durations are milliseconds, sizes are bytes. Aliases, not interfaces:
 * only those are known to be nothing but JSON.
 */
import type { JsonObject } from './records.ts';

/** `usage.own` reaches no provider and leaves a record only when it is refused. */
export type Action = 'model.call' | 'model.count' | 'model.list' | 'usage.own';

/** Who called, by ids only. */
export type Caller = {
  /** `per_…` or `svc_…`. */
  readonly who: string;
  /** `key_…`, or `adm_…` at the admin door. */
  readonly key: string;
  /** `tea_…`: the one verified team that is charged; null while the caller is in no team. */
  readonly team: string | null;
};

/** Where a call is booked, settled before it is sent: a later move of a person or a change of the policy does not re-book it. */
export type Booking = {
  /** Calendar day, `YYYY-MM-DD`, in the policy's time zone when the call was admitted. */
  readonly day: string;
  /** Cost centre of the team at that time, or null. */
  readonly cost_center: string | null;
};

/** What a call was charged. */
export type Cost = {
  /** Micro-dollars, a whole number. */
  readonly micros: number;
  /** `reported`: from a whole usage report. `metered`: the larger of what was reported and what was seen. `none`: nothing was sent or it is free. */
  readonly basis: 'reported' | 'metered' | 'none';
  /** Row of the price table; null where nothing was priced. */
  readonly price: string | null;
};

/** What the client says of itself: useful, never trusted. Each value is cut to 200 characters. */
export type Client = {
  readonly user_agent: string | null;
  readonly session: string | null;
  readonly agent: string | null;
  readonly parent_agent: string | null;
};

/** Why a call was let through. */
export type Decided = {
  readonly effect: 'allow';
  /** Place in the policy, such as `access[0]`, or the grant that approved it; null for what needs no rule. */
  readonly rule: string | null;
  readonly reason: string;
};

/** `intent`: durable before a byte leaves. Its record id is the id the caller is told. */
export type IntentBody = Caller &
  Booking & {
    readonly action: Action;
    /** The model asked for; null for listings. */
    readonly model: string | null;
    readonly stream: boolean;
    readonly max_tokens: number | null;
    readonly client: Client;
    readonly decision: Decided;
    /** Versions of the policy and directory that decided. */
    readonly snapshot: { readonly policy: string; readonly directory: string };
    /** The upstream chosen, by its configured name; `simulated` is true for the built-in one. */
    readonly target: { readonly upstream: string; readonly simulated: boolean };
    readonly request_bytes: number;
    /** Micro-dollars that are held for it: charged when a crash leaves its end unknown. 0 where nothing costs. */
    readonly reserved: number;
    /** What would have refused it and only observes: a code and the place in the policy. */
    readonly observed: readonly { readonly code: string; readonly rule: string }[];
    /** W3C trace id, 32 hex digits. */
    readonly trace: string;
  };

/** `extension`: more is held for a running call than its intent said. The last one counts. */
export type ExtensionBody = {
  /** Record id of the intent. */
  readonly intent: string;
  /** Micro-dollars held from now on, in all. */
  readonly reserved: number;
};

/**
 * How a governed message ended, on three levels: did the bytes arrive (`transport`), did the provider accept (`protocol`),
 * did the work end well (`semantic`). One that recovery writes for an intent that a crash left open carries only
 * `{ intent, result: 'unknown', reason }`; readers take the rest from the intent.
 */
export type OutcomeBody = Caller &
  Booking & {
    /** Record id of the intent. */
    readonly intent: string;
    /** Repeats the caller, the action and the model, so that one pass over the journal builds every view. */
    readonly action: Action;
    readonly model: string | null;
    /** The model the provider says it used. */
    readonly model_used: string | null;
    readonly result: 'ok' | 'error' | 'aborted' | 'cut' | 'unknown';
    /** Why Gatehouse ended it, a code of the closed table; the provider's error type; `incomplete`; else null. */
    readonly code: string | null;
    readonly levels: {
      readonly transport: 'complete' | 'client_gone' | 'upstream_lost' | 'cut' | 'not_sent';
      /** HTTP status of the provider; null when none came. */
      readonly protocol: number | null;
      /** `stop_reason` of the reply, or `error`, or null. */
      readonly semantic: string | null;
    };
    /** Usage as the provider reported it, unknown fields kept; null when none was reported. */
    readonly usage: JsonObject | null;
    readonly cost: Cost;
    /** The provider's own id of the call (`request-id`). */
    readonly upstream_request: string | null;
    readonly request_bytes: number;
    readonly response_bytes: number;
    readonly latency: {
      /** From arrival to the end of the answer. */
      readonly total: number;
      /** Spent inside Gatehouse before the bytes left, the journal's sync included. */
      readonly gateway: number;
      /** From the bytes leaving to the end of the provider's answer; null when nothing was sent. */
      readonly upstream: number | null;
      /** From the bytes leaving to the provider's first byte; null when none came. */
      readonly first_byte: number | null;
    };
  };

/** `refusal`: a known caller was refused before anything was sent. */
export type RefusalBody = Caller & {
  /** As Booking; null where the refusal came before the caller was known. */
  readonly day: string | null;
  readonly cost_center: string | null;
  /** `signin`: somebody who proved who they are, and was not let in. */
  readonly action: Action | 'admin' | 'signin';
  readonly code: string;
  readonly status: number;
  /** Private detail, never shown to the caller. */
  readonly detail: string | null;
  /** Place in the policy of what refused, such as `access[2]`; null where no policy did. */
  readonly rule: string | null;
  readonly model: string | null;
  readonly client: Client;
  readonly trace: string;
};

/**
 * `strangers`: callers nobody knows, and refusals of known ones over their quota, counted per reason since the last such record,
 * with one sample each.
 */
export type StrangersBody = {
  readonly since: string;
  readonly counts: { readonly [code: string]: number };
  readonly samples: readonly { readonly code: string; readonly peer: string; readonly user_agent: string | null }[];
};

/** `content`: what was said, encrypted under the person's key (P7). */
export type ContentBody = {
  readonly intent: string;
  readonly who: string;
  readonly part: 'request' | 'response';
  readonly alg: string;
  readonly iv: string;
  readonly data: string;
};
