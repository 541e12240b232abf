import { Agent, errors } from 'undici';
import { Refusal } from '../../kernel/errors.ts';
import { headersForCaller, headersForUpstream, headerValue, headerValues } from '../headers.ts';
import type { Target, Upstream, UpstreamReply, UpstreamRequest } from '../ports.ts';
import { refuseEcho, withoutEcho } from './echo.ts';

export interface AnthropicOptions {
  readonly target: Target;
  /** Origin and optional path prefix, for example `https://api.anthropic.com`. */
  readonly url: URL;
  /** The provider key; null starts the gateway all the same and refuses calls with upstream_unconfigured. */
  readonly key: string | null;
  /** Longest wait for the provider's first header, milliseconds. */
  readonly firstByteMs: number;
  /** Longest silence inside an answer, milliseconds. */
  readonly silenceMs: number;
  /** Longest wait for a connection, milliseconds. */
  readonly connectMs: number;
}

/** The Claude API, or anything that speaks its protocol. One connection pool; HTTP/1.1 so that bytes and order are plain. */
export function anthropicUpstream(options: AnthropicOptions): Upstream {
  const agent = new Agent({
    allowH2: false,
    headersTimeout: options.firstByteMs,
    bodyTimeout: options.silenceMs,
    connect: { timeout: options.connectMs },
  });
  const prefix = options.url.pathname.replace(/\/$/, '');
  const key = options.key;

  async function send(request: UpstreamRequest): Promise<UpstreamReply> {
    if (key === null) throw new Refusal('upstream_unconfigured');
    const own = [...request.ownHeaders, ['x-api-key', key], ['accept-encoding', 'identity']] as const;
    try {
      const reply = await agent.request({
        origin: options.url.origin,
        path: `${prefix}${request.path}${request.query}`,
        method: request.method,
        headers: headersForUpstream(request.rawHeaders, own),
        body:
          request.body === null
            ? null
            : Buffer.from(request.body.buffer, request.body.byteOffset, request.body.byteLength),
        signal: request.signal,
        responseHeaders: 'raw',
      });
      const rawHeaders = (reply.headers as unknown as readonly (string | Buffer)[]).map(String);
      return readable({ status: reply.statusCode, rawHeaders, body: reply.body, key });
    } catch (error) {
      if (request.signal.aborted) throw error;
      throw refusalOf(error, unreachable);
    }
  }

  return {
    target: options.target,
    unusable: key === null ? 'upstream_unconfigured' : null,
    send,
    close: () => agent.destroy(),
  };
}

interface Received {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly body: AsyncIterable<Uint8Array> & { destroy(): unknown; on(event: 'error', listener: () => void): unknown };
  readonly key: string;
}

function readable({ status, rawHeaders, body, key }: Received): UpstreamReply {
  try {
    refuseCompressed(rawHeaders);
    refuseEcho(rawHeaders, key);
  } catch (error) {
    body.on('error', () => undefined);
    body.destroy();
    throw error;
  }
  return {
    status,
    rawHeaders: headersForCaller(rawHeaders),
    contentType: headerValue(rawHeaders, 'content-type') ?? '',
    requestId: headerValue(rawHeaders, 'request-id'),
    body: unbroken(withoutEcho(body, key)),
  };
}

/** We asked for identity. A compressed answer could not be metered, so it is not passed on unmetered. */
function refuseCompressed(rawHeaders: readonly string[]): void {
  if (headerValues(rawHeaders, 'content-encoding').every((coding) => coding.toLowerCase() === 'identity')) return;
  throw new Refusal('upstream_broken', { fields: { reason: 'it is compressed although identity was asked for' } });
}

/** A body that ends by accident throws what the caller may be told. */
async function* unbroken(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw refusalOf(error, lost);
  }
}

const unreachable = (detail: string): Refusal => new Refusal('upstream_unreachable', { detail });
const lost = (detail: string): Refusal =>
  new Refusal('upstream_broken', { fields: { reason: 'the connection to it was lost' }, detail });

/** Names the failure without the address or anything else of the provider's side; the detail goes to log and journal. */
function refusalOf(error: unknown, otherwise: (detail: string) => Refusal): Refusal {
  if (error instanceof Refusal) return error;
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const late = error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
  return late ? new Refusal('upstream_timeout', { detail }) : otherwise(detail);
}
