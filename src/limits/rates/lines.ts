import type { RateLine } from '../../policy/model.ts';
import type { Metered } from './types.ts';
import { Window } from './window.ts';

/** Subjects looked at for each call, so that idle ones go without a timer and without a pause. */
const SWEPT_PER_CALL = 8;

/** What a line has counted for one subject. */
export class Tally {
  /** Calls and counts that are open. */
  open = 0;
  readonly #windows = new Map<Metered, Window>();

  window(what: Metered): Window {
    const found = this.#windows.get(what);
    if (found !== undefined) return found;
    const window = new Window();
    this.#windows.set(what, window);
    return window;
  }

  idle(now: number): boolean {
    if (this.open > 0) return false;
    for (const window of this.#windows.values()) if (!window.idle(now)) return false;
    return true;
  }

  get size(): number {
    let size = 1;
    for (const window of this.#windows.values()) size += window.size + window.callers;
    return size;
  }
}

/** A line in force and what it has counted. */
export class LineState {
  /** As in the newest document; limits and mode may have changed. */
  readonly line: RateLine;
  readonly #tallies: Map<string, Tally>;
  #sweep: Iterator<[string, Tally]>;

  /** `before`: the same line of the document before, whose windows go on. */
  constructor(line: RateLine, before?: LineState) {
    this.line = line;
    this.#tallies = before === undefined ? new Map() : before.#tallies;
    this.#sweep = this.#tallies.entries();
  }

  /** True when the line can be checked before the body says which model is asked for. */
  get early(): boolean {
    return this.line.models === null && this.line.scope !== 'model';
  }

  /** Several callers meet in one counter, so that one of them could take what is there for all. */
  get shared(): boolean {
    const { scope } = this.line;
    return scope === 'organization' || scope === 'team' || scope === 'model';
  }

  tally(subject: string): Tally {
    const found = this.#tallies.get(subject);
    if (found !== undefined) return found;
    const tally = new Tally();
    this.#tallies.set(subject, tally);
    return tally;
  }

  /** Looks at the next few subjects in turn and forgets those that have been idle for a minute. */
  sweep(now: number): void {
    for (let i = 0; i < SWEPT_PER_CALL; i++) {
      const step = this.#sweep.next();
      if (step.done === true) {
        this.#sweep = this.#tallies.entries();
        return;
      }
      const [subject, tally] = step.value;
      if (tally.idle(now)) this.#tallies.delete(subject);
    }
  }

  /** Subjects, buckets and callers held. */
  get size(): number {
    let size = 0;
    for (const tally of this.#tallies.values()) size += tally.size;
    return size;
  }
}

/**
 * The lines of a new document, with the windows of those that are the same as before: same scope, `only` and `models`,
 * whatever their limits. Of several that are the same, the first goes on as the first, the second as the second.
 */
export function adopted(lines: readonly RateLine[], before: readonly LineState[]): LineState[] {
  const known = new Map<string, LineState[]>();
  for (const state of before) {
    const key = keyOf(state.line);
    known.set(key, [...(known.get(key) ?? []), state]);
  }
  return lines.map((line) => new LineState(line, known.get(keyOf(line))?.shift()));
}

function keyOf({ scope, only, models }: RateLine): string {
  return JSON.stringify([scope, only?.toSorted() ?? null, models?.toSorted() ?? null]);
}
