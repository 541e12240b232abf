import { createHash } from 'node:crypto';
import { printable } from '../../kernel/text.ts';
import { isFields, objectsOf, stringOf } from './json.ts';
import type { Turn } from './turn.ts';
import { tokensOf } from './usage.ts';

/** Text as the pieces that a stream sends, one delta each. */
export interface TextBlock {
  readonly type: 'text';
  readonly pieces: readonly string[];
}

export interface ToolUseBlock {
  readonly type: 'tool_use';
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/** What the simulated model says. */
export interface Reply {
  readonly content: readonly (TextBlock | ToolUseBlock)[];
  readonly stopReason: 'end_turn' | 'tool_use' | 'max_tokens';
  /** Never above the request's max_tokens. */
  readonly outputTokens: number;
}

/** Hash of a request body that all ids of its answer are made from: the same body gives the same answer. */
export function fingerprintOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 24);
}

/** A text answer, a few words a delta, cut where max_tokens is reached as a real one would be. */
export function textReply(text: string, maxTokens: number): Reply {
  const needed = tokensOf(text);
  const kept = needed <= maxTokens ? text : firstBytes(text, maxTokens * 4);
  return {
    content: [{ type: 'text', pieces: piecesOf(kept) }],
    stopReason: needed <= maxTokens ? 'end_turn' : 'max_tokens',
    outputTokens: Math.max(1, tokensOf(kept)),
  };
}

/**
 * A text of given pieces, sent whole even beyond max_tokens, so that a test gets the length it asked for; the reported
 * tokens stay within max_tokens.
 */
export function piecedReply(pieces: readonly string[], maxTokens: number): Reply {
  const bytes = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
  return {
    content: [{ type: 'text', pieces }],
    stopReason: 'end_turn',
    outputTokens: Math.max(1, Math.min(Math.ceil(bytes / 4), maxTokens)),
  };
}

/** A call of one tool. */
export function toolReply(call: { name: string; input: unknown; fingerprint: string }, maxTokens: number): Reply {
  const { name, input, fingerprint } = call;
  return {
    content: [{ type: 'tool_use', id: `toolu_sim_${fingerprint}`, name, input }],
    stopReason: 'tool_use',
    outputTokens: Math.min(8 + tokensOf(JSON.stringify(input)), maxTokens),
  };
}

/** The answer where no directive decides: the tool's result if there is one, else the user's own words. */
export function plainReply(turn: Turn): Reply {
  return textReply(turn.toolResults.length > 0 ? resultSentence(turn) : echoSentence(turn), turn.maxTokens);
}

function echoSentence(turn: Turn): string {
  const opening = `Simulated answer from ${turn.model}: no model was asked.`;
  const quote = quoted(turn.userText, 120);
  return `${opening} ${quote === '' ? 'The request held no text.' : `You wrote "${quote}".`}`;
}

function resultSentence(turn: Turn): string {
  return `Simulated answer: ${turn.toolResults
    .map((result) => `the tool ${result.isError ? 'failed with' : 'said'} "${quoted(reportIn(result.text), 300)}"`)
    .join(' and ')}.`;
}

/** Claude Code hands a sub-agent's report over indented, after a preamble longer than any quote; other results stay whole. */
function reportIn(text: string): string {
  const report = /^.*The report follows:\n((?: {2}.*\n?)+)/m.exec(text)?.[1];
  return report ?? text;
}

function quoted(text: string, max: number): string {
  return printable(
    text
      .slice(0, max * 20)
      .replace(/\s+/g, ' ')
      .trim(),
    max,
  );
}

/** A structured answer: the smallest value that fits the schema; a `title` is "Simulated session", as Claude Code asks for one. */
export function structuredReply(schema: unknown, maxTokens: number): Reply {
  return textReply(JSON.stringify(exampleOf(schema, 0)), maxTokens);
}

function exampleOf(schema: unknown, depth: number): unknown {
  if (!isFields(schema) || depth > 8) return null;
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const variant = objectsOf(schema.anyOf)[0];
  if (variant !== undefined) return exampleOf(variant, depth + 1);
  const properties = schema.properties;
  if (isFields(properties)) {
    const entries = Object.entries(properties).map(([key, value]) => [
      key,
      key === 'title' && isFields(value) && value.type === 'string' ? 'Simulated session' : exampleOf(value, depth + 1),
    ]);
    return Object.fromEntries(entries);
  }
  const blanks: Readonly<Record<string, unknown>> = {
    string: 'simulated',
    number: 0,
    integer: 0,
    boolean: false,
    array: [],
    object: {},
  };
  return blanks[stringOf(schema.type)] ?? null;
}

/** Three words a piece, white space kept. */
function piecesOf(text: string): string[] {
  return text.match(/(?:\s*\S+){1,3}\s*$|(?:\s*\S+){1,3}/g) ?? [text];
}

/** The longest start of a text within so many bytes of UTF-8 that ends at a whole character. */
function firstBytes(text: string, bytes: number): string {
  return new TextDecoder().decode(Buffer.from(text).subarray(0, bytes), { stream: true });
}
