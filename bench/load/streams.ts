import { monotonicMicros, STAMP, STAMP_DIGITS } from '../payloads.ts';
import { Connection } from './connection.ts';
import type { LoadAnswer, LoadJob } from './jobs.ts';
import { nowMs } from './open.ts';
import { requestsOf } from './requests.ts';
import { beginStretch } from './stretch.ts';
import { Tally } from './tally.ts';

/** Longest wait for the first bytes of all streams, and for their ends. */
const PATIENCE_MS = 15_000;
/** So many streams may wait for their first byte while others are opened: a server's queue of connections is not what is measured. */
const UNANSWERED = 64;
const NEEDED = STAMP.length + STAMP_DIGITS;

/** The streams that are open. */
class Open {
  readonly tally = new Tally();
  readonly all = new Set<Connection>();
  ended = 0;
  measuring = false;

  get waiting(): number {
    return this.all.size - this.tally.first.length - this.tally.failed;
  }

  add(connection: Connection, request: Buffer): void {
    const { tally } = this;
    this.all.add(connection);
    const sent = nowMs();
    let held = '';
    let first = true;
    connection.send(request, {
      body: (piece) => {
        if (first) tally.first.push(nowMs() - sent);
        first = false;
        held = stamps(held, piece, (micros) => {
          if (!this.measuring) return;
          tally.chunks += 1;
          tally.chunkDelay.push((monotonicMicros() - micros) / 1000);
        });
      },
      end: () => {
        tally.done += 1;
        this.ended += 1;
      },
      fail: (reason) => {
        tally.fail(reason);
        this.ended += 1;
      },
    });
  }
}

let open = new Open();

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(done: () => boolean): Promise<void> {
  for (const patience = nowMs() + PATIENCE_MS; !done() && nowMs() < patience; ) await pause(50);
}

/** Calls `found` with the time of every stamp. `held` is the end of the piece before; returns what is to be held of this one. */
export function stamps(held: string, piece: Buffer, found: (micros: number) => void): string {
  const text = held + piece.toString('latin1');
  let at = text.indexOf(STAMP);
  while (at !== -1 && text.length - at >= NEEDED) {
    found(Number(text.slice(at + STAMP.length, at + NEEDED)));
    at = text.indexOf(STAMP, at + NEEDED);
  }
  if (at !== -1) return text.slice(at);
  return text.endsWith(STAMP[0] ?? '') ? text.slice(-1) : '';
}

/** Opens streams at a steady rate, or as fast as they are answered; resolves when each has its first byte. They go on until the double is told to finish them. */
export async function openStreams({
  target,
  streams,
  perSecond,
}: LoadJob & { kind: 'open-streams' }): Promise<LoadAnswer> {
  const fresh = new Open();
  open = fresh;
  const request = requestsOf(target);
  const end = beginStretch(target);
  const began = nowMs();
  while (fresh.all.size < streams) {
    const due = Math.min(streams, Math.ceil(((nowMs() - began) / 1000) * perSecond));
    while (fresh.all.size < due && fresh.waiting < UNANSWERED) fresh.add(new Connection(target.port), request());
    await pause(5);
  }
  await until(() => fresh.waiting <= 0);
  return fresh.tally.answer(end());
}

export async function holdStreams({ target, seconds }: LoadJob & { kind: 'hold' }): Promise<LoadAnswer> {
  const end = beginStretch(target);
  open.measuring = true;
  await pause(seconds * 1000);
  open.measuring = false;
  return open.tally.answer(end());
}

/** Waits for the ends of the streams. `done` counts those that ended well. */
export async function drainStreams(): Promise<LoadAnswer> {
  const { tally, all } = open;
  await until(() => open.ended >= all.size);
  for (const connection of all) connection.destroy();
  return tally.answer({ seconds: 0, cpuMs: 0, ownMs: 0, busy: [], rssBytes: 0 });
}
