/**
 * Arms failpoints in a gateway under test. Loaded with `--import`, so that it runs in the worker of the views too. What to do is in
 * the file that FAULT_ORDER names, `<failpoint> <hit>`: read at the start where FAULT_AT_START is set, else when SIGUSR2 comes. At
 * that hit of the failpoint, counted from then on, the process kills itself.
 */
import { readFileSync } from 'node:fs';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';
import { armFailpoints } from '../../src/kernel/failpoints.ts';

/** The gateway's own pause between rounds of housekeeping; a round of this test is over long before. */
const HOUSEKEEPING_MS = 60_000;
const SHORT_MS = 300;

const channel = new BroadcastChannel('faults');
channel.unref();
let wanted = '';
let left = 0;

function arm(order: string): void {
  const [name = '', hit = '1'] = order.trim().split(' ');
  wanted = name;
  left = Number(hit);
}

/** Tells that a failpoint, or a step of a call (`step.<name>`), was reached. */
export function reached(name: string): void {
  if (name === wanted && --left === 0) process.kill(process.pid, 'SIGKILL');
}

function order(): string {
  return readFileSync(process.env.FAULT_ORDER ?? '', 'utf8');
}

armFailpoints(reached);
channel.onmessage = (event) => arm(String((event as { data: unknown }).data));
if (isMainThread && process.env.FAULT_ORDER !== undefined) {
  process.on('SIGUSR2', () => {
    arm(order());
    channel.postMessage(order());
  });
  const patient = globalThis.setInterval;
  const hurried = (run: () => void, ms?: number) => patient(run, ms === HOUSEKEEPING_MS ? SHORT_MS : ms);
  globalThis.setInterval = Object.assign(hurried, patient) as typeof setInterval;
}
if (process.env.FAULT_AT_START !== undefined) arm(order());
