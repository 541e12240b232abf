import { newId } from '../kernel/ids.ts';
import { type Effect, effectOf } from './chain.ts';
import { hashOf, lineOf, restOfLine } from './line.ts';
import type { NewRecord, Receipt } from './records.ts';

/** A record ready to be chained: everything but its place is settled. */
export interface Prepared {
  readonly id: string;
  readonly rest: string;
  /** Size of `rest` in characters, a measure for queues. */
  readonly size: number;
  readonly effect: Effect;
  /** Synced in every durability mode: something is deleted on its strength. */
  readonly mustSync: boolean;
}

/**
 * Settles a record's id, time and text.
 *
 * @param now milliseconds since the epoch
 * @throws TypeError, RangeError for a record that can never be written
 */
export function prepare(record: NewRecord, now: number): Prepared {
  const id = record.id ?? newId('rec', now);
  if (!/^rec_[0-9a-z_]{1,64}$/.test(id)) throw new TypeError(`"${id}" is not a record id`);
  const rest = restOfLine({ id, at: new Date(now).toISOString(), kind: record.kind }, record.body);
  const effect = effectOf(record.kind, id, record.body);
  return { id, rest, size: rest.length, effect, mustSync: record.kind === 'segment.retired' };
}

export interface Batch {
  /** The lines with their newlines. */
  readonly bytes: Buffer;
  readonly receipts: readonly Receipt[];
  /** Length of the last line without its newline. */
  readonly lastLine: number;
}

/** Chains records behind `head`, in order. */
export function chainUp(records: readonly Prepared[], head: { seq: number; hash: string }): Batch {
  const parts: Buffer[] = [];
  const receipts: Receipt[] = [];
  let { seq, hash } = head;
  let lastLine = 0;
  for (const { id, rest } of records) {
    const line = lineOf(++seq, hash, rest);
    hash = hashOf(line);
    lastLine = line.length;
    parts.push(line, NEWLINE);
    receipts.push({ id, seq, hash });
  }
  return { bytes: Buffer.concat(parts), receipts, lastLine };
}

const NEWLINE = Buffer.from('\n');
