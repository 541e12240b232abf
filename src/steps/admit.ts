import { Refusal } from '../kernel/errors.ts';
import type { Exchange } from './exchange.ts';
import type { Services } from './services.ts';

/** What can be refused from the head of the request alone, before anybody is looked up: shutdown, load, declared size, encoding. */
export function admit(x: Exchange, s: Services): void {
  if (s.draining()) throw new Refusal('draining', { retryAfter: 1 });
  if (s.openCalls.full) throw new Refusal('overloaded', { retryAfter: 1 });
  const { contentLength, headers, method } = x.envelope;
  if (method !== 'POST') return;
  if (contentLength !== null && contentLength > s.limits.bodyBytes) {
    throw new Refusal('request_too_large', { fields: { limit: s.limits.bodyBytes } });
  }
  // An encoded body would be decided on in one form and forwarded in another.
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw new Refusal('media_type_unsupported');
  const type = headers['content-type'];
  if (typeof type !== 'string' || !/^application\/json\s*(;|$)/i.test(type))
    throw new Refusal('media_type_unsupported');
}
