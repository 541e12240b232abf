/** The load generator: a process of its own that runs one job after the other. */
import { closedLoop, countedLoop } from './closed.ts';
import type { LoadAnswer, LoadJob } from './jobs.ts';
import { openLoop } from './open.ts';
import { drainStreams, holdStreams, openStreams } from './streams.ts';

function run(job: LoadJob): Promise<LoadAnswer | null> {
  switch (job.kind) {
    case 'closed':
      return closedLoop(job);
    case 'calls':
      return countedLoop(job);
    case 'open':
      return openLoop(job);
    case 'open-streams':
      return openStreams(job);
    case 'hold':
      return holdStreams(job);
    case 'drain':
      return drainStreams();
  }
}

process.on('message', (job: LoadJob) => {
  run(job).then(
    (answer) => process.send?.({ answer }),
    (error: unknown) =>
      process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on('disconnect', () => process.exit());
process.send?.({ ready: true });
