import type { SegmentName } from '../journal/names.ts';
import { headOf } from './line-head.ts';
import { firstLine } from './segment-bytes.ts';

/** Clocks are set back now and then; a segment counts as this much longer at both ends than its first lines say. */
const SLACK = 60 * 60 * 1000;

/** The segments that can hold records of this span, oldest first. `from` and `to` in milliseconds, infinite where open. */
export function inTime(segments: readonly SegmentName[], { from, to }: { from: number; to: number }): SegmentName[] {
  if (from === Number.NEGATIVE_INFINITY && to === Number.POSITIVE_INFINITY) return [...segments];
  const starts = segments.map(startOf);
  return segments.filter((_, index) => {
    const end = starts[index + 1] ?? Number.POSITIVE_INFINITY;
    return (starts[index] ?? Number.NEGATIVE_INFINITY) - SLACK <= to && end + SLACK >= from;
  });
}

/** Undefined when it cannot be told: such a segment is always looked into. */
function startOf(segment: SegmentName): number | undefined {
  try {
    const line = firstLine(segment);
    return line === undefined ? undefined : headOf(line).at;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
