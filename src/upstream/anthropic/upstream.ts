import { Agent } from 'undici';
import { Refusal } from '../../kernel/errors.ts';
import { type Answering, dispatch } from '../answering.ts';
import { headersForCaller, headersForUpstream, headerValue, headerValues } from '../headers.ts';
import type { Target, Upstream, UpstreamReply, UpstreamRequest } from '../ports.ts';
import { EchoScreen, refuseEcho } from './echo.ts';
import { broken, connector, failedAnswer, failedCall, interimAnswers } from './failures.ts';

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
    connect: connector(options.connectMs),
  });
  const prefix = options.url.pathname.replace(/\/$/, '');
  const key = options.key;

  async function send(request: UpstreamRequest): Promise<UpstreamReply> {
    if (key === null) throw new Refusal('upstream_unconfigured');
    const own = [...request.ownHeaders, ['x-api-key', key], ['accept-encoding', 'identity']] as const;
    const { signal, body } = request;
    const reply = await dispatch(
      agent,
      {
        origin: options.url.origin,
        path: `${prefix}${request.path}${request.query}`,
        method: request.method,
        headers: headersForUpstream(request.rawHeaders, own),
        body:
          body === null || Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
      },
      {
        signal,
        screen: new EchoScreen(key),
        onInterim: interimAnswers(options.firstByteMs),
        failedCall,
        failedAnswer,
      },
    );
    return readable(reply, key);
  }

  return {
    target: options.target,
    unusable: key === null ? 'upstream_unconfigured' : null,
    send,
    close: () => agent.destroy(),
  };
}

function readable({ status, rawHeaders, body }: Answering, key: string): UpstreamReply {
  try {
    refuseCompressed(rawHeaders);
    refuseEcho(rawHeaders, key);
  } catch (error) {
    void body.return();
    throw error;
  }
  return {
    status,
    rawHeaders: headersForCaller(rawHeaders),
    contentType: headerValue(rawHeaders, 'content-type') ?? '',
    requestId: headerValue(rawHeaders, 'request-id'),
    body,
  };
}

/**
 * We asked for identity. A compressed answer could not be metered, so it is not passed on unmetered; nor is one compressed for the
 * hop alone (RFC 9112 §7), whose header stops here and would leave the caller with bytes nobody can read.
 */
function refuseCompressed(rawHeaders: readonly string[]): void {
  const plain = (name: string, coding: string): boolean =>
    headerValues(rawHeaders, name).every((value) => value.trim().toLowerCase() === coding);
  if (plain('content-encoding', 'identity') && plain('transfer-encoding', 'chunked')) return;
  throw broken('it is compressed although identity was asked for');
}
