const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const DATA = Buffer.from('data');
const EVENT = Buffer.from('event');
const BOM = [0xef, 0xbb, 0xbf] as const;

/** How far a line has come: 0 to 3 bytes of a byte order mark and nothing else, or OTHER. */
const WHOLE_BOM = 3;
const OTHER = 4;

/**
 * Takes one event. `event` is the value of its `event` field, '' when that is empty or absent; `data` is its `data` lines
 * joined by LF. `named` is false when there was no `event` field: such an event is of type `message` for a browser, and
 * the official SDK does not show it at all.
 */
export type OnSseEvent = (event: string, data: string, named: boolean) => void;

export interface SseOptions {
  /** Largest event, in bytes before the blank line that ends it; 16 MiB unless told. */
  readonly maxEventBytes?: number;
  /** Asked once for every event, by the value of its `event` field; data of events it declines is never decoded. */
  readonly wants?: (event: string) => boolean;
}

/**
 * Frames server-sent events on bytes as they arrive (WHATWG HTML, 9.2.5 and 9.2.6) and keeps only the unfinished event.
 *
 * Three times the official Anthropic SDK reads a stream otherwise, and since it is what callers believe, so does this:
 * it drops a byte order mark in front of any line, not only of the first, so that a line of nothing else ends the event;
 * it shows events that have a name and no data; and a nameless `event:` field without data names the event after it.
 * Only a blank line that ends everything for both readings is a boundary.
 */
export class SseScanner {
  readonly #onEvent: OnSseEvent;
  readonly #wants: ((event: string) => boolean) | undefined;
  readonly #max: number;
  /** The unfinished event, as far as it came in earlier chunks: the first `#held` bytes. */
  #buffer: Buffer = Buffer.alloc(0);
  #held = 0;
  #dropping = false;
  #overflowed = false;
  #line = 0;
  #firstLine = true;
  /** What the CR that the last chunk ended with was the end of: an LF may still belong to it. */
  #pendingCR: 'none' | 'line' | 'blank' = 'none';
  #atBoundary = true;
  /** An `event` field was read since the last event was reported. */
  #named = false;

  constructor(onEvent: OnSseEvent, options: SseOptions = {}) {
    this.#onEvent = onEvent;
    this.#wants = options.wants;
    this.#max = options.maxEventBytes ?? 16 * 1024 * 1024;
  }

  /** True when the stream stands between two events: nothing of a further one has arrived. True before the first byte. */
  get atBoundary(): boolean {
    return this.#atBoundary;
  }

  /** True once an event was larger than `maxEventBytes`: it was not reported, and framing went on behind it. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /**
   * Feeds a chunk; reports the events that end in it. Returns the offset in this chunk just behind the last blank line, 0 when
   * none ended in it. A relay may insert an event of its own exactly there.
   *
   * A blank line that ends with CR as the very last byte is no boundary yet, because an LF at the start of the next chunk would
   * be part of it; its event is reported all the same. The LF, when it comes, makes offset 1 of its chunk a boundary.
   */
  push(chunk: Uint8Array): number {
    if (chunk.length === 0) return 0;
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = bytes[0] === LF && this.#pendingCR !== 'none' ? 1 : 0;
    /** Where the event that is being read begins in this chunk. */
    let start = this.#pendingCR === 'blank' ? at : 0;
    let boundary = this.#named ? 0 : start;
    this.#pendingCR = 'none';
    // Both are searched again only once passed, so that many line ends of one kind do not search for the other each time.
    let lf = bytes.indexOf(LF, at);
    let cr = bytes.indexOf(CR, at);
    while (at < bytes.length) {
      if (lf !== -1 && lf < at) lf = bytes.indexOf(LF, at);
      if (cr !== -1 && cr < at) cr = bytes.indexOf(CR, at);
      const end = lf === -1 || (cr !== -1 && cr < lf) ? cr : lf;
      this.#advance(bytes, at, end === -1 ? bytes.length : end);
      if (end === -1) break;
      const next = end === cr && bytes[end + 1] === LF ? end + 2 : end + 1;
      const open = end === cr && next === bytes.length && next === end + 1;
      const blank = this.#line === 0 || (this.#line === WHOLE_BOM && this.#firstLine);
      if (open) this.#pendingCR = blank ? 'blank' : 'line';
      if (blank || this.#line === WHOLE_BOM) {
        this.#finish(bytes, start, at);
        start = next;
        if (blank && !open && !this.#named) boundary = next;
      }
      this.#line = 0;
      this.#firstLine = false;
      at = next;
    }
    this.#hold(bytes, start);
    this.#atBoundary = boundary === bytes.length;
    return boundary;
  }

  /** Follows the current line through these bytes: only its first four decide whether it is blank. */
  #advance(bytes: Buffer, from: number, to: number): void {
    for (let i = from; i < to && this.#line < OTHER; i++)
      this.#line = bytes[i] === BOM[this.#line] ? this.#line + 1 : OTHER;
  }

  /** Keeps what is left of a chunk. Copied, because the chunk belongs to whoever fed it. */
  #hold(bytes: Buffer, from: number, to = bytes.length): void {
    const size = this.#held + to - from;
    if (size > this.#max) {
      this.#dropping = true;
      this.#overflowed = true;
    }
    if (this.#dropping || from === to) return;
    if (size > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(1024, 2 * size));
      this.#buffer.copy(larger, 0, 0, this.#held);
      this.#buffer = larger;
    }
    bytes.copy(this.#buffer, this.#held, from, to);
    this.#held = size;
  }

  /** The event that ends with the bytes [from, to) is whole. */
  #finish(bytes: Buffer, from: number, to: number): void {
    if (this.#held > 0 || this.#dropping || to - from > this.#max) {
      this.#hold(bytes, from, to);
      const raw = this.#buffer.subarray(0, this.#held);
      const whole = !this.#dropping;
      this.#held = 0;
      this.#dropping = false;
      if (raw.length > 65_536 || !whole) this.#buffer = Buffer.alloc(0);
      if (whole) this.#report(raw);
      else this.#named = false;
    } else if (to > from) this.#report(bytes.subarray(from, to));
  }

  /** Reads the lines of a whole event. The name may stand behind the data, so data is decoded last. */
  #report(raw: Buffer): void {
    let name = '';
    let lines = 0;
    let from = 0;
    let to = 0;
    eachField(raw, (isData, start, end) => {
      if (!isData) {
        name = raw.toString('utf8', start, end);
        this.#named = true;
      } else if (lines++ === 0) {
        from = start;
        to = end;
      }
    });
    if (name === '' && lines === 0) return;
    const named = this.#named;
    this.#named = false;
    if (this.#wants !== undefined && !this.#wants(name)) return;
    this.#onEvent(name, lines > 1 ? joinData(raw) : raw.toString('utf8', from, to), named);
  }
}

/** Calls `take` with the value's place for every `event` and `data` field of an event, in order. */
function eachField(raw: Buffer, take: (isData: boolean, start: number, end: number) => void): void {
  let lf = raw.indexOf(LF);
  let cr = raw.indexOf(CR);
  for (let at = 0; at < raw.length; ) {
    if (lf !== -1 && lf < at) lf = raw.indexOf(LF, at);
    if (cr !== -1 && cr < at) cr = raw.indexOf(CR, at);
    const end = Math.min(lf === -1 ? raw.length : lf, cr === -1 ? raw.length : cr);
    const field = raw[at] === BOM[0] && raw[at + 1] === BOM[1] && raw[at + 2] === BOM[2] ? at + 3 : at;
    const isData = isField(raw, field, DATA);
    if (isData || isField(raw, field, EVENT)) {
      const colon = field + (isData ? DATA : EVENT).length;
      // One space behind the colon is not part of the value; a field without a colon is empty.
      take(isData, colon === end ? end : colon + (raw[colon + 1] === SPACE ? 2 : 1), end);
    }
    // Between the CR and the LF of one line end this sees an empty line, which says nothing.
    at = end + 1;
  }
}

function isField(raw: Buffer, at: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i++) if (raw[at + i] !== name[i]) return false;
  const after = raw[at + name.length];
  return after === COLON || after === LF || after === CR || after === undefined;
}

function joinData(raw: Buffer): string {
  const lines: string[] = [];
  eachField(raw, (isData, start, end) => {
    if (isData) lines.push(raw.toString('utf8', start, end));
  });
  return lines.join('\n');
}
