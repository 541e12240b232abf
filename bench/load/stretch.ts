import { type CoreTimes, coreTimes, cpuMs, residentBytes } from '../system.ts';
import type { Stretch, Target } from './jobs.ts';

/** Begins a stretch of time; what it returns ends it. */
export function beginStretch(target: Target): () => Stretch {
  const own = [...target.own, process.pid];
  const [server, ours, cores, began] = [cpuMs(target.pids), cpuMs(own), coreTimes(), performance.now()];
  return () => {
    const elapsed = performance.now() - began;
    const serverMs = cpuMs(target.pids) - server;
    const ownMs = cpuMs(own) - ours;
    return {
      seconds: elapsed / 1000,
      cpuMs: serverMs,
      ownMs,
      busy: busyShares(cores, coreTimes(), elapsed),
      rssBytes: residentBytes(target.pids),
    };
  };
}

function busyShares(before: CoreTimes, after: CoreTimes, elapsedMs: number): number[] {
  return after.busyMs.map((busy, core) => (busy - (before.busyMs[core] ?? 0)) / elapsedMs);
}
