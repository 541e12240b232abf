import type { RecordKind } from '../../journal/records.ts';
import { line } from './schemas.ts';

/** Every kind of record; that none is missing is checked by the type. */
const KINDS: Readonly<Record<RecordKind, true>> = {
  'segment.open': true,
  'segment.seal': true,
  'segment.retired': true,
  recovered: true,
  gateway: true,
  intent: true,
  attempt: true,
  outcome: true,
  extension: true,
  refusal: true,
  strangers: true,
  content: true,
  change: true,
};

/** The kinds that a list names. */
export const kindsIn = (text: string): string[] => text.split(',').map((kind) => kind.trim());
/** A kind that does not exist would find nothing, and read as if nothing had happened. */
export const Kinds = line(200, `Only these kinds, separated by commas: ${Object.keys(KINDS).join(', ')}.`).refine(
  (text) => kindsIn(text).every((kind) => Object.hasOwn(KINDS, kind)),
  `must be among: ${Object.keys(KINDS).join(', ')}`,
);
