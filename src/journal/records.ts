/**
 * What the journal holds. A line on disk is one JSON object: `{"seq":…,"prev":"<sha-256 of the previous line>","id":"rec_…",
 * "at":"<ISO 8601>","kind":"…", …body}` and a newline. Names of people never stand in a record: only opaque ids, so that
 * erasing a person leaves the chain whole (P7).
 */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** A record as its author hands it over; the writer adds seq, prev, id (unless given) and at. */
export interface NewRecord {
  /** `rec_…`; given where the author must know the id before the append, for example to put it into an error. */
  readonly id?: string;
  readonly kind: RecordKind;
  readonly body: JsonObject;
}

/** A record as read back. */
export interface JournalRecord {
  readonly seq: number;
  readonly prev: string;
  readonly id: string;
  readonly at: string;
  readonly kind: RecordKind;
  readonly [key: string]: Json;
}

/**
 * - `segment.open` first line of every segment: format, writer, the previous segment's last hash, intents still open, highest outbox number seen
 * - `segment.seal` last line of a full segment
 * - `segment.retired` a segment was removed: its name, head hash, opening balances; signed
 * - `recovered` what a start after a crash repaired
 * - `gateway` started, stopped
 * - `intent`, `attempt`, `outcome` a governed message (P1); `refusal` one that was refused; `strangers` a count and sample of unknown callers
 * - `extension` more money is held for a running call
 * - `content` a body, encrypted under the person's key
 * - `change` a change of state, with actor, action, subject, before, after and its outbox number
 */
export type RecordKind =
  | 'segment.open'
  | 'segment.seal'
  | 'segment.retired'
  | 'recovered'
  | 'gateway'
  | 'intent'
  | 'attempt'
  | 'outcome'
  | 'extension'
  | 'refusal'
  | 'strangers'
  | 'content'
  | 'change';

/** What append() gives back once the record is as durable as the config says. */
export interface Receipt {
  readonly id: string;
  readonly seq: number;
  /** SHA-256 of the line's bytes without the newline, lower-case hex. */
  readonly hash: string;
}

/** Where the chain stands. */
export interface Head {
  readonly writer: string;
  readonly seq: number;
  readonly hash: string;
  readonly segment: string;
}

/** The port everybody appends through. */
export interface Journal {
  /** Resolves when the record is durable; rejects with Refusal `journal_unavailable` when it cannot be made so. */
  append(record: NewRecord): Promise<Receipt>;
  readonly head: Head;
  /** Null while healthy, else why appends are refused. */
  readonly trouble: string | null;
}
