/** What the admin door asks about the policy and its budgets; main/policy.ts answers. */
import type { ConfigProblem } from '../../kernel/config.ts';
import type { Position } from '../../limits/ledger-types.ts';
import type { PolicyDiff } from '../../policy/diff.ts';
import type { Explanation } from '../../policy/explain.ts';
import type { Finding, Mode } from '../../policy/model.ts';
import type { ReplayResult } from '../../policy/replay.ts';
import type { GrantRow, PolicyRevisionRow, ProposalRow, StopRow } from '../../store/ports.ts';

export type RevisionHeader = Omit<PolicyRevisionRow, 'text'>;

export interface PolicyInForce {
  readonly source: 'store' | 'file';
  /** Path of the watched file; null where the store is the source. */
  readonly file: string | null;
  readonly row: PolicyRevisionRow;
  /** Number of the newest revision; another one than `row` only while `trouble` says why. */
  readonly newest: number;
  readonly mode: Mode;
  readonly findings: readonly Finding[];
}

export interface PolicyCheck {
  readonly valid: boolean;
  readonly problems: readonly ConfigProblem[];
  readonly findings: readonly Finding[];
}

/** One of the two. */
export type Candidate = { readonly text: string } | { readonly revision: number };

export interface PolicyDiffed {
  /** Revision it was compared with; null where none is in force. */
  readonly against: number | null;
  /** Newest revision, 0 for none: what `expect` of an apply is compared with. */
  readonly newest: number;
  readonly diff: PolicyDiff;
  readonly lines: readonly string[];
}

export interface PolicyApplied {
  readonly revision: number;
  readonly unchanged: boolean;
  readonly findings: readonly Finding[];
}

/** A change that waits for a second person, because the policy in force wants one. */
export interface PolicyProposed {
  /** `chg_…`. */
  readonly proposal: string;
}

/** What in a proposal needs a second person. */
export interface SensitivePoint {
  /** Kind of `two_people` in the policy, such as `credentials`. */
  readonly kind: string;
  /** Where it stands in the document proposed. */
  readonly path: string;
  readonly message: string;
}

export interface ProposalShown {
  readonly row: ProposalRow;
  /** What it changes, found by asking both policies; null where its text is not valid any more. */
  readonly lines: readonly string[] | null;
  readonly points: readonly SensitivePoint[];
}

export interface PolicyDecision {
  readonly actor: string;
  readonly proposal: string;
  readonly reason: string | null;
}

export interface PolicyChange {
  readonly actor: string;
  /** Whether the author may change prices, and budgets of the whole organization; a change with these is refused otherwise. */
  readonly billing: boolean;
  readonly reason: string | null;
  /** Newest revision that the author saw; null takes whatever there is. */
  readonly expect: number | null;
}

export interface ExplainQuestion {
  readonly kind: 'person' | 'service';
  /** E-mail address or name, or id. */
  readonly who: string;
  /** Of the caller's teams, as in the header `x-gatehouse-team`; null for the one that is charged by itself. */
  readonly team: string | null;
  /** Id of a key of the caller; null for its only one, where it has one. */
  readonly key: string | null;
  readonly resource: { readonly kind: 'model' | 'capability'; readonly name: string };
  /** Candidate to ask instead of what is in force; null for what is. */
  readonly text: string | null;
}

/** Where one budget stands for a caller, micro-dollars. */
export interface BudgetStanding {
  /** Place of the line, as in the explanation. */
  readonly path: string;
  readonly limit: number;
  /** By grants. */
  readonly granted: number;
  /** Null while it is not known: the line is new, or of a candidate. */
  readonly spent: number | null;
  readonly held: number | null;
  /** Milliseconds since the epoch; null for never. */
  readonly resetsAt: number | null;
}

export interface PolicyExplained {
  /** Code that the gateway would refuse with now; null where neither directory, stops, policy nor a spent budget does. */
  readonly code: string | null;
  /** Revision that was asked; null for a candidate. */
  readonly revision: number | null;
  readonly explanation: Explanation;
  /** Stops that are for this call, over every policy. */
  readonly stops: readonly StopRow[];
  /** Approvals in force for it: what an `ask` waits for. */
  readonly approvals: readonly GrantRow[];
  readonly budgets: readonly BudgetStanding[];
  readonly lines: readonly string[];
}

export interface PolicyReplayed {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  /** Records that were read. */
  readonly records: number;
  /** There were more records than are read at once: `to` says how far it came. */
  readonly stoppedEarly: boolean;
  readonly result: ReplayResult;
  readonly lines: readonly string[];
}

export interface BudgetCounter extends Position {
  /** Name of the subject in the directory, for showing; null where it has none. */
  readonly name: string | null;
  /** Milliseconds since the epoch; null for never. */
  readonly resetsAt: number | null;
}

export interface BudgetReport {
  /** Today in the policy's time zone. */
  readonly day: string;
  readonly timeZone: string;
  /** In the order of the document; those of one line by what is spent of them, most first. */
  readonly counters: readonly BudgetCounter[];
  /** Budgets whose spending is not known yet: calls under them are refused until it is. */
  readonly waiting: number;
}

/**
 * Reading answers at once; what changes something resolves when it is in force (P3). Throws AdminProblem for a document that is
 * not valid (`invalid`, with its faults), for names and revisions that are not there (`resource_unknown`), and for a change where
 * a file is the source or somebody else was quicker (`conflict`).
 */
export interface PolicyServices {
  /** Why what should be in force is not: a revision that cannot be used, or a file that cannot be; null when nothing is wrong. */
  trouble(): string | null;
  /** Null when nothing is in force. */
  current(): Promise<PolicyInForce | null>;
  /** Newest first. */
  history(limit: number): Promise<readonly RevisionHeader[]>;
  revision(number: number): Promise<PolicyRevisionRow | undefined>;
  check(text: string): Promise<PolicyCheck>;
  /** `against` null compares with what is in force. */
  diff(candidate: Candidate, against: number | null): Promise<PolicyDiffed>;
  /** Throws AdminProblem `role_required` for what only the primary owner changes; so does `rollback`. */
  apply(change: PolicyChange & { readonly text: string }): Promise<PolicyApplied | PolicyProposed>;
  rollback(change: PolicyChange & { readonly revision: number }): Promise<PolicyApplied | PolicyProposed>;
  /** Newest first, decided ones included; without the text. */
  proposals(limit: number): Promise<readonly Omit<ProposalRow, 'text'>[]>;
  /** Undefined for an id that is not there. */
  proposal(id: string): Promise<ProposalShown | undefined>;
  /** Marks it approved and applies it: two records. Rejects as `apply` where its text is not valid any more. */
  approve(decision: PolicyDecision): Promise<PolicyApplied>;
  reject(decision: PolicyDecision): Promise<void>;
  withdraw(decision: PolicyDecision): Promise<void>;
  explain(question: ExplainQuestion): Promise<PolicyExplained>;
  /** `gone` ends it early, with what was read until then. */
  replay(past: { readonly text: string; readonly days: number; readonly gone: AbortSignal }): Promise<PolicyReplayed>;
  budgets(): BudgetReport;
}
