import { createHash } from 'node:crypto';
import type { RawLine } from './verify-lines.ts';
import { type Checker, type Fields, text } from './verify-signatures.ts';

/** Part of the offline verifier, which shares no code with the writer. */

export interface Problem {
  /** Path of the file. */
  readonly file: string;
  /** Counted from 1; null when it is about the file as a whole. */
  readonly line: number | null;
  readonly seq: number | null;
  /** A sentence in plain English. */
  readonly problem: string;
}

export interface Retirement {
  readonly seq: number;
  readonly segment: string;
  readonly first: number;
  readonly last: number;
  readonly head: string;
}

interface Parsed {
  readonly seq: number;
  readonly prev: string;
  readonly id: string;
  readonly kind: string;
  readonly fields: Fields;
}

/** A hostile journal must not fill the memory; a real one has a few thousand calls open at most. */
const MOST_OPEN = 1_000_000;
const MOST_PROBLEMS = 200;
const HEX = /^[0-9a-f]{64}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Follows one writer's chain line by line, and writes down everything that is wrong with it. */
export class ChainCheck {
  readonly problems: Problem[] = [];
  problemCount = 0;
  records = 0;
  first: number | null = null;
  seq: number | null = null;
  hash = '';
  durability: string | null = null;
  sealed = false;
  /** What the oldest kept segment says came before it. */
  gap: { segment: string; head: string; first: number } | null = null;
  readonly open = new Set<string>();
  readonly retirements: Retirement[] = [];
  /** Hashes found at the sequence numbers that checkpoints name. */
  readonly found = new Map<number, string>();
  readonly #writer: string;
  readonly #wanted: ReadonlySet<number>;
  readonly #checker: Checker | null;
  #file = '';
  #segment = '';
  #before = '';
  #firstOfSegment = 0;
  #inSegment = 0;
  #outbox = 0;

  constructor(writer: string, wanted: ReadonlySet<number>, checker: Checker | null) {
    this.#writer = writer;
    this.#wanted = wanted;
    this.#checker = checker;
  }

  /** Starts a segment file. */
  enter(file: string, segment: string): void {
    if (this.#segment !== '' && !this.sealed)
      this.report(this.#file, null, 'the segment has no seal though another one follows');
    this.#before = this.#segment;
    this.#file = file;
    this.#segment = segment;
    this.#firstOfSegment = Number(segment);
    this.#inSegment = 0;
    this.sealed = false;
  }

  report(file: string, at: { line: number | null; seq?: number } | null, problem: string): void {
    this.problemCount++;
    if (this.problems.length >= MOST_PROBLEMS) return;
    this.problems.push({ file, line: at?.line ?? null, seq: at?.seq ?? null, problem });
  }

  /** Checks one finished line. */
  take(line: RawLine): void {
    const record = line.bytes === null ? 'the line is longer than any record' : parse(line.bytes);
    const hash = line.bytes === null ? '' : createHash('sha256').update(line.bytes).digest('hex');
    if (typeof record === 'string') {
      this.report(this.#file, { line: line.number }, record);
      if (this.seq !== null) this.seq++;
    } else {
      const say = (problem: string): void => this.report(this.#file, { line: line.number, seq: record.seq }, problem);
      this.#checkPlace(record, say);
      this.#checkKind(record, say);
      this.first ??= record.seq;
      this.seq = record.seq;
      if (this.#wanted.has(record.seq)) this.found.set(record.seq, hash);
    }
    this.hash = hash;
    this.records++;
    this.#inSegment++;
  }

  #checkPlace(record: Parsed, say: (problem: string) => void): void {
    const { seq, prev } = record;
    if (this.#inSegment === 0) {
      if (seq !== this.#firstOfSegment)
        say(`the file is named by record ${this.#firstOfSegment} but starts with record ${seq}`);
      if (record.kind !== 'segment.open') say('the first record of the segment is not segment.open');
    } else if (record.kind === 'segment.open') say('a segment.open record stands in the middle of a segment');
    if (this.sealed) say('a record stands behind the seal');
    if (this.seq !== null) {
      if (seq !== this.seq + 1)
        say(`record ${seq} follows record ${this.seq}: records are missing, doubled or out of order`);
      if (prev !== this.hash)
        say('the record does not carry the hash of the line before it: one of the two was changed');
    } else if (seq === 1 && !/^0{64}$/.test(prev)) say('the first record of all names a record before it');
  }

  #checkKind({ seq, prev, id, kind, fields }: Parsed, say: (problem: string) => void): void {
    if (kind === 'intent') {
      if (this.open.has(id)) say(`intent ${text(id)} is recorded twice`);
      else if (this.open.size >= MOST_OPEN) say('too many intents are open to follow them');
      else this.open.add(id);
    } else if (kind === 'outcome') {
      if (typeof fields.intent !== 'string' || !this.open.delete(fields.intent)) {
        say(
          `the outcome names intent ${text(fields.intent)}, which is not open: it has an outcome already or was never recorded`,
        );
      }
    } else if (kind === 'change') {
      if (typeof fields.outbox === 'number') this.#outbox = Math.max(this.#outbox, fields.outbox);
    } else if (kind === 'segment.open') this.#checkOpen(fields, { seq, prev }, say);
    else if (kind === 'segment.seal') this.#checkSeal(fields, { seq, prev }, say);
    else if (kind === 'segment.retired') this.#checkRetired(fields, seq, say);
  }

  #checkOpen(fields: Fields, at: { seq: number; prev: string }, say: (problem: string) => void): void {
    if (fields.format !== 1) say(`the segment has format ${text(fields.format)}, not 1`);
    if (fields.writer !== this.#writer) say(`the segment belongs to writer ${text(fields.writer)}`);
    this.durability = fields.durability === 'written' ? 'written' : 'synced';
    const previous = (fields.previous ?? null) as Fields | null;
    const intents = Array.isArray(fields.open_intents) ? (fields.open_intents as unknown[]) : [];
    if (at.seq === 1 ? previous !== null : previous?.head !== at.prev) {
      say('what segment.open says of the segment before it does not agree with the chain');
    }
    if (this.#before === '') {
      // The oldest kept segment: what it carries over can only be believed, and its predecessor must have been retired.
      for (const intent of intents.slice(0, MOST_OPEN)) if (typeof intent === 'string') this.open.add(intent);
      this.#outbox = typeof fields.outbox === 'number' ? fields.outbox : 0;
      if (at.seq !== 1) this.gap = { segment: String(previous?.segment), head: String(previous?.head), first: at.seq };
      return;
    }
    if (previous?.segment !== this.#before)
      say(`segment.open names ${text(previous?.segment)} as the segment before it`);
    if (intents.length !== this.open.size || !intents.every((intent) => this.open.has(String(intent)))) {
      say('the open intents that segment.open carries over are not those that are open');
    }
    if (fields.outbox !== this.#outbox)
      say(`segment.open carries outbox number ${text(fields.outbox)}, not ${this.#outbox}`);
  }

  #checkSeal(fields: Fields, at: { seq: number; prev: string }, say: (problem: string) => void): void {
    this.sealed = true;
    const signed = (key: string): unknown[] => [this.#writer, this.#segment, at.seq - 1, at.prev, key];
    const wrong = this.#checker?.check('segment.seal', signed, fields) ?? null;
    if (wrong !== null) say(`the seal does not hold: ${wrong}`);
  }

  #checkRetired(fields: Fields, seq: number, say: (problem: string) => void): void {
    const { segment, first, last, head, records, bytes } = fields;
    const balances = fields.balances as Fields | null | undefined;
    const pair = balances === null || balances === undefined ? null : [balances.file, balances.sha256];
    const signed = (key: string): unknown[] => [this.#writer, segment, first, last, head, records, bytes, pair, key];
    const wrong = this.#checker?.check('segment.retired', signed, fields) ?? null;
    if (wrong !== null) say(`the retirement of segment ${text(segment)} does not hold: ${wrong}`);
    else if (this.retirements.length < 100_000) {
      const [from, to] = [Number(first), Number(last)];
      this.retirements.push({ seq, segment: String(segment), first: from, last: to, head: String(head) });
    }
  }
}

/** Reads a line strictly: exactly what the format allows, printed in exactly one way. Returns what is wrong with it otherwise. */
function parse(line: Buffer): Parsed | string {
  let source: string;
  let value: unknown;
  try {
    source = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line);
    value = JSON.parse(source);
    // Whitespace, doubled names and unusual escapes would let two readers see two different records.
    if (JSON.stringify(value) !== source) return 'the line is not printed the way the journal prints records';
  } catch {
    return 'the line is not JSON in UTF-8';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'the line is not a record';
  const fields = value as Fields;
  const { seq, prev, id, at, kind } = fields;
  if (Object.keys(fields).slice(0, 5).join() !== 'seq,prev,id,at,kind')
    return 'the line does not start with seq, prev, id, at and kind';
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) return 'seq is not a whole number';
  if (typeof prev !== 'string' || !HEX.test(prev)) return 'prev is not a SHA-256 in lower-case hex';
  if (typeof id !== 'string' || !/^rec_[0-9a-z_]{1,64}$/.test(id)) return 'id is not a record id';
  if (typeof at !== 'string' || !TIME.test(at)) return 'at is not a time';
  if (typeof kind !== 'string' || !/^[a-z]+(\.[a-z]+)?$/.test(kind)) return 'kind is not a kind';
  return { seq, prev, id, kind, fields };
}
