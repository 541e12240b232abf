import { Refusal } from '../kernel/errors.ts';
import type { Exchange } from './exchange.ts';
import type { Services } from './services.ts';

/** Longest query accepted, in characters; the real client sends `?beta=true`. */
const MAX_QUERY = 2048;
/** Another charset would be another text to whoever believes the header. */
const JSON_UTF8 = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?;?\s*$/i;

/** What can be refused from the head of the request alone, before anybody is looked up: shutdown, load, declared size, encoding. */
export function admit(x: Exchange, s: Services): void {
  if (s.draining()) throw new Refusal('draining', { retryAfter: 1 });
  if (s.openCalls.full) throw new Refusal('overloaded', { retryAfter: 1 });
  const { contentLength, headers, method, query } = x.envelope;
  // Refused, not cut: what is decided on is what is forwarded (P4).
  if (query.length > MAX_QUERY) throw new Refusal('request_malformed', { fields: { reason: 'its query is too long' } });
  if (method !== 'POST') return;
  if (contentLength !== null && contentLength > s.limits.bodyBytes) {
    throw new Refusal('request_too_large', { fields: { limit: s.limits.bodyBytes } });
  }
  // An encoded body would be decided on in one form and forwarded in another. Node undoes `chunked` and nothing before it.
  const transfer = headers['transfer-encoding'];
  if (transfer !== undefined && String(transfer).toLowerCase() !== 'chunked')
    throw new Refusal('media_type_unsupported');
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw new Refusal('media_type_unsupported');
  const type = headers['content-type'];
  if (typeof type !== 'string' || !JSON_UTF8.test(type)) throw new Refusal('media_type_unsupported');
}
