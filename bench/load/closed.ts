import { Connection } from './connection.ts';
import type { LoadAnswer, Target } from './jobs.ts';
import { requestsOf } from './requests.ts';
import { beginStretch } from './stretch.ts';
import { Tally } from './tally.ts';

/** Load before the stretch that is measured, so that connections are open and code is warm. */
const WARM_MS = 400;

interface Loop {
  readonly target: Target;
  readonly connections: number;
  /** Told of every ended call; false stops the loop. */
  next(tally: Tally): boolean;
}

/** Runs the connections until `next` says no; resolves when the last call has ended. */
function loop({ target, connections, next }: Loop, tally: () => Tally): Promise<void> {
  const request = requestsOf(target);
  let open = connections;
  return new Promise((resolve) => {
    const run = (connection: Connection): void => {
      const began = performance.now();
      const ended = (): void => {
        if (!next(tally())) {
          connection.destroy();
          open -= 1;
          if (open === 0) resolve();
        } else run(connection.closed ? new Connection(target.port) : connection);
      };
      connection.send(request(), {
        body() {},
        end() {
          tally().done += 1;
          tally().whole.push(performance.now() - began);
          ended();
        },
        fail(reason) {
          tally().fail(reason);
          connection.destroy();
          // A server that refuses at once must not make this loop spin.
          setTimeout(ended, 20);
        },
      });
    };
    for (let i = 0; i < connections; i++) run(new Connection(target.port));
  });
}

/** Load for a time. Calls that end after it are not counted; those that began before it are. */
export async function closedLoop(job: {
  readonly target: Target;
  readonly connections: number;
  readonly seconds: number;
}): Promise<LoadAnswer> {
  let tally = new Tally();
  let stop = false;
  const running = loop({ ...job, next: () => !stop }, () => tally);
  await new Promise((resolve) => setTimeout(resolve, WARM_MS));
  const end = beginStretch(job.target);
  const warm = tally;
  tally = new Tally();
  if (warm.failed > 0) tally.failure = warm.failure;
  await new Promise((resolve) => setTimeout(resolve, job.seconds * 1000));
  const answer = tally.answer(end());
  stop = true;
  tally = new Tally();
  await running;
  return answer;
}

/** Exactly `calls` calls. */
export async function countedLoop(job: {
  readonly target: Target;
  readonly connections: number;
  readonly calls: number;
}): Promise<LoadAnswer> {
  const tally = new Tally();
  let left = job.calls - job.connections;
  const end = beginStretch(job.target);
  await loop({ ...job, next: () => left-- > 0 }, () => tally);
  return tally.answer(end());
}
