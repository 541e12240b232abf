import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChangeError, type ChangeErrorCode, directoryChanges } from '../../src/identity/changes.ts';
import { Directory } from '../../src/identity/directory.ts';
import type { JsonObject } from '../../src/journal/records.ts';
import type { Store } from '../../src/store/ports.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';

export const T0 = 1_800_000_000_000;

/** A clock that stands still until it is moved. */
export function handClock(start = T0) {
  let now = start;
  return {
    now: () => now,
    monotonic: () => now,
    set(to: number) {
      now = to;
    },
  };
}

export type World = Awaited<ReturnType<typeof newWorld>>;

/** A store in a folder of its own, a loaded directory and the verbs, on a clock that the test moves. */
export async function newWorld() {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-identity-'));
  const path = join(folder, 'store.db');
  const clock = handClock();
  const store = await openSqliteStore({ path, clock });
  const directory = await Directory.load({ store, clock });
  const changes = directoryChanges({ store, directory, clock });
  return {
    folder,
    path,
    clock,
    store,
    directory,
    changes,
    async records(): Promise<JsonObject[]> {
      return (await store.outbox(1000)).map((row) => row.record);
    },
    /** The bytes of every file of the store, in lower case. */
    bytes(): string {
      const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
      return Buffer.concat(files).toString('latin1').toLowerCase();
    },
    async close() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs `work` in a world of its own. */
export async function inWorld(work: (world: World) => Promise<void>): Promise<void> {
  const world = await newWorld();
  try {
    await work(world);
  } finally {
    await world.close();
  }
}

/** Another store file, opened as a world's store is. */
export async function openCopy(path: string): Promise<Store> {
  return openSqliteStore({ path, clock: handClock() });
}

/** Every one of these changes must be refused with its code, and leave no record. */
export async function refusals(
  world: World,
  attempts: readonly [ChangeErrorCode, () => Promise<unknown>][],
): Promise<void> {
  const before = await world.store.outboxHead();
  for (const [index, [code, attempt]] of attempts.entries()) {
    await assert.rejects(
      attempt(),
      (error) => error instanceof ChangeError && error.code === code,
      `attempt ${index} is ${code}`,
    );
  }
  assert.equal(await world.store.outboxHead(), before, 'a refused change leaves no record');
}
