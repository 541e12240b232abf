import { createHash } from 'node:crypto';
import { blocksOf, type Fields, isFields, objectsOf } from './json.ts';

/** Usage as the Messages API reports it, at the start of an answer. Token numbers are about a quarter of the bytes. */
export interface InputUsage {
  readonly input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation: {
    readonly ephemeral_5m_input_tokens: number;
    readonly ephemeral_1h_input_tokens: number;
  };
  readonly service_tier: 'standard';
  readonly inference_geo: string;
  readonly speed: 'standard' | 'fast';
}

/** Tokens of a text: a quarter of its bytes in UTF-8, rounded up. Stands in for a tokenizer; deterministic is what matters. */
export function tokensOf(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

/** Tokens of a message's frame: never cached, so that input is never 0, as on the API. */
const FRAME = 3;

interface Position {
  /** Hash of everything up to here. */
  readonly digest: string;
  /** Tokens up to here. */
  readonly tokens: number;
  readonly ttl: '5m' | '1h' | undefined;
}

/** Cached prefixes remembered; the oldest are forgotten beyond that. */
const REMEMBERED = 20_000;

/**
 * The prompt cache of one simulation. A prefix that ends at a `cache_control` mark is written when first seen and read
 * afterwards; nothing expires. The longest known prefix at or before the newest mark is what is read, wherever the marks
 * stand in this request, because Claude Code moves its marks forward with the conversation.
 */
export class PromptCache {
  readonly #known = new Set<string>();

  /** Counts a request's input and remembers its marked prefixes. */
  account(body: Fields): InputUsage {
    const positions = positionsOf(body);
    const total = positions.at(-1)?.tokens ?? 0;
    const lastMark = positions.findLastIndex((position) => position.ttl !== undefined);
    const readAt = positions.findLastIndex((position, index) => index <= lastMark && this.#known.has(position.digest));
    const read = positions[readAt]?.tokens ?? 0;
    const written = { '5m': 0, '1h': 0 };
    let reached = read;
    for (const position of positions.slice(readAt + 1)) {
      if (position.ttl === undefined) continue;
      written[position.ttl] += position.tokens - reached;
      reached = position.tokens;
    }
    this.#remember(positions);
    return {
      input_tokens: FRAME + total - reached,
      cache_creation_input_tokens: written['5m'] + written['1h'],
      cache_read_input_tokens: read,
      cache_creation: { ephemeral_5m_input_tokens: written['5m'], ephemeral_1h_input_tokens: written['1h'] },
      service_tier: 'standard',
      inference_geo: typeof body.inference_geo === 'string' ? body.inference_geo : 'global',
      speed: body.speed === 'fast' ? 'fast' : 'standard',
    };
  }

  #remember(positions: readonly Position[]): void {
    for (const position of positions) if (position.ttl !== undefined) this.#known.add(position.digest);
    for (const oldest of this.#known) {
      if (this.#known.size <= REMEMBERED) break;
      this.#known.delete(oldest);
    }
  }
}

/** All input tokens of a request, cached or not: what count_tokens answers. */
export function countTokens(body: Fields): number {
  return FRAME + (positionsOf(body).at(-1)?.tokens ?? 0);
}

/** The request block by block in the order the API caches: tools, system, messages. The model is part of every prefix. */
function positionsOf(body: Fields): Position[] {
  const blocks = [...objectsOf(body.tools), ...blocksOf(body.system)];
  for (const message of objectsOf(body.messages)) {
    for (const block of blocksOf(message.content)) blocks.push({ ...block, role: message.role });
  }
  let digest = createHash('sha256').update(String(body.model)).digest('hex');
  let bytes = 0;
  return blocks.map((block, index) => {
    const text = JSON.stringify({ ...block, cache_control: undefined });
    bytes += Buffer.byteLength(text);
    digest = createHash('sha256').update(digest).update(text).digest('hex');
    // A mark at the top level of the request stands for one on the last block.
    const mark = block.cache_control ?? (index === blocks.length - 1 ? body.cache_control : undefined);
    return { digest, tokens: Math.ceil(bytes / 4), ttl: ttlOf(mark) };
  });
}

function ttlOf(mark: unknown): '5m' | '1h' | undefined {
  if (!isFields(mark)) return undefined;
  return mark.ttl === '1h' ? '1h' : '5m';
}
