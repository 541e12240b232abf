import { Refusal } from '../../kernel/errors.ts';
import { meterMessage } from '../../upstream/anthropic/meter.ts';
import type { RelayOrders, Tally } from '../carrier.ts';
import type { Envelope } from '../exchange.ts';
import { FrameGate } from '../frames.ts';

/** A JSON reply larger than this is relayed but not parsed for usage. */
const MAX_METERED_JSON = 32 * 1024 * 1024;
const LOOK_MS = 1000;
const PING = Buffer.from('event: ping\ndata: {"type": "ping"}\n\n');

export interface Relaying {
  readonly to: Pick<Envelope, 'reply' | 'gone'>;
  readonly body: AsyncIterable<Uint8Array>;
  readonly orders: RelayOrders;
  readonly tally: Tally;
}

/** An event stream: whole events, a ping in its silence, and a look at what it has cost after every part and every second. */
export async function relayEvents(relaying: Relaying, pingMs: number): Promise<void> {
  const gate = new FrameGate();
  const { orders, tally } = relaying;
  const { reply } = relaying.to;
  tally.meter = () => gate.meter.report();
  let waiting = false;
  const ping = setTimeout(() => {
    ping.refresh();
    // Not while the caller is slow: pings would only pile up behind what it has not read.
    if (!waiting && gate.betweenEvents) reply.write(PING);
  }, pingMs);
  // A model that thinks in silence costs money as well.
  const clock = setInterval(() => void orders.progress(gate.meter), LOOK_MS);
  try {
    for await (const chunk of relaying.body) {
      for (const part of gate.push(chunk)) {
        const slow = pass(relaying, part);
        if (slow !== undefined) {
          waiting = true;
          await slow;
          waiting = false;
        }
        ping.refresh();
      }
      const heard = orders.progress(gate.meter);
      if (heard !== undefined) await heard;
    }
    // As a lost connection: some never say that they were, and a caller would take what it has for the whole answer.
    if (gate.cutShort) throw new Refusal('upstream_broken', { fields: { reason: 'it ended before its message did' } });
    for (const part of gate.flush()) await pass(relaying, part);
  } catch (error) {
    // Inside an event too large to hold, nothing can be said any more: an error would be read as part of that event.
    if (!gate.betweenEvents) reply.destroy();
    throw error;
  } finally {
    clearTimeout(ping);
    clearInterval(clock);
  }
}

/** Any other answer. */
export async function relayWhole(relaying: Relaying): Promise<void> {
  const parts: Uint8Array[] = [];
  let size = 0;
  relaying.tally.meter = () => meterMessage(size > MAX_METERED_JSON ? Buffer.alloc(0) : whole(parts));
  try {
    for await (const chunk of relaying.body) {
      size += chunk.byteLength;
      if (size <= MAX_METERED_JSON) parts.push(chunk);
      await pass(relaying, chunk);
    }
  } catch (error) {
    // Half a JSON document cannot be completed with an error: the caller sees the connection break.
    relaying.to.reply.destroy();
    throw error;
  }
}

function whole(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  return first !== undefined && parts.length === 1 ? first : Buffer.concat(parts);
}

/** Gives something to wait for only where the caller is slow: most pieces are taken at once. */
function pass(relaying: Relaying, chunk: Uint8Array): Promise<void> | undefined {
  const { to, orders, tally } = relaying;
  tally.responseBytes += chunk.byteLength;
  capture(tally, chunk);
  if (!to.reply.write(chunk)) return taken(relaying);
  goesOn(to.gone, orders.cut);
  return undefined;
}

async function taken({ to: { reply, gone }, orders: { cut } }: Relaying): Promise<void> {
  await reply.drained(cut);
  // P3: a caller that does not read must not keep its call open, and what it left unread hides any goodbye.
  if (cut.aborted) reply.destroy();
  goesOn(gone, cut);
}

function goesOn(gone: AbortSignal, cut: AbortSignal): void {
  if (cut.aborted || gone.aborted) throw new Error('the call has ended');
}

/** Keeps a copy of the answer's beginning where content is kept; never more than that, however long the answer. */
function capture({ capture: kept }: Tally, chunk: Uint8Array): void {
  if (kept === undefined || kept.room === 0) return;
  const part = chunk.subarray(0, kept.room);
  kept.parts.push(part);
  kept.room -= part.byteLength;
}
