/** A growing journal to follow, and answers that are kept, in memory. */
import type { AnswerKeeper, Following } from '../../src/doors/admin/services.ts';
import type { JournalRecord, RecordKind } from '../../src/journal/records.ts';

export class Feed {
  readonly records: JournalRecord[] = [];
  readonly followed: Following[] = [];
  /** How many follow now. */
  open = 0;
  #wake: (() => void)[] = [];

  add(kind: RecordKind, body: object = {}): JournalRecord {
    const seq = (this.records.at(-1)?.seq ?? 0) + 1;
    const id = `rec_${String(seq).padStart(26, '0')}`;
    const record = { seq, prev: '00', id, at: '2026-11-24T12:00:00.000Z', kind, ...body } as JournalRecord;
    this.records.push(record);
    this.#tell();
    return record;
  }

  async *follow(following: Following): AsyncGenerator<JournalRecord> {
    const { afterSeq, kinds, signal } = following;
    this.followed.push(following);
    this.open += 1;
    signal.addEventListener('abort', () => this.#tell());
    let seen = afterSeq ?? this.records.at(-1)?.seq ?? 0;
    try {
      while (!signal.aborted) {
        const next = this.records.find((record) => record.seq > seen);
        if (next === undefined) await new Promise<void>((resolve) => this.#wake.push(resolve));
        else {
          seen = next.seq;
          if (kinds === null || kinds.includes(next.kind)) yield next;
        }
      }
    } finally {
      this.open -= 1;
    }
  }

  #tell(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}

export class Answers implements AnswerKeeper {
  readonly kept = new Map<string, { request: string; status: number | null; body: string }>();
  /** Rejects what is to be kept. */
  isFull = false;

  async begin(key: string, request: string) {
    const known = this.kept.get(key);
    if (known === undefined) {
      this.kept.set(key, { request, status: null, body: '' });
      return { state: 'begun' } as const;
    }
    if (known.request !== request) return { state: 'other' } as const;
    const { status, body } = known;
    return status === null ? ({ state: 'busy' } as const) : ({ state: 'kept', status, body } as const);
  }

  async keep(key: string, answer: { request: string; status: number; body: string }): Promise<void> {
    if (this.isFull) throw new Error('disk full');
    this.kept.set(key, answer);
  }

  async drop(key: string): Promise<void> {
    this.kept.delete(key);
  }
}
