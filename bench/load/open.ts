import { Worker } from 'node:worker_threads';
import { arrivals, seeded } from '../statistics.ts';
import { Connection } from './connection.ts';
import type { LoadAnswer, LoadJob } from './jobs.ts';
import { requestsOf } from './requests.ts';
import { beginStretch } from './stretch.ts';
import { Tally } from './tally.ts';

/** Longest wait for answers after the last call was meant to be sent; what is open then has failed. */
const GRACE_MS = 5000;
/** Before the first call: connections are opened and the clock thread starts. */
const LEAD_MS = 150;

/** Nanosecond clock of all threads and processes, in ms. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * Sends calls when they are meant to be sent, however slow the answers are, and counts time from the moment a call was meant to
 * be sent: a server that stalls is charged for every call that had to wait (no coordinated omission).
 */
export async function openLoop(job: LoadJob & { kind: 'open' }): Promise<LoadAnswer> {
  const { target, perSecond, seconds, poisson, seed } = job;
  const times = arrivals({ perSecond, seconds, poisson, random: seeded(seed) });
  const request = requestsOf(target);
  const idle: Connection[] = [];
  const all = new Set<Connection>();
  const fresh = (): Connection => {
    const made = new Connection(target.port);
    all.add(made);
    return made;
  };
  for (let i = 0; i < 16; i++) idle.push(fresh());
  const tally = new Tally();
  const start = nowMs() + LEAD_MS;
  let sent = 0;
  let open = 0;
  let finished: () => void = () => {};
  const over = new Promise<void>((resolve) => {
    finished = resolve;
  });
  const send = (intended: number): void => {
    const found = idle.pop();
    const connection = found === undefined || found.closed ? fresh() : found;
    open += 1;
    let first = true;
    const ended = (): void => {
      open -= 1;
      if (connection.closed) all.delete(connection);
      else idle.push(connection);
      if (open === 0 && sent === times.length) finished();
    };
    tally.late.push(nowMs() - intended);
    connection.send(request(), {
      body() {
        if (first) tally.first.push(nowMs() - intended);
        first = false;
      },
      end() {
        tally.done += 1;
        tally.whole.push(nowMs() - intended);
        ended();
      },
      fail(reason) {
        tally.fail(reason);
        ended();
      },
    });
  };
  const clock = startClock(times, start);
  const end = beginStretch(target);
  clock.on('message', () => {
    while (sent < times.length && start + (times[sent] ?? 0) <= nowMs()) send(start + (times[sent++] ?? 0));
  });
  const grace = setTimeout(finished, LEAD_MS + seconds * 1000 + GRACE_MS);
  await over;
  clearTimeout(grace);
  const stretch = end();
  for (let i = 0; i < open; i++) tally.fail('no answer in time');
  for (const connection of all) connection.destroy();
  await clock.terminate();
  return tally.answer(stretch);
}

/** A thread that sleeps until the next call is due: timers of the event loop only know whole milliseconds. */
function startClock(times: Float64Array, start: number): Worker {
  return new Worker(new URL('./clock.ts', import.meta.url), { workerData: { times, start } });
}
