import type { LookupAddress } from 'node:dns';
import { lookup as lookupName } from 'node:dns/promises';
import { Client, type Dispatcher } from 'undici';
import { openTo } from './addresses.ts';
import { authorities } from './authorities.ts';
import { type Connecting, connecting, type LookUp } from './connecting.ts';
import { failureOf } from './failing.ts';
import { FetchFailure } from './failure.ts';
import type { Fetcher, OutboundAnswer, OutboundRequest } from './ports.ts';
import { type Target, targetOf } from './target.ts';

export interface FetcherOptions {
  /** Networks that the operator opens beside the public internet: `10.20.0.0/16`, or one address. */
  readonly allow: readonly string[];
  /** `host:port` that is reached by http. What it resolves to must be open all the same. */
  readonly plain: readonly string[];
  /** Authorities (PEM) that are trusted beside the well-known ones. */
  readonly ca?: string;
  /** All addresses of a name; the system's resolver unless told. */
  readonly lookUp?: LookUp;
}

export type SafeFetcher = Fetcher & {
  /** Breaks off what is under way; nothing is fetched afterwards. */
  close(): Promise<void>;
};

const DEFAULT_BYTES = 1024 * 1024;
const DEFAULT_MS = 10_000;
const HEADER_BYTES = 32 * 1024;
/** What our callers do not set: they would choose another host than the one that is checked, or another framing. */
const NOT_THEIRS = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'expect', 'upgrade', 'te']);

/**
 * The one way to addresses that an outsider can name. A name is looked up once, and the connection goes to an address of that very
 * answer that was found open; closed ones are left out, and when none is left it is a FetchFailure `refused_address`. The certificate
 * is checked against the name. Every request has a connection of its own, so that none outlives its check. No redirects, no
 * proxies, no cookies, no compression.
 *
 * @throws Error for a network, a place or a file of authorities that cannot be used
 */
export function safeFetcher(options: FetcherOptions): SafeFetcher {
  const { allow, plain, ca, lookUp = systemLookUp } = options;
  const net = { isOpen: openTo(allow), lookUp, ...(ca === undefined ? {} : { context: authorities(ca) }) };
  const places = new Set(plain.map((place) => new URL(`http://${place}`).host));
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  return {
    async fetch(request) {
      const target = targetOf(request.url, places);
      const fetching = exchange(request, { target, net, closing: closing.signal });
      const ended = fetching.catch(() => undefined);
      running.add(ended);
      try {
        return await fetching;
      } finally {
        running.delete(ended);
      }
    },
    async close() {
      closing.abort();
      await Promise.all(running);
    },
  };
}

async function systemLookUp(name: string): Promise<LookupAddress[]> {
  return lookupName(name, { all: true, order: 'verbatim' });
}

interface Exchange {
  readonly target: Target;
  readonly net: Omit<Connecting, 'timeoutMs'>;
  readonly closing: AbortSignal;
}

async function exchange(request: OutboundRequest, { target, net, closing }: Exchange): Promise<OutboundAnswer> {
  const { timeoutMs = DEFAULT_MS } = request;
  const late = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([late, closing]);
  const client = new Client(target.origin, {
    connect: connecting({ ...net, timeoutMs }),
    pipelining: 0,
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  try {
    signal.throwIfAborted();
    const asking = client.request(messageOf(request, { target, signal }));
    // While a connection is being opened the client does not hear of the signal.
    const answer = await Promise.race([asking, aborted(signal)]);
    return await answerOf(answer, { host: target.host, maxBytes: request.maxBytes ?? DEFAULT_BYTES });
  } catch (error) {
    throw failureOf(error, { host: target.host, timeoutMs, late: late.aborted, closed: closing.aborted });
  } finally {
    // Also where the answer is whole: nothing that was checked for this request serves another.
    client.destroy().catch(() => undefined);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

function messageOf(
  { method = 'GET', headers = {}, body }: OutboundRequest,
  { target, signal }: { target: Target; signal: AbortSignal },
): Dispatcher.RequestOptions {
  const theirs = Object.entries(headers).filter(([name]) => !NOT_THEIRS.has(name.toLowerCase()));
  return {
    method,
    path: target.path,
    headers: { 'user-agent': 'gatehouse', ...Object.fromEntries(theirs), 'accept-encoding': 'identity' },
    body: body ?? null,
    signal,
  };
}

async function answerOf(
  { statusCode: status, headers: given, body }: Dispatcher.ResponseData,
  { host, maxBytes }: { host: string; maxBytes: number },
): Promise<OutboundAnswer> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(given)) {
    headers[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : (value ?? '');
  }
  // It was not asked for, and a small answer could unfold to any size.
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') {
    throw new FetchFailure('broken', host, `${host} compressed its answer, which it was asked not to do`);
  }
  const tooLarge = () => new FetchFailure('too_large', host, `${host} answered with more than ${maxBytes} bytes`);
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return { status, headers, body: Buffer.concat(chunks, size) };
}
