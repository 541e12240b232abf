/** The real worker, except that it dies when asked to show the record `die`. */
import { parentPort } from 'node:worker_threads';

parentPort?.on('message', (message: { call?: { argument: unknown } }) => {
  if (message.call?.argument === 'die') throw new Error('told to die');
});
await import('../../src/projections/worker.ts');
