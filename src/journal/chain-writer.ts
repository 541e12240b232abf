import type { Clock } from '../kernel/clock.ts';
import { failpoint } from '../kernel/failpoints.ts';
import { chainUp, type Prepared, prepare } from './batch.ts';
import type { Chain } from './chain.ts';
import type { JournalFiles } from './files.ts';
import { segmentName } from './names.ts';
import type { Head, JsonObject, Receipt, RecordKind } from './records.ts';
import { createSegment, type SegmentFile } from './segment.ts';
import type { SigningKey } from './signing.ts';

export interface ChainSettings {
  readonly files: JournalFiles;
  readonly folder: string;
  readonly writer: string;
  /** `synced`: on the disk before it counts; `written`: handed to the system, survives the process but not the power. */
  readonly durability: 'synced' | 'written';
  readonly segmentBytes: number;
  readonly segmentAgeMs: number;
  /** How long one write and sync may take before those who wait are told that the disk does not answer. */
  readonly stallMs: number;
  readonly clock: Clock;
  readonly signingKey: SigningKey;
}

/** Turns prepared records into acknowledged lines, one batch at a time; its caller never overlaps two calls. */
export class ChainWriter {
  readonly chain: Chain;
  bytes = 0;
  records = 0;
  #segment: SegmentFile | null;
  #inSegment: number;
  readonly #settings: ChainSettings;
  #stalled: Promise<unknown> | null = null;

  constructor(settings: ChainSettings, found: { chain: Chain; segment: SegmentFile | null; records: number }) {
    this.#settings = settings;
    this.chain = found.chain;
    this.#segment = found.segment;
    this.#inSegment = found.records;
  }

  get head(): Head {
    const { seq, hash } = this.chain;
    return { writer: this.#settings.writer, seq, hash, segment: this.#segment?.name ?? segmentName(1) };
  }

  /** True while an operation that was given up on is still running. */
  get stalled(): boolean {
    return this.#stalled !== null;
  }

  /** True when there is no segment that could take a record. */
  get needsSegment(): boolean {
    return this.#segment === null || this.#segment.sealed;
  }

  /** True when the next record belongs into a new segment: there is none, it is sealed, full, or old. */
  get rollDue(): boolean {
    const segment = this.#segment;
    if (segment === null || this.needsSegment) return true;
    if (this.#inSegment <= 1) return false;
    const { segmentBytes, segmentAgeMs, clock } = this.#settings;
    return segment.size >= segmentBytes || clock.now() - segment.openedAt >= segmentAgeMs;
  }

  /**
   * Writes the records behind the head and acknowledges them; on an error none of them counts.
   *
   * @throws the file system's error, or one that says that it did not answer in time
   */
  async write(
    records: readonly Prepared[],
    sync = this.#settings.durability === 'synced',
  ): Promise<readonly Receipt[]> {
    const segment = this.#segment;
    if (segment === null || segment.sealed) throw new Error('there is no open segment');
    const batch = chainUp(records, this.chain);
    const durable = sync || records.some((record) => record.mustSync);
    await this.#inTime(segment.write(batch.bytes, durable));
    segment.commit(batch.bytes.length, batch.lastLine);
    this.#count(records, batch.receipts, batch.bytes.length);
    return batch.receipts;
  }

  #count(records: readonly Prepared[], receipts: readonly Receipt[], bytes: number): void {
    for (const [index, record] of records.entries()) {
      const receipt = receipts[index];
      if (receipt !== undefined) this.chain.advance(record.effect, receipt.seq, receipt.hash);
    }
    this.#inSegment += records.length;
    this.records += records.length;
    this.bytes += bytes;
  }

  /** Seals the segment, unless that is done, and opens its successor. Can be called again after an error. */
  async roll(): Promise<void> {
    if (this.#segment !== null && !this.#segment.sealed) {
      await this.write([this.#own('segment.seal', this.#sealBody(this.#segment))], true);
      this.#segment.sealed = true;
      failpoint('journal.sealed');
    }
    const { files, folder, writer, durability, clock } = this.#settings;
    const { seq, hash, open, outbox } = this.chain;
    const previous = this.#segment === null ? null : { segment: this.#segment.name, head: hash };
    const record = this.#own('segment.open', {
      format: 1,
      writer,
      durability,
      previous,
      open_intents: [...open],
      outbox,
    });
    const batch = chainUp([record], this.chain);
    const place = { files, folder, first: seq + 1 };
    const creating = createSegment(place, batch.bytes, clock.now());
    const next = await this.#inTime(creating).catch((error) => {
      creating.then((late) => late.close()).catch(() => undefined);
      throw error;
    });
    await this.#segment?.close().catch(() => undefined);
    this.#segment = next;
    this.#inSegment = 0;
    this.#count([record], batch.receipts, batch.bytes.length);
  }

  /** The signature covers everything before the seal, through the hash of the last record. */
  #sealBody(segment: SegmentFile): JsonObject {
    const { writer, signingKey } = this.#settings;
    const { seq, hash } = this.chain;
    const text = `gatehouse segment.seal\n${JSON.stringify([writer, segment.name, seq, hash, signingKey.id])}`;
    return { records: this.#inSegment, bytes: segment.size, key: signingKey.id, signature: signingKey.sign(text) };
  }

  #own(kind: RecordKind, body: JsonObject): Prepared {
    return prepare({ kind, body }, this.#settings.clock.now());
  }

  /** Removes what a failed batch left, as far as the disk lets it; `repair` makes sure later. */
  async cutBack(): Promise<void> {
    if (!this.stalled && this.#segment !== null) await this.#inTime(this.#segment.cutBack());
  }

  /** Makes the segment trustworthy again after an error; throws while the disk does not let it. */
  async repair(): Promise<void> {
    if (this.stalled) throw new Error('an earlier operation on the disk has not returned');
    if (this.#segment === null || this.#segment.sealed) await this.roll();
    else await this.#inTime(this.#segment.repair(this.chain.hash));
  }

  /** Syncs and closes the segment. */
  async close(): Promise<void> {
    if (this.stalled || this.#segment === null) return;
    try {
      if (!this.#segment.sealed) await this.#segment.sync();
    } finally {
      await this.#segment.close();
    }
  }

  /** A disk that hangs must not hold the callers: they are refused, and what the operation wrote is cut off once it returns. */
  async #inTime<T>(operation: Promise<T>): Promise<T> {
    const { stallMs } = this.#settings;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#stalled = operation.then(
          () => this.#settle(),
          () => this.#settle(),
        );
        reject(new Error(`the disk did not answer within ${stallMs} ms`));
      }, stallMs);
    });
    try {
      return await Promise.race([operation, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #settle(): void {
    this.#stalled = null;
  }
}
