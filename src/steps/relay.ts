import { withoutHeader } from '../upstream/headers.ts';
import { resetOf } from './budget-refusal.ts';
import type { Progress } from './carrier.ts';
import type { Exchange } from './exchange.ts';
import { keepUp } from './keep-up.ts';
import { isUnified, usageHeaders } from './limit-headers.ts';
import { isListing, relayListing } from './listing.ts';
import { keeperOf } from './record-intent.ts';
import { extraOf } from './reserve.ts';
import type { Services } from './services.ts';

const RECORD = 'x-gatehouse-record';

/** Bytes to the caller first, a copy to the meter. A slow caller slows the provider; a caller that hangs up ends it. */
export async function relay(x: Exchange, s: Services): Promise<void> {
  const upstream = x.upstream.value;
  const events = /^text\/event-stream\s*(;|$)/i.test(upstream.contentType);
  // With a ping or an error in it a stream outgrows the length it declared, and its end would be read as the next answer.
  const passed = events ? withoutHeader(upstream.rawHeaders, 'content-length') : upstream.rawHeaders;
  // Ours alone: whoever looks up the record must not be sent to another by a provider.
  const headers = [...withoutHeader(withLimits(x, s, passed), RECORD), RECORD, x.id];
  const keeper = keeperOf(x, s);
  if (keeper !== null) x.capture = { parts: [], room: keeper.maxBytes };
  if (isListing(x)) return relayListing(x, s, headers);
  const ended = events ? s.metering.streaming() : null;
  const { cut } = x.openCall.value;
  try {
    const orders = { status: upstream.status, headers, events, cut };
    const progress = (meter: Progress): undefined => void keepUp(x, s, meter);
    await x.carrier.relay({ ...orders, progress }, x);
  } finally {
    x.upstreamEndedAt = s.clock.monotonic();
    ended?.();
  }
}

/** With how much of their budget is used, where there is one. */
function withLimits(x: Exchange, s: Services, rawHeaders: readonly string[]): readonly string[] {
  if (x.money.peek === undefined) return rawHeaders;
  const own = usageHeaders(s.ledger.positionOf(x.id, extraOf(x, s)), ({ line }) => resetOf(x, line));
  if (own.length === 0) return rawHeaders;
  const shown = x.upstream.value.status >= 400 ? [] : own;
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (!isUnified(rawHeaders[i] ?? '')) kept.push(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '');
  }
  return [...kept, ...shown.flat()];
}
