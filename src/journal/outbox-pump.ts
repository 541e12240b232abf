import { failpoint } from '../kernel/failpoints.ts';
import type { Logger } from '../kernel/log.ts';
import type { Store } from '../store/ports.ts';
import type { Journal } from './records.ts';

const BATCH = 100;

/** Carries committed changes from the store's outbox into the journal, in order, each exactly once. */
export interface OutboxPump {
  /** Resolves when every change committed before the call is durable in the journal; rejects when it cannot be made so now. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The number of a change goes into its record. A crash between append and acknowledge leaves the row in the outbox; at start the
 * highest number in the journal tells that it was already written.
 */
export async function startOutboxPump(parts: {
  store: Store;
  journal: Journal & {
    /** Highest outbox number that is durable in the journal. */
    readonly outboxFloor: number;
  };
  log: Logger;
}): Promise<OutboxPump> {
  const { store, journal, log } = parts;
  await store.raiseOutboxFloor(journal.outboxFloor);
  let running: Promise<void> | null = null;
  let queued: Promise<void> | null = null;
  let closed = false;

  async function drain(): Promise<void> {
    for (;;) {
      const rows = await store.outbox(BATCH);
      if (rows.length === 0) return;
      // Appended together, so that one sync serves the whole batch; order in the journal is order of appending.
      // A batch that failed half-way may have left its first records durable: these are not written again.
      const missing = rows.filter((row) => row.number > journal.outboxFloor);
      failpoint('outbox.read');
      const ends = await Promise.allSettled(
        missing.map((row) => journal.append({ kind: 'change', body: { ...row.record, outbox: row.number } })),
      );
      // All of them have ended: none can become durable behind the back of the next attempt.
      const failed = ends.find((end) => end.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      failpoint('outbox.recorded');
      await store.acknowledge(rows.at(-1)?.number ?? 0);
    }
  }

  function start(): Promise<void> {
    queued = null;
    const mine = drain().finally(() => {
      if (running === mine) running = null;
    });
    running = mine;
    return mine;
  }

  function flush(): Promise<void> {
    if (running === null) return start();
    // The drain that is running may have read the outbox before this caller's change: one more follows it, for all who wait.
    queued ??= running.catch(() => undefined).then(start);
    return queued;
  }

  const timer = setInterval(() => {
    if (!closed) flush().catch((error) => log.warn({ err: error }, 'changes wait for the journal'));
  }, 1000);
  timer.unref();
  await flush();
  return {
    flush,
    async close() {
      closed = true;
      clearInterval(timer);
      await (queued ?? running)?.catch(() => undefined);
    },
  };
}
