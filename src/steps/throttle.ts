import { Refusal } from '../kernel/errors.ts';
import type { Exchange } from './exchange.ts';
import type { Services } from './services.ts';

/** Takes this caller's place among the open calls, and the declared bytes, so that one caller cannot starve the others. */
export function throttle(x: Exchange, s: Services): void {
  const principal = x.principal.value;
  const call = s.openCalls.open(principal.id, principal.credential.id);
  x.openCall.set(call);
  if (x.envelope.contentLength !== null) call.claim(x.envelope.contentLength);
  // The caller may have hung up while it was being identified.
  if (x.envelope.gone.aborted) throw new Refusal('request_malformed', { fields: { reason: 'the caller hung up' } });
}
