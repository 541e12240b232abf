import { KeyObject } from 'node:crypto';
import { types } from 'node:util';
import { printable } from './text.ts';

const MASK = '[redacted]';

/**
 * What a secret looks like wherever it stands: our own credentials, provider keys, bearer and basic credentials, JSON web tokens,
 * private keys. Our own and the provider's are found even when glued to other text. Every pattern is linear.
 */
const SHAPES: readonly RegExp[] = [
  /gh[kao]_[0-9A-Za-z]{20,}/g,
  /sk-ant-[\w-]+/g,
  // A digit, capital or "=" among them tells a credential from "basic authentication".
  /(?<=\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC)\s)(?=[\w.~+/=-]*[\dA-Z=])[\w.~+/=-]{8,}/g,
  /(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g,
];

/** What every one of these shapes holds: most texts hold none of it and need one look instead of five. */
const HINT = /gh[kao]_|sk-ant-|[Bb]earer|BEARER|[Bb]asic|BASIC|eyJ|-----BEGIN/;

const MAX_SCAN = 65_536;
/** No credential is longer. */
const MAX_SECRET = 8_192;

/** Replaces everything in `text` that is shaped like a secret by `[redacted]`. Texts over 64 Ki characters are cut. */
export function maskSecrets(text: string): string {
  if (text.length <= MAX_SCAN && !HINT.test(text)) return text;
  const masked = SHAPES.reduce((rest, shape) => rest.replace(shape, MASK), text.slice(0, MAX_SCAN));
  // The cut may have left the front of a secret, too short to be recognised: what could hold it goes as well.
  return text.length > MAX_SCAN ? `${masked.slice(0, -MAX_SECRET)}…` : masked;
}

/** A string from anywhere made fit for a log line: secrets masked, control characters neutralised, cut to `max`. */
export function safeText(text: string, max = 2_000): string {
  return printable(maskSecrets(text), max);
}

const SENSITIVE =
  /authorization|cookie|secret|token|passw|passphrase|apikey|privatekey|keymaterial|masterkey|signingkey|encryptionkey|contentkey|wrappedkey/;
/** Token counts are usage, not credentials: `input_tokens: 12` stays, `tokens: "abc"` does not. */
const COUNT = /tokens$/;

/** How a value is treated because of the name it stands under. */
type Mode = 'plain' | 'count' | 'secret';

function modeOf(name: string, outer: Mode): Mode {
  const own = modes.get(name) ?? learnt(name);
  if (own === 'count') return outer === 'secret' ? 'secret' : 'count';
  return own === 'secret' ? 'secret' : outer;
}

/** Names of fields come again with every line; an outsider's names are kept within bounds. */
const modes = new Map<string, Mode>();
const MOST_MODES = 500;
const MAX_NAME = 100;

function learnt(name: string): Mode {
  const plain = name.toLowerCase().replace(/[^a-z]/g, '');
  const mode = COUNT.test(plain) ? 'count' : SENSITIVE.test(plain) ? 'secret' : 'plain';
  if (modes.size < MOST_MODES && name.length <= MAX_NAME) modes.set(name, mode);
  return mode;
}

const MAX_DEPTH = 6;
const MAX_ITEMS = 100;

interface Walk {
  readonly depth: number;
  readonly mode: Mode;
  readonly seen: ReadonlySet<object>;
}

function primitive(value: unknown, mode: Mode): unknown {
  if (value === null || value === undefined || typeof value === 'boolean') return value;
  if (mode === 'secret' || (mode === 'count' && typeof value !== 'number')) return MASK;
  if (typeof value === 'string') return safeText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return String(value);
  return `[${typeof value}]`;
}

function error(value: Error, walk: Walk): unknown {
  const fields: Record<string, unknown> = { type: value.name, message: value.message };
  for (const name of Object.keys(value)) fields[name] = Reflect.get(value, name);
  // One entry a line, so that the line breaks survive while those inside a message cannot fake a new log line.
  fields.stack = (value.stack ?? '').split('\n').slice(1, 21);
  if (value.cause !== undefined) fields.cause = value.cause;
  if (value instanceof AggregateError) fields.errors = value.errors;
  return object(fields, walk);
}

function object(value: object, walk: Walk): unknown {
  const copy: Record<string, unknown> = Object.create(null);
  const names = Object.keys(value);
  for (const name of names.slice(0, MAX_ITEMS)) {
    const inner: unknown = Reflect.get(value, name);
    const mode = modeOf(name, walk.mode);
    copy[safeText(name, 100)] = isContainer(inner) ? clean(inner, { ...walk, mode }) : primitive(inner, mode);
  }
  if (names.length > MAX_ITEMS) copy['…'] = names.length - MAX_ITEMS;
  return copy;
}

function container(value: object, walk: Walk): unknown {
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (types.isAnyArrayBuffer(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof KeyObject) return '[key]';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof URL) return walk.mode === 'plain' ? safeText(withoutUserinfo(value)) : MASK;
  if (types.isNativeError(value) || value instanceof Error) return error(value, walk);
  if (value instanceof Map || value instanceof Set) return clean([...value], walk);
  if (!Array.isArray(value)) return object(value, walk);
  const items = value.slice(0, MAX_ITEMS).map((item) => clean(item, walk));
  return value.length > MAX_ITEMS ? [...items, `… ${value.length - MAX_ITEMS} more`] : items;
}

function withoutUserinfo(url: URL): string {
  const copy = new URL(url);
  copy.username = '';
  copy.password = '';
  return copy.href;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function clean(value: unknown, walk: Walk): unknown {
  if (!isContainer(value)) return primitive(value, walk.mode);
  if (walk.seen.has(value)) return '[circular]';
  if (walk.depth >= MAX_DEPTH) return '[deep]';
  try {
    return container(value, { ...walk, depth: walk.depth + 1, seen: new Set([...walk.seen, value]) });
  } catch {
    // A getter or proxy that throws must not take the log line, or the call that logs, with it.
    return '[unreadable]';
  }
}

/**
 * A copy of `fields` that may be written to a log: values under names such as `authorization`, `x-api-key`, `cookie`, `secret`,
 * `token` or `password` are replaced, strings pass `safeText`, bytes become their length, errors become plain objects.
 * Bounded: six levels, a hundred entries each. Never throws.
 */
export function redact(fields: object): Record<string, unknown> {
  const copy = clean(fields, { depth: 0, mode: 'plain', seen: new Set() });
  return typeof copy === 'object' && copy !== null && !Array.isArray(copy)
    ? Object.assign(Object.create(null), copy)
    : Object.assign(Object.create(null), { value: copy });
}
