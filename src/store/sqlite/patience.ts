import { setTimeout as sleep } from 'node:timers/promises';
import { isBusy } from './errors.ts';

/** How long another process's lock is waited for, and how often it is looked at, milliseconds. */
const PATIENCE_MS = 5000;
const PAUSE_MS = 20;

/**
 * Tries until no other process's lock is in the way. SQLite can wait too, but would hold the whole process while it does, every call
 * of every caller with it (P9). Rejects with the error of the last try.
 */
export async function patiently<T>(attempt: () => T | Promise<T>): Promise<T> {
  for (let waited = 0; ; waited += PAUSE_MS) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBusy(error) || waited >= PATIENCE_MS) throw error;
    }
    await sleep(PAUSE_MS);
  }
}
