import { meterMessage } from '../upstream/anthropic/meter.ts';
import { withoutHeader } from '../upstream/headers.ts';
import { resetOf } from './budget-refusal.ts';
import type { Exchange } from './exchange.ts';
import { FrameGate } from './frames.ts';
import { keepUp } from './keep-up.ts';
import { isUnified, usageHeaders } from './limit-headers.ts';
import { isListing, relayListing } from './listing.ts';
import { keeperOf } from './record-intent.ts';
import { extraOf, factsOf } from './reserve.ts';
import type { Services } from './services.ts';

/** A JSON reply larger than this is relayed but not parsed for usage. */
const MAX_METERED_JSON = 32 * 1024 * 1024;
const RECORD = 'x-gatehouse-record';
const KEEP_UP_MS = 1000;
const PING = Buffer.from('event: ping\ndata: {"type": "ping"}\n\n');

/** Bytes to the caller first, a copy to the meter. A slow caller slows the provider; a caller that hangs up ends it. */
export async function relay(x: Exchange, s: Services): Promise<void> {
  const upstream = x.upstream.value;
  const isStream = /^text\/event-stream\s*(;|$)/i.test(upstream.contentType);
  // With a ping or an error in it a stream outgrows the length it declared, and its end would be read as the next answer.
  const passed = isStream ? withoutHeader(upstream.rawHeaders, 'content-length') : upstream.rawHeaders;
  // Ours alone: whoever looks up the record must not be sent to another by a provider.
  const headers = [...withoutHeader(withLimits(x, s, passed), RECORD), RECORD, x.id];
  const keeper = keeperOf(x, s);
  if (keeper !== null) x.capture = { parts: [], room: keeper.maxBytes };
  if (isListing(x)) return relayListing(x, s, headers);
  x.envelope.reply.start(upstream.status, headers);
  try {
    await (isStream ? relayEvents(x, s) : relayWhole(x));
  } finally {
    x.upstreamEndedAt = s.clock.monotonic();
  }
  x.envelope.reply.end();
}

/** With how much of their budget is used, where there is one. */
function withLimits(x: Exchange, s: Services, rawHeaders: readonly string[]): readonly string[] {
  if (x.money.peek === undefined) return rawHeaders;
  const own = usageHeaders(s.ledger.position(factsOf(x), extraOf(x, s)), ({ line }) => resetOf(x, line));
  if (own.length === 0) return rawHeaders;
  const shown = x.upstream.value.status >= 400 ? [] : own;
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (!isUnified(rawHeaders[i] ?? '')) kept.push(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '');
  }
  return [...kept, ...shown.flat()];
}

async function relayEvents(x: Exchange, s: Services): Promise<void> {
  const gate = new FrameGate();
  x.meter = () => gate.meter.report();
  const { reply } = x.envelope;
  const ended = s.metering.streaming();
  let waiting = false;
  const ping = setTimeout(() => {
    ping.refresh();
    // Not while the caller is slow: pings would only pile up behind what it has not read.
    if (!waiting && gate.betweenEvents) reply.write(PING);
  }, s.pingMs);
  // A model that thinks in silence costs money as well.
  const clock = setInterval(() => keepUp(x, s, gate.meter), KEEP_UP_MS);
  try {
    for await (const chunk of x.upstream.value.body) {
      for (const part of gate.push(chunk)) {
        waiting = true;
        await pass(x, part);
        waiting = false;
        ping.refresh();
      }
      keepUp(x, s, gate.meter);
    }
    for (const part of gate.flush()) await pass(x, part);
  } catch (error) {
    // Inside an event too large to hold, nothing can be said any more: an error would be read as part of that event.
    if (!gate.betweenEvents) reply.destroy();
    throw error;
  } finally {
    clearTimeout(ping);
    clearInterval(clock);
    ended();
  }
}

async function relayWhole(x: Exchange): Promise<void> {
  const parts: Uint8Array[] = [];
  let size = 0;
  x.meter = () => meterMessage(size > MAX_METERED_JSON ? Buffer.alloc(0) : Buffer.concat(parts));
  try {
    for await (const chunk of x.upstream.value.body) {
      size += chunk.byteLength;
      if (size <= MAX_METERED_JSON) parts.push(chunk);
      await pass(x, chunk);
    }
  } catch (error) {
    // Half a JSON document cannot be completed with an error: the caller sees the connection break.
    x.envelope.reply.destroy();
    throw error;
  }
}

async function pass(x: Exchange, chunk: Uint8Array): Promise<void> {
  x.responseBytes += chunk.byteLength;
  capture(x, chunk);
  const { reply, gone } = x.envelope;
  const { cut } = x.openCall.value;
  if (!reply.write(chunk)) {
    await reply.drained(cut);
    // P3: a caller that does not read must not keep its call open, and what it left unread hides any goodbye.
    if (cut.aborted) reply.destroy();
  }
  if (cut.aborted || gone.aborted) throw new Error('the call has ended');
}

/** Keeps a copy of the answer's beginning where content is kept; never more than that, however long the answer. */
function capture({ capture: kept }: Exchange, chunk: Uint8Array): void {
  if (kept === undefined || kept.room === 0) return;
  const part = chunk.subarray(0, kept.room);
  kept.parts.push(part);
  kept.room -= part.byteLength;
}
