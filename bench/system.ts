import { readdirSync, readFileSync } from 'node:fs';

/** What the operating system says about processes and cores. Linux only: other systems have no /proc. */

/** Length of a tick of /proc, in ms: 100 a second on every Linux that Node runs on. */
const TICK_MS = 10;

function text(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // The process or thread has ended.
    return null;
  }
}

function folder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** A process and all its descendants. */
export function processTree(root: number): number[] {
  const found = [root];
  for (const pid of found) {
    for (const task of folder(`/proc/${pid}/task`)) {
      for (const child of (text(`/proc/${pid}/task/${task}/children`) ?? '').split(' ')) {
        if (child !== '') found.push(Number(child));
      }
    }
  }
  return found;
}

/** CPU time of the processes in ms, all their threads included. */
export function cpuMs(pids: readonly number[]): number {
  // The scheduler's own counters are exact to the nanosecond but only of threads that live; the process's whole time counts ticks
  // and never more than was used.
  return pids.reduce((sum, pid) => sum + Math.max(threadsMs(pid), statMs(pid)), 0);
}

function threadsMs(pid: number): number {
  return folder(`/proc/${pid}/task`).reduce((sum, task) => {
    const nanos = text(`/proc/${pid}/task/${task}/schedstat`)?.split(' ')[0];
    return sum + Number(nanos ?? 0) / 1e6;
  }, 0);
}

/** `utime` and `stime` of /proc/PID/stat are those of the whole process. */
function statMs(pid: number): number {
  const line = text(`/proc/${pid}/stat`);
  if (line === null) return 0;
  // The name in parentheses can hold spaces: what follows it is counted.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory of the processes, in bytes. Pages they share are counted for each. */
export function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const kilobytes = /VmRSS:\s+(\d+)/.exec(text(`/proc/${pid}/status`) ?? '')?.[1];
    return sum + Number(kilobytes ?? 0) * 1024;
  }, 0);
}

export interface CoreTimes {
  /** ms of every core spent on anything but waiting, by core. */
  readonly busyMs: readonly number[];
}

export function coreTimes(): CoreTimes {
  const busyMs: number[] = [];
  for (const line of (text('/proc/stat') ?? '').split('\n')) {
    const found = /^cpu(\d+) (.*)$/.exec(line);
    if (found === null) continue;
    // user nice system idle iowait irq softirq steal; guest times are inside user and nice.
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (found[2] ?? '')
      .split(' ')
      .map(Number);
    busyMs[Number(found[1])] = (user + nice + system + irq + softirq + steal) * TICK_MS;
  }
  return { busyMs };
}
