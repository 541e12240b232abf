import { Refusal } from '../kernel/errors.ts';
import type { Exchange } from './exchange.ts';
import { rateRefusal } from './rate-refusal.ts';
import { factsOf } from './reserve.ts';
import type { Services } from './services.ts';

/**
 * Takes this caller's place among the open calls, the declared bytes, and its place in every rate that needs no model, so that one
 * caller cannot starve the others.
 */
export function throttle(x: Exchange, s: Services): void {
  const principal = x.principal.value;
  const call = s.openCalls.open(principal.id, principal.credential.id);
  x.openCall.set(call);
  if (x.envelope.contentLength !== null) call.claim(x.envelope.contentLength);
  // The caller may have hung up while it was being identified.
  if (x.envelope.gone.aborted) throw new Refusal('request_malformed', { fields: { reason: 'the caller hung up' } });
  const { action } = x.envelope;
  // Whatever costs nothing is counted as token counts are: a listing reaches the provider and the journal as well.
  const entered = s.rates.enter(factsOf(x), action === 'model.call' ? 'call' : 'count', s.clock.monotonic());
  if (entered.refusal !== null) throw rateRefusal(entered.refusal);
  x.rates.set(entered.entry);
  x.observed.push(...entered.observed);
}
