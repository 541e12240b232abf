import { either } from '../kernel/signals.ts';
import { childSpan, formatTraceparent } from '../kernel/trace.ts';
import { cutOf } from './cut.ts';
import type { Exchange } from './exchange.ts';
import type { Services } from './services.ts';

/** Sends the caller's bytes under our credential. Ends at once when the caller hangs up or the call is cut. */
export async function forward(x: Exchange, s: Services): Promise<void> {
  // Revoked between the decision and now: nothing is sent any more.
  const cut = cutOf(x);
  if (cut !== null) throw cut;
  x.sentAt = s.clock.monotonic();
  const reply = await x.carrier.send({
    ownHeaders: traceHeaders(x),
    signal: either(x.envelope.gone, x.openCall.value.cut),
  });
  x.firstByteAt = s.clock.monotonic();
  x.upstream.set(reply);
}

/** The caller's trace goes on with a span of ours; `tracestate` passes with the caller's own headers. */
function traceHeaders(x: Exchange): [string, string][] {
  return [['traceparent', formatTraceparent(childSpan(x.trace))]];
}
