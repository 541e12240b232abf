import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/log.ts';
import { prepare } from './batch.ts';
import type { ChainWriter } from './chain-writer.ts';
import { type Queue, unavailable } from './queue.ts';
import type { Head, Journal, NewRecord, Receipt } from './records.ts';

/** Where the journal reports what operators must know. */
export type JournalLog = Pick<Logger, 'info' | 'warn' | 'error'>;

export interface JournalMetrics {
  /** Records that wait for their flush. */
  readonly waiting: number;
  /** Duration of the last flush in milliseconds; 0 before the first. */
  readonly lastFlushMs: number;
  /** Written by this process, opens, seals and recovery included. */
  readonly bytes: number;
  readonly records: number;
}

/** Longest text one write takes; more waits for the next. */
const BATCH_SIZE = 8 * 1024 * 1024;
/** Kinds that only the journal itself writes. */
const OWN_KINDS: ReadonlySet<string> = new Set(['segment.open', 'segment.seal', 'recovered']);

export interface FileJournalParts {
  readonly writer: ChainWriter;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly log: JournalLog;
  /** First and longest pause before another attempt to get well, in milliseconds. */
  readonly retryMs: { readonly first: number; readonly longest: number };
  /** Gives the folder free. */
  readonly release: () => void;
}

/** The journal on disk. Made by `openJournal`. */
export class FileJournal implements Journal {
  readonly #parts: FileJournalParts;
  #rolls: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #trouble: string | null = null;
  #running: Promise<void> | null = null;
  #retry: NodeJS.Timeout | undefined;
  #pause: number;
  #lastFlushMs = 0;
  #closed = false;

  constructor(parts: FileJournalParts) {
    this.#parts = parts;
    this.#pause = parts.retryMs.first;
  }

  get head(): Head {
    return this.#parts.writer.head;
  }

  get trouble(): string | null {
    return this.#trouble;
  }

  /** Intents without an outcome, as far as is durable. */
  openIntents(): readonly string[] {
    return [...this.#parts.writer.chain.open];
  }

  /** Highest outbox number recorded durably; changes up to it must not be recorded again. */
  get outboxFloor(): number {
    return this.#parts.writer.chain.outbox;
  }

  get metrics(): JournalMetrics {
    const { bytes, records } = this.#parts.writer;
    return { waiting: this.#parts.queue.length, lastFlushMs: this.#lastFlushMs, bytes, records };
  }

  /**
   * Resolves when the record is durable.
   *
   * @throws Refusal `journal_unavailable` when it cannot be made so; nothing of it stays on the disk
   * @throws TypeError, RangeError for a record that is a mistake of its author
   */
  append(record: NewRecord): Promise<Receipt> {
    return this.#enqueue(record, false);
  }

  /**
   * For what has happened already and must not be lost, such as outcomes: through trouble the record is kept, within the
   * queue's bounds, and written before anything else once the disk is well.
   *
   * @throws Refusal `journal_unavailable` when the bounds are reached, or the journal closes without having got well
   */
  appendEventually(record: NewRecord): Promise<Receipt> {
    return this.#enqueue(record, true);
  }

  async #enqueue(record: NewRecord, eventual: boolean): Promise<Receipt> {
    const { writer, queue, clock } = this.#parts;
    if (this.#closed) throw unavailable('the journal is closed');
    if (this.#trouble !== null && !eventual) throw unavailable(this.#trouble);
    if (OWN_KINDS.has(record.kind)) throw new TypeError(`only the journal itself writes ${record.kind} records`);
    const prepared = prepare(record, clock.now());
    if (queue.full(prepared.size, shareOf(record, eventual))) throw unavailable('too many records wait for the disk');
    writer.chain.admit(prepared.effect);
    return new Promise((resolve, reject) => {
      queue.push({ prepared, eventual, resolve, reject });
      this.#kick();
    });
  }

  /** Seals the segment and opens a new one; resolves when that is durable. */
  roll(): Promise<void> {
    if (this.#closed) return Promise.reject(unavailable('the journal is closed'));
    if (this.#trouble !== null) return Promise.reject(unavailable(this.#trouble));
    return new Promise((resolve, reject) => {
      this.#rolls.push({ resolve, reject });
      this.#kick();
    });
  }

  #kick(): void {
    if (this.#running !== null || this.#trouble !== null) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
      if (this.#work) this.#kick();
    });
  }

  get #work(): boolean {
    return this.#trouble === null && (this.#parts.queue.length > 0 || this.#rolls.length > 0);
  }

  /** The only place that writes. Whatever gathers while one flush is under way shares the next one's sync. */
  async #run(): Promise<void> {
    // Appends made in the same turn of the event loop share the first flush too.
    await null;
    while (this.#work) {
      await this.#rollIfDue();
      if (this.#work && this.#parts.queue.length > 0) await this.#flush();
    }
  }

  async #rollIfDue(): Promise<void> {
    const { writer } = this.#parts;
    const asked = this.#rolls.splice(0);
    if (asked.length === 0 && !writer.rollDue) return;
    try {
      await writer.roll();
      for (const { resolve } of asked) resolve();
    } catch (error) {
      const refusal = await this.#fail(error, []);
      for (const { reject } of asked) reject(refusal);
    }
  }

  async #flush(): Promise<void> {
    const { writer, queue, clock } = this.#parts;
    const batch = queue.take(BATCH_SIZE);
    const started = clock.monotonic();
    try {
      const receipts = await writer.write(batch.map(({ prepared }) => prepared));
      this.#lastFlushMs = clock.monotonic() - started;
      this.#pause = this.#parts.retryMs.first;
      for (const [index, { resolve, reject }] of batch.entries()) {
        const receipt = receipts[index];
        if (receipt === undefined) reject(new Error('a record was written without a receipt'));
        else resolve(receipt);
      }
    } catch (error) {
      await this.#fail(error, batch);
    }
  }

  /** Nothing more is accepted; who waits is told; what the batch left on the disk is removed; a timer tries to get well. */
  async #fail(error: unknown, batch: Parameters<Queue['split']>[0]) {
    const { writer, queue, log } = this.#parts;
    const reason = describe(error);
    const refusal = unavailable(reason);
    this.#trouble = reason;
    // The lines go before the callers hear of it: a refused record must not be found on the disk by whoever looks next.
    await writer
      .cutBack()
      .catch((again) => log.error({ reason: describe(again) }, 'a failed batch could not be cut off yet'));
    for (const { prepared, reject } of queue.split(batch)) {
      writer.chain.release(prepared.effect);
      reject(refusal);
    }
    for (const { reject } of this.#rolls.splice(0)) reject(refusal);
    log.error({ reason, kept: queue.length }, 'the journal cannot write: calls are refused until it can');
    this.#retryLater();
    return refusal;
  }

  #retryLater(): void {
    if (this.#closed) return;
    this.#retry = setTimeout(() => {
      if (this.#running !== null) return this.#retryLater();
      this.#running = this.#getWell().finally(() => {
        this.#running = null;
        if (this.#work) this.#kick();
      });
    }, this.#pause).unref();
    this.#pause = Math.min(this.#pause * 2, this.#parts.retryMs.longest);
  }

  async #getWell(): Promise<void> {
    const { writer, log, queue } = this.#parts;
    try {
      await writer.repair();
    } catch (error) {
      this.#trouble = describe(error);
      this.#retryLater();
      return;
    }
    this.#trouble = null;
    log.info({ kept: queue.length }, 'the journal writes again');
  }

  /** Writes what waits, syncs, closes, and gives the folder free. What could not be written is rejected and logged. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    const { writer, queue, log, release } = this.#parts;
    try {
      while (this.#running !== null) await this.#running;
      if (this.#trouble !== null) {
        await this.#getWell();
        this.#kick();
        while (this.#running !== null) await this.#running;
      }
      await writer.close();
    } catch (error) {
      log.error({ reason: describe(error) }, 'the journal could not be closed cleanly');
    } finally {
      const lost = [...queue.split([]), ...queue.take(Number.POSITIVE_INFINITY)];
      for (const { reject } of lost) reject(unavailable('the journal is closed'));
      if (lost.length > 0)
        log.error({ records: lost.length }, 'records were lost: the journal closed while it could not write');
      release();
    }
  }
}

/** Kinds that callers can cause without end while the disk is away. */
const AT_WILL: ReadonlySet<string> = new Set(['refusal', 'content']);

/**
 * How much of what may wait such a record may fill. The last quarter is closed to refusals and content: in a long outage every
 * caller who asks again leaves some, and they must not push out how the calls ended that were under way (P1).
 */
function shareOf({ kind }: NewRecord, eventual: boolean): number {
  if (!eventual) return 0.5;
  return AT_WILL.has(kind) ? 0.75 : 1;
}

/** What went wrong, for operators: the system's code and sentence. */
function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
