/** Reading change records that are to be made again. What cannot be read stops the start. */
import type { Json, JsonObject } from '../../journal/records.ts';
import type { StoreTransaction } from '../../store/ports.ts';

/** A change to be made again: the id of what changed, its state before and afterwards, and the whole record. */
export interface Replay {
  readonly subject: string;
  readonly before: JsonObject;
  readonly after: JsonObject;
  readonly change: JsonObject;
}

/** Returns whether it altered anything. */
export type Apply = (tx: StoreTransaction, replay: Replay) => Promise<boolean>;

/** Milliseconds, numbers of revisions: never negative. */
export function wholeNumber(object: JsonObject, name: string): number {
  const value = object[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`A change record cannot be replayed: its ${name} is not a whole number.`);
}

export function text(object: JsonObject, name: string): string {
  const value = object[name];
  if (typeof value === 'string') return value;
  throw new Error(`A change record cannot be replayed: its ${name} is no text.`);
}

export function texts(object: JsonObject, name: string): string[] {
  const value = object[name];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new Error(`A change record cannot be replayed: its ${name} is no list of texts.`);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
