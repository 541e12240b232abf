import { someRandomHex } from './random.ts';

/** Where a message stands in a distributed trace, as of https://www.w3.org/TR/trace-context/. */
export interface TraceContext {
  /** 32 lower-case hex digits, never all zero. */
  readonly traceId: string;
  /** 16 lower-case hex digits: our own span. */
  readonly spanId: string;
  /** The caller's span, or null when the trace starts here. */
  readonly parentId: string | null;
  /** The flags we understand: 1 sampled, 2 random trace id. */
  readonly flags: number;
  /** `tracestate` to pass on, or null. */
  readonly state: string | null;
}

/** The two headers as received; a header that came twice is joined with a comma, as HTTP says, and thereby refused. */
export interface TraceHeaders {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** Section 3.2.2.3 of the specification: version 00 has exactly four fields; later versions may append more. */
const KNOWN_FLAGS = 0x03;

interface Parent {
  readonly traceId: string;
  readonly parentId: string;
  readonly flags: number;
}

/** Reads a `traceparent` header. @returns null for anything that is not valid in every character */
export function parseTraceparent(header: string): Parent | null {
  const match = header.length <= 256 ? PARENT.exec(header) : null;
  if (match === null) return null;
  const [, version = '', traceId = '', parentId = '', flags = '', rest] = match;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return null;
  return { traceId, parentId, flags: Number.parseInt(flags, 16) & KNOWN_FLAGS };
}

const STATE_KEY = /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/;
const STATE_VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const MAX_STATE = 512;
const MAX_MEMBERS = 32;

/**
 * Reads a `tracestate` header into what may be passed on: at most 512 characters, whole members only, long members dropped first
 * (section 3.3.1.5). One bad member spoils the header, because we could not tell what it means.
 */
export function parseTracestate(header: string): string | null {
  if (header.length > 16_384) return null;
  const members = header
    .split(',')
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((member) => member !== '');
  const keys = new Set<string>();
  for (const member of members) {
    const split = member.indexOf('=');
    const key = member.slice(0, split);
    if (split < 1 || !STATE_KEY.test(key) || !STATE_VALUE.test(member.slice(split + 1)) || keys.has(key)) return null;
    keys.add(key);
  }
  if (members.length === 0 || members.length > MAX_MEMBERS) return null;
  return fit(members);
}

function fit(members: readonly string[]): string | null {
  const kept = [...members];
  while (kept.join(',').length > MAX_STATE) {
    const long = kept.findLastIndex((member) => member.length > 128);
    kept.splice(long === -1 ? kept.length - 1 : long, 1);
  }
  return kept.length === 0 ? null : kept.join(',');
}

function randomId(bytes: 8 | 16): string {
  const id = someRandomHex(bytes);
  // All zero means "no id". The chance is nil, the rule is the specification's.
  return /^0+$/.test(id) ? id.replace(/.$/, '1') : id;
}

/**
 * Our span for an incoming message: a child of the caller's when its `traceparent` is valid, else the start of a new trace.
 * A bad header is ignored, never an error: tracing must not be a way to break a call.
 */
export function startSpan(headers: TraceHeaders): TraceContext {
  const parent = headers.traceparent === undefined ? null : parseTraceparent(headers.traceparent);
  if (parent === null) {
    return { traceId: randomId(16), spanId: randomId(8), parentId: null, flags: 0x02, state: null };
  }
  const state = headers.tracestate === undefined ? null : parseTracestate(headers.tracestate);
  return { ...parent, spanId: randomId(8), state };
}

/** A new span below this one, for example for one attempt at a provider. */
export function childSpan(context: TraceContext): TraceContext {
  return { ...context, parentId: context.spanId, spanId: randomId(8) };
}

/** The `traceparent` header that names this span as the parent of what is called next. Always version 00. */
export function formatTraceparent(context: TraceContext): string {
  return `00-${context.traceId}-${context.spanId}-${context.flags.toString(16).padStart(2, '0')}`;
}
