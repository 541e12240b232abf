/** The clock thread of the open loop: says when a call is due, to some tens of microseconds. */
import { parentPort, workerData } from 'node:worker_threads';

const { times, start } = workerData as { times: Float64Array; start: number };
const never = new Int32Array(new SharedArrayBuffer(4));
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

for (const time of times) {
  for (let left = start + time - nowMs(); left > 0; left = start + time - nowMs()) Atomics.wait(never, 0, 0, left);
  parentPort?.postMessage(0);
}
