import { Refusal } from '../kernel/errors.ts';
import { JsonScanError, type ScanResult, scanJson } from '../kernel/json-scan.ts';
import type { Exchange, RequestFields } from './exchange.ts';
import type { Services } from './services.ts';

/** The fields decided on. Each stands once, in its exact spelling, or the request is refused. */
const DECIDED = ['model', 'stream', 'max_tokens'] as const;
const MAX_DEPTH = 128;
const MAX_MODEL = 256;

/** Reads the body whole, bounded, and finds the fields that are decided on by position. The bytes themselves are never changed. */
export async function read(x: Exchange, s: Services): Promise<void> {
  if (x.envelope.body === null) {
    x.fields.set({ model: modelOfPath(x.envelope.path), stream: false, maxTokens: null });
    return;
  }
  const body = await collect(x, s);
  x.body.set(body);
  x.fields.set(fieldsOf(scan(body)));
}

async function collect(x: Exchange, s: Services): Promise<Buffer> {
  const { body, contentLength } = x.envelope;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > s.limits.bodyBytes) throw new Refusal('request_too_large', { fields: { limit: s.limits.bodyBytes } });
    // Chunked bodies declare nothing, so their bytes are claimed as they come.
    if (contentLength === null) x.openCall.value.claim(chunk.byteLength);
    chunks.push(chunk);
  }
  if (contentLength !== null && size !== contentLength) {
    throw new Refusal('request_malformed', { fields: { reason: 'the body is shorter than its content-length' } });
  }
  const only = chunks[0];
  if (chunks.length === 1 && only !== undefined) return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
  return Buffer.concat(chunks, size);
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
  const stream = result.first('stream');
  // Providers read null as absent; anything else that is not a boolean could be read either way.
  if (stream !== undefined && !['true', 'false', 'null'].includes(stream.kind))
    throw malformed('"stream" must be true or false');
  const maxTokens = result.first('max_tokens');
  if (maxTokens !== undefined && maxTokens.kind !== 'number' && maxTokens.kind !== 'null') {
    throw malformed('"max_tokens" must be a number');
  }
  return {
    model: model.value,
    stream: stream?.kind === 'true',
    maxTokens: typeof maxTokens?.value === 'number' ? maxTokens.value : null,
  };
}

/** `/v1/models/{id}` names its model in the path; the listing names none. */
function modelOfPath(path: string): string | null {
  const match = /^\/v1\/models\/([^/]+)$/.exec(path);
  return match?.[1] === undefined ? null : decodeURIComponent(match[1]);
}
