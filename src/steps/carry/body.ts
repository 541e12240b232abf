import { Refusal } from '../../kernel/errors.ts';
import { type FoundValue, JsonScanError, type ScanResult, scanJson } from '../../kernel/json-scan.ts';
import { cutRefusal } from '../../limits/open-calls.ts';
import type { ReadOrders } from '../carrier.ts';
import type { HeldEnvelope, RequestFields } from '../exchange.ts';
import { SERVER_SIDE_FIELDS, serverSideOf } from '../server-side.ts';

/** The fields decided on. Each stands once, in its exact spelling, or the request is refused. */
const DECIDED = ['model', 'stream', 'max_tokens', ...SERVER_SIDE_FIELDS];
const MAX_DEPTH = 128;
const MAX_MODEL = 256;
const MODEL = /^[A-Za-z0-9][A-Za-z0-9._:@/+-]*$/;

/** Reads a body whole, within its bounds; what it declared and what came must be the same. Throws as Carrier.read does. */
export async function bodyOf(
  { body, contentLength }: Pick<HeldEnvelope, 'body' | 'contentLength'>,
  { maxBytes, cut, claim }: ReadOrders,
): Promise<Buffer> {
  let size = 0;
  const take = (bytes: number): void => {
    size += bytes;
    if (size > maxBytes) throw new Refusal('request_too_large', { fields: { limit: maxBytes } });
    // Chunked bodies declare nothing, so their bytes are claimed as they come.
    if (contentLength === null) claim(bytes);
  };
  const whole = body === null ? Buffer.alloc(0) : await collect(body, { cut, take, expected: contentLength });
  if (contentLength !== null && size !== contentLength) {
    throw new Refusal('request_malformed', { fields: { reason: 'the body is shorter than its content-length' } });
  }
  return whole;
}

interface Collecting {
  /** Ends the waiting, also for a body that trickles (P3). */
  readonly cut: AbortSignal;
  /** Asked before a piece of so many bytes is kept; may throw. */
  readonly take: (bytes: number) => void;
  /** Declared length, null when unknown. */
  readonly expected: number | null;
}

/**
 * Collects a body. One that came in one piece is taken as it is. Else the bytes are copied as they come: a piece of one byte would
 * otherwise be held with all the memory around it, a hundred times what its caller is charged for.
 *
 * @throws Refusal what `take` throws, or why the call was cut
 */
export function collect(body: AsyncIterable<Uint8Array>, options: Collecting): Promise<Buffer> {
  const { cut } = options;
  // One listener for the whole body: racing every piece against the signal would leave something behind for each.
  return new Promise((resolve, reject) => {
    cut.addEventListener('abort', () => reject(cutRefusal(cut)), { once: true });
    gather(body, options).then(resolve, reject);
  });
}

async function gather(body: AsyncIterable<Uint8Array>, { cut, take, expected }: Collecting): Promise<Buffer> {
  let buffer = Buffer.alloc(0);
  let size = 0;
  for await (const piece of body) {
    if (cut.aborted) throw cutRefusal(cut);
    take(piece.byteLength);
    if (size === 0 && piece.byteLength === expected && piece.buffer.byteLength === expected) {
      buffer = Buffer.from(piece.buffer as ArrayBuffer);
      size = expected;
      continue;
    }
    buffer = grown(buffer, size + piece.byteLength, expected);
    buffer.set(piece, size);
    size += piece.byteLength;
  }
  return buffer.subarray(0, size);
}

/** Of what a caller declares, this much is set aside at once: it is charged for it, and few bodies are larger. */
const AT_ONCE = 1024 * 1024;

/** The same bytes in a buffer of at least `least`; it doubles up to what is expected, so that growing copies few bytes twice. */
function grown(buffer: Buffer<ArrayBuffer>, least: number, expected: number | null): Buffer<ArrayBuffer> {
  if (least <= buffer.length) return buffer;
  const doubled = Math.min(2 * buffer.length, expected ?? Number.POSITIVE_INFINITY);
  const larger = Buffer.allocUnsafeSlow(Math.max(doubled, least, Math.min(expected ?? 0, AT_ONCE)));
  buffer.copy(larger);
  return larger;
}

/** The fields that are decided on, by position. Throws Refusal request_ambiguous or request_malformed. */
export function fieldsIn(body: Buffer): RequestFields {
  return fieldsOf(scan(body));
}

function scan(body: Buffer): ScanResult {
  try {
    return scanJson(body, { fields: DECIDED, maxDepth: MAX_DEPTH });
  } catch (error) {
    if (!(error instanceof JsonScanError)) throw error;
    const code = error.ambiguous ? 'request_ambiguous' : 'request_malformed';
    throw new Refusal(code, { fields: { reason: error.reason }, detail: `at byte ${error.offset}` });
  }
}

function fieldsOf(result: ScanResult): RequestFields {
  const malformed = (reason: string): Refusal => new Refusal('request_malformed', { fields: { reason } });
  if (result.root !== 'object') throw malformed('the body is not a JSON object');
  const model = result.first('model');
  if (model?.kind !== 'string' || typeof model.value !== 'string') throw malformed('"model" must be a string');
  if (model.value === '' || model.value.length > MAX_MODEL) throw malformed('"model" is empty or too long');
  // A name that some server trims or folds could pass a rule that is about the name it becomes.
  if (!MODEL.test(model.value)) throw malformed('"model" holds a character that no model\'s name has');
  const stream = result.first('stream');
  // Providers read null as absent; anything else that is not a boolean could be read either way.
  if (stream !== undefined && !['true', 'false', 'null'].includes(stream.kind))
    throw malformed('"stream" must be true or false');
  const maxTokens = result.first('max_tokens');
  if (maxTokens !== undefined && maxTokens.kind !== 'number' && maxTokens.kind !== 'null') {
    throw malformed('"max_tokens" must be a number');
  }
  const bounds = [maxTokens, ...(result.found.get('fallbacks[].max_tokens') ?? [])] as const;
  for (const most of bounds) {
    // The meter and the price count whole tokens.
    const whole = typeof most?.value !== 'number' || (Number.isSafeInteger(most.value) && most.value >= 0);
    if (!whole) throw malformed('"max_tokens" must be a whole number');
  }
  return {
    model: model.value,
    stream: stream?.kind === 'true',
    maxTokens: largest(bounds),
    serverSide: serverSideOf(result),
  };
}

/** Null unless the request itself names one: a fallback's own bound says nothing about the first attempt. */
function largest([own, ...others]: readonly (FoundValue | undefined)[]): number | null {
  if (typeof own?.value !== 'number') return null;
  return Math.max(own.value, ...others.map((other) => (typeof other?.value === 'number' ? other.value : 0)));
}
