import type { Json, JsonObject } from '../../journal/records.ts';
import { SseScanner } from '../sse.ts';
import { foldedPasses } from './passes.ts';

/** What a reply to a Messages call says about itself. */
export interface MeterReport {
  readonly messageId: string | null;
  readonly model: string | null;
  readonly stopReason: string | null;
  /**
   * As the provider reported it, unknown keys kept: `message_start` with the later `message_delta` values over it, where a
   * later value that is not null wins; a running total that fell keeps what it was. Null when none was reported.
   */
  readonly usage: JsonObject | null;
  readonly error: { readonly type: string; readonly message: string } | null;
  /** `message_stop` was seen (stream), or a whole message or token count was parsed (JSON). */
  readonly complete: boolean;
  /** `tool_use` blocks that have begun: the calls the client is told to run. Server tools are not among them. */
  readonly toolUses: number;
  /** Bytes of text, thinking and tool input that were seen, UTF-8 without the JSON around them; what a silent end is charged by. */
  readonly visibleBytes: number;
  /** Events of the stream; 0 for JSON. */
  readonly events: number;
  /** Events, or bodies, that ought to be JSON and are not, and one for an event over the scanner's bound. */
  readonly malformed: number;
}

/** Bounds on what is kept of a reply, so that a provider cannot fill memory or the journal. In characters and entries. */
const MAX_NAME = 256;
const MAX_MESSAGE = 4096;
const MAX_USAGE_KEYS = 64;
const MAX_USAGE_KEY = 64;
const MAX_USAGE_VALUE = 8192;

/**
 * Running totals: they only grow. Servers that speak the protocol by imitation end a stream with zeros for what its beginning
 * reported, and what the model read would then be free (P2).
 */
const TOTALS = new Set([
  'input_tokens',
  'output_tokens',
  'cache_creation_input_tokens',
  'cache_read_input_tokens',
  'cache_creation',
  'server_tool_use',
]);

/** What money is counted from: kept however many other keys came before. */
const COUNTED = new Set([...TOTALS, 'iterations']);

/** Events of these names come by the thousand; their data is parsed only when it could be of a type that counts. */
const FREQUENT = new Set(['content_block_delta', 'content_block_stop']);
/** A type can hide from this only behind a \u escape, which is therefore looked for as well. */
const COULD_COUNT = /"(?:message_|content_block_start)|\\u/;

/**
 * Meters a streamed reply while it is relayed. Never throws on what the provider sends, and reads it as the official SDK
 * does, so that no caller sees usage that is not metered: the type inside the data counts and not the event's name, with
 * the exceptions the SDK makes: `ping` and nameless events are skipped, and any `error` event ends the message.
 */
export class MessageMeter {
  readonly #facts = new Facts();
  readonly #scanner: SseScanner;
  #events = 0;
  #visible = 0;

  constructor() {
    this.#scanner = new SseScanner((event, data, named) => this.#take(event, data, named), {
      wants: (event) => {
        this.#events++;
        return event !== 'ping' && this.#facts.error === null;
      },
    });
  }

  /** Feeds a chunk; returns the offset behind the last blank line in it, as SseScanner.push does. */
  push(chunk: Uint8Array): number {
    return this.#scanner.push(chunk);
  }

  /** What is known so far. */
  report(): MeterReport {
    return { ...this.#facts.report(this.#events, this.#scanner.overflowed ? 1 : 0), visibleBytes: this.#visible };
  }

  /** Bytes that were seen so far; cheaper to ask for than a report. */
  get visibleBytes(): number {
    return this.#visible;
  }

  /** True once the provider has said what it read. */
  get begun(): boolean {
    return this.#facts.counted;
  }

  #take(event: string, data: string, named: boolean): void {
    if (!named) return;
    if (event === 'content_block_delta') this.#visible += visibleIn(data);
    if (event === 'error') this.#facts.fail(parse(data), data);
    else if (data !== '' && !(FREQUENT.has(event) && !COULD_COUNT.test(data))) this.#facts.event(parse(data));
  }
}

const UTF8 = new TextDecoder();

/**
 * Meters a reply that came as one JSON body: a message, an error envelope, or a token count, whose `input_tokens` is then
 * the usage. Never throws: a body that is none of these counts as malformed.
 */
export function meterMessage(body: Uint8Array): MeterReport {
  const facts = new Facts();
  const reply = parse(UTF8.decode(body));
  if (!isObject(reply)) facts.malformed++;
  else if (reply.type === 'error' || isObject(reply.error)) facts.fail(reply, '');
  else if (reply.type === 'message') {
    facts.message(reply);
    facts.complete = true;
  } else if (typeof reply.input_tokens === 'number') {
    facts.count({ input_tokens: reply.input_tokens });
    facts.complete = true;
  } else facts.malformed++;
  return facts.report(0, 0);
}

/** Where the words of a delta begin, whichever kind it is. A signature is none: it costs no tokens. */
const WORDS = /"(?:text|thinking|partial_json)"\s*:\s*"/;

/** Bytes of words in a delta; its closing `"}}` is not among them. */
function visibleIn(data: string): number {
  const match = WORDS.exec(data);
  if (match === null) return 0;
  return Math.max(0, Buffer.byteLength(data.slice(match.index + match[0].length)) - 3);
}

type Parsed = { readonly [key: string]: unknown };
const NOT_JSON = Symbol('not JSON');

/** Values out of JSON.parse hold own keys only, `__proto__` included, so reading them by name is safe. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return NOT_JSON;
  }
}

function isObject(value: unknown): value is Parsed {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function clip(value: unknown, max: number): string | null {
  return typeof value === 'string' ? value.slice(0, max) : null;
}

/** What a reply has said so far. */
class Facts {
  messageId: string | null = null;
  model: string | null = null;
  stopReason: string | null = null;
  error: MeterReport['error'] = null;
  complete = false;
  toolUses = 0;
  malformed = 0;
  readonly #usage = new Map<string, Json>();
  counted = false;

  report(events: number, oversized: number): MeterReport {
    const { messageId, model, stopReason, error, complete, toolUses } = this;
    const usage = this.counted ? Object.fromEntries(this.#usage) : null;
    return {
      messageId,
      model,
      stopReason,
      usage,
      error,
      complete,
      toolUses,
      visibleBytes: 0,
      events,
      malformed: this.malformed + oversized,
    };
  }

  event(data: unknown): void {
    if (data === NOT_JSON) this.malformed++;
    if (!isObject(data)) return;
    if (data.type === 'message_start' && isObject(data.message)) this.message(data.message);
    else if (data.type === 'message_delta') {
      if (isObject(data.delta)) this.#stop(data.delta);
      this.count(data.usage);
    } else if (data.type === 'message_stop') this.complete = true;
    else if (data.type === 'content_block_start') this.#block(data.content_block);
  }

  /** A whole message, or its beginning. */
  message(message: Parsed): void {
    this.messageId = clip(message.id, MAX_NAME) ?? this.messageId;
    this.model = clip(message.model, MAX_NAME) ?? this.model;
    this.#stop(message);
    if (Array.isArray(message.content)) for (const block of message.content) this.#block(block);
    this.count(message.usage);
  }

  #stop(holder: Parsed): void {
    this.stopReason = clip(holder.stop_reason, MAX_NAME) ?? this.stopReason;
  }

  #block(block: unknown): void {
    if (isObject(block) && block.type === 'tool_use') this.toolUses++;
  }

  /** An error envelope, `{error: {type, message}}`, or whatever came in the place of one. */
  fail(envelope: unknown, text: string): void {
    if (envelope === NOT_JSON) this.malformed++;
    const error = isObject(envelope) && isObject(envelope.error) ? envelope.error : {};
    this.error = {
      type: clip(error.type, MAX_NAME) ?? 'unknown',
      message: clip(error.message, MAX_MESSAGE) ?? text.slice(0, MAX_MESSAGE),
    };
  }

  /** Lays a usage report over those before. */
  count(usage: unknown): void {
    if (!isObject(usage)) return;
    this.counted = true;
    for (const [key, said] of Object.entries(usage)) {
      const value = isSmall(said) ? said : inPlaceOf(key, said);
      if (key === '__proto__' || key.length > MAX_USAGE_KEY || !isSmall(value)) continue;
      const known = this.#usage.has(key);
      if (known ? value === null : this.#usage.size >= MAX_USAGE_KEYS && !COUNTED.has(key)) continue;
      if (known && TOTALS.has(key) && fell(this.#usage.get(key), value)) continue;
      this.#usage.set(key, value);
    }
  }
}

/**
 * What stands for a value that cannot be kept. Of what money is counted from it is a word that nobody takes for a count, so that
 * the call is not wholly metered.
 */
function inPlaceOf(key: string, said: unknown): unknown {
  if (key === 'iterations') return foldedPasses(said);
  return COUNTED.has(key) ? 'unreadable' : said;
}

/** Whether a number, or one in an object of numbers, is less than it was. */
function fell(before: unknown, now: unknown): boolean {
  if (typeof before === 'number') return typeof now === 'number' && now < before;
  if (!isObject(before) || !isObject(now)) return false;
  return Object.entries(before).some(([key, value]) => typeof value === 'number' && fell(value, now[key]));
}

/** The report of a reply that never came. */
export const NO_REPLY: MeterReport = new Facts().report(0, 0);

/** True for what may be kept of a usage report: a finite number or anything of bounded size. */
function isSmall(value: unknown): value is Json {
  if (typeof value === 'number') return Number.isFinite(value);
  try {
    return JSON.stringify(value).length <= MAX_USAGE_VALUE;
  } catch {
    // Nested so deep that it cannot be written.
    return false;
  }
}
