/** Finds a record and those that belong to it by the time that its id carries, without an index. */
import { parseLine } from '../journal/line.ts';
import type { SegmentName } from '../journal/names.ts';
import type { JournalRecord } from '../journal/records.ts';
import { isId, timeOfId } from '../kernel/ids.ts';
import { headOf, type LineHead } from './line-head.ts';
import { linesFrom, offsetWhere, openIfKept } from './segment-bytes.ts';
import { inTime } from './segment-times.ts';

const MINUTE = 60_000;
/** A record may be older than its id by this much when the clock was set back in between. */
const EARLY = 5 * MINUTE;
/** An id is made when a call arrives; its record is written once the body has been read, an hour later at the very most. */
const LATE = 60 * MINUTE;
/** What belongs to a call is written with its outcome or shortly after. */
const AFTERMATH = MINUTE;

export interface ShowSource {
  /** Oldest first. */
  readonly segments: readonly SegmentName[];
  /** Time a look-up may take. */
  readonly milliseconds: number;
  /** Monotonic milliseconds. */
  readonly monotonic: () => number;
}

/**
 * The record of this id with everything that names it as its intent, oldest first. For a record that itself belongs to an
 * intent, that intent's. Empty when there is none, or when it was not found in the time allowed.
 */
export function showRecord(source: ShowSource, id: string): JournalRecord[] {
  const found = findRecord(source, id);
  if (found === undefined) return [];
  if (typeof found.intent !== 'string' || found.intent === id) return family(source, found);
  const intent = findRecord(source, found.intent);
  return intent === undefined ? [found] : family(source, intent);
}

/** One record by its id. */
export function findRecord(source: ShowSource, id: string): JournalRecord | undefined {
  if (!isId(id, 'rec')) return undefined;
  const time = timeOfId(id);
  const span = { from: time - EARLY, to: time + LATE };
  for (const { head, bytes } of linesOf(source, inTime(source.segments, span), (start) => start.at >= span.from)) {
    if (head.id === id) return parseLine(bytes);
    if (head.at > span.to) return undefined;
  }
  return undefined;
}

function family(source: ShowSource, first: JournalRecord): JournalRecord[] {
  const records = [first];
  if (first.kind !== 'intent') return records;
  const segments = source.segments.filter((_, index) => (source.segments[index + 1]?.first ?? Infinity) > first.seq);
  let until = Number.POSITIVE_INFINITY;
  for (const { head, bytes } of linesOf(source, segments, ({ seq }) => seq > first.seq)) {
    if (head.at > until) break;
    if (!bytes.includes(first.id)) continue;
    const record = parseLine(bytes);
    if (record.intent !== first.id) continue;
    records.push(record);
    if (record.kind === 'outcome') until = head.at + AFTERMATH;
  }
  return records;
}

/** The lines of these segments from the first that has `reached`, until they or the time allowed end. */
function* linesOf(
  source: ShowSource,
  segments: readonly SegmentName[],
  reached: (head: LineHead) => boolean,
): Generator<{ readonly head: LineHead; readonly bytes: Buffer }> {
  const deadline = source.monotonic() + source.milliseconds;
  for (const segment of segments) {
    const bytes = openIfKept(segment);
    if (bytes === null) continue;
    try {
      for (const line of linesFrom(
        bytes,
        offsetWhere(bytes, (start) => reached(headOf(start))),
      )) {
        yield { head: headOf(line.bytes), bytes: line.bytes };
        if (source.monotonic() >= deadline) return;
      }
    } finally {
      bytes.close();
    }
  }
}
