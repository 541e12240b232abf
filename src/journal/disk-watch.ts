import { readdir, statfs as readStatfs, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../kernel/clock.ts';

/** `low` is the alarm, long before `critical`, at which a full disk and with it the stop of every call is near (P1). */
export type DiskLevel = 'ok' | 'low' | 'critical';

/** Free space below which a level holds, bytes. */
export interface DiskThresholds {
  readonly low: number;
  readonly critical: number;
}

/** Below this share of the file system the level is `low` too: on a large disk the bytes alone would come late. */
const LOW_SHARE = 0.1;

export interface DiskForecast {
  /** Free for this process; null while it could not be read. */
  readonly freeBytes: number | null;
  /** Growth of the journal, measured over the last day at most; 0 before there is anything to measure. */
  readonly bytesPerDay: number;
  /** Milliseconds since the epoch; null while the journal does not grow. */
  readonly fullAt: number | null;
}

export interface DiskWatchOptions {
  /** The journal's folder. */
  readonly dir: string;
  readonly clock: Clock;
  readonly thresholds: DiskThresholds;
  /** Milliseconds between looks. Default 10 s. */
  readonly interval?: number;
  /** Size of the journal in bytes. Default: sum of the files in `dir` and the folders in it. */
  readonly journalBytes?: () => Promise<number>;
  /** Default: the operating system's. */
  readonly statfs?: (path: string) => Promise<{ bavail: number; blocks: number; bsize: number }>;
}

export interface DiskWatch {
  readonly level: DiskLevel;
  /** Why the last look failed; null when it did not. The level then stays as it was. */
  readonly trouble: string | null;
  predict(): DiskForecast;
  /** Hears every change of level. */
  onChange(listener: (level: DiskLevel, forecast: DiskForecast) => void): void;
  /** Looks now. Never rejects. */
  check(): Promise<void>;
  stop(): void;
}

const DAY = 24 * 60 * 60 * 1000;
/** One measurement of the size a minute is enough for a day's growth. */
const SAMPLE_EVERY = 60_000;

/** Starts watching; the first look is under way when this returns. */
export function watchDisk(options: DiskWatchOptions): DiskWatch {
  const watch = new Watch(options);
  void watch.check();
  return watch;
}

class Watch implements DiskWatch {
  level: DiskLevel = 'ok';
  trouble: string | null = null;
  readonly #options: DiskWatchOptions;
  readonly #growth: Growth;
  readonly #listeners = new Set<(level: DiskLevel, forecast: DiskForecast) => void>();
  readonly #timer: NodeJS.Timeout;
  #free: number | null = null;
  #checking: Promise<void> | null = null;

  constructor(options: DiskWatchOptions) {
    this.#options = options;
    this.#growth = new Growth();
    this.#timer = setInterval(() => void this.check(), options.interval ?? 10_000).unref();
  }

  predict(): DiskForecast {
    const { bytesPerDay } = this.#growth;
    const growing = this.#free !== null && bytesPerDay > 0;
    const fullAt = growing ? Math.round(this.#options.clock.now() + ((this.#free ?? 0) / bytesPerDay) * DAY) : null;
    return { freeBytes: this.#free, bytesPerDay: Math.round(bytesPerDay), fullAt };
  }

  onChange(listener: (level: DiskLevel, forecast: DiskForecast) => void): void {
    this.#listeners.add(listener);
  }

  check(): Promise<void> {
    // A file system that hangs must not gather looks at it.
    this.#checking ??= this.#look().finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#listeners.clear();
  }

  async #look(): Promise<void> {
    const { dir, clock, statfs = readStatfs, thresholds } = this.#options;
    try {
      const { bavail, blocks, bsize } = await statfs(dir);
      this.#free = bavail * bsize;
      const now = clock.monotonic();
      if (this.#growth.wants(now)) this.#growth.add(now, await (this.#options.journalBytes ?? (() => sizeOf(dir)))());
      this.trouble = null;
      this.#become(levelOf(this.#free, blocks * bsize, thresholds));
    } catch (error) {
      this.trouble = error instanceof Error ? error.message : String(error);
    }
  }

  #become(level: DiskLevel): void {
    if (level === this.level) return;
    this.level = level;
    for (const listener of this.#listeners) listener(level, this.predict());
  }
}

function levelOf(free: number, total: number, { low, critical }: DiskThresholds): DiskLevel {
  if (free < critical) return 'critical';
  return free < low || free < total * LOW_SHARE ? 'low' : 'ok';
}

/** How fast the journal grows, from its size over time. Space that retiring or compressing gives back is not negative growth. */
class Growth {
  #steps: { readonly at: number; readonly grown: number }[] = [];
  #start = 0;
  #last: { readonly at: number; readonly bytes: number } | null = null;

  wants(now: number): boolean {
    return this.#last === null || now - this.#last.at >= SAMPLE_EVERY;
  }

  add(now: number, bytes: number): void {
    if (this.#last === null) this.#start = now;
    else this.#steps.push({ at: now, grown: Math.max(0, bytes - this.#last.bytes) });
    this.#last = { at: now, bytes };
    for (let first = this.#steps[0]; first !== undefined && now - first.at >= DAY; first = this.#steps[0]) {
      this.#start = first.at;
      this.#steps.shift();
    }
  }

  get bytesPerDay(): number {
    const elapsed = (this.#last?.at ?? 0) - this.#start;
    const grown = this.#steps.reduce((sum, step) => sum + step.grown, 0);
    return elapsed > 0 ? (grown / elapsed) * DAY : 0;
  }
}

async function sizeOf(dir: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) bytes += await sizeOf(path);
    // Compressed or retired between being listed and being looked at.
    else if (entry.isFile())
      bytes += await stat(path).then(
        ({ size }) => size,
        () => 0,
      );
  }
  return bytes;
}
