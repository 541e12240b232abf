import { isUtf8 } from 'node:buffer';
import { JsonLexer } from '../../kernel/json-scan/lexer.ts';

/** Deeper than any token or document of a provider. */
const MAX_DEPTH = 32;

export type JsonValues = Readonly<Record<string, unknown>>;

/**
 * Reads one JSON text (RFC 8259, UTF-8). A name that stands twice in one object is refused at any depth, however it is spelled: of two
 * `sub`, the signer and we might mean different ones (RFC 7519 section 4). So is nesting below 32 levels. The caller bounds the size.
 *
 * @throws JsonScanError or SyntaxError; neither carries content
 */
export function strictJson(bytes: Uint8Array): unknown {
  const lexer = new JsonLexer(bytes);
  if (!isUtf8(bytes)) lexer.fail('the text is not valid UTF-8', 0);
  value(lexer, 0);
  if (lexer.next() !== -1) lexer.fail('something follows the end of the JSON');
  return JSON.parse(lexer.bytes.toString('utf8'));
}

/** The same for a text that must be an object; null for everything that is not one, or not JSON. */
export function strictObject(bytes: Uint8Array): JsonValues | null {
  try {
    return asObject(strictJson(bytes));
  } catch {
    return null;
  }
}

/** `value` as an object, or null for an array and everything else. */
export function asObject(value: unknown): JsonValues | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonValues) : null;
}

function value(lexer: JsonLexer, depth: number): void {
  const first = lexer.next();
  if (first === 0x7b || first === 0x5b) {
    if (depth >= MAX_DEPTH) lexer.fail(`the JSON is nested deeper than ${MAX_DEPTH} levels`);
    lexer.pos++;
    container(lexer, depth + 1, first === 0x7b ? new Set() : null);
  } else if (first === 0x22) lexer.string();
  else if (first === 0x2d || (first >= 0x30 && first <= 0x39)) lexer.number();
  else if (first === 0x74) lexer.word('true');
  else if (first === 0x66) lexer.word('false');
  else if (first === 0x6e) lexer.word('null');
  else lexer.fail('a value is missing');
}

/** What stands behind the opening bracket; `names` is null in an array. */
function container(lexer: JsonLexer, depth: number, names: Set<string> | null): void {
  const close = names === null ? 0x5d : 0x7d;
  if (lexer.next() === close) {
    lexer.pos++;
    return;
  }
  for (;;) {
    if (names !== null) name(lexer, names);
    value(lexer, depth);
    const next = lexer.next();
    lexer.pos++;
    if (next === close) return;
    if (next !== 0x2c) lexer.fail('a comma or the end of an object or array is missing', lexer.pos - 1);
  }
}

function name(lexer: JsonLexer, names: Set<string>): void {
  if (lexer.next() !== 0x22) lexer.fail('a name is missing');
  const start = lexer.pos;
  lexer.string();
  const text: string = JSON.parse(lexer.bytes.toString('utf8', start, lexer.pos));
  if (names.has(text)) lexer.fail('a name stands twice in one object', start);
  names.add(text);
  if (lexer.next() !== 0x3a) lexer.fail('a colon is missing');
  lexer.pos++;
}
