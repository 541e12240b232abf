import type { Following } from '../doors/admin/services.ts';
import { readRecords } from '../journal/read.ts';
import type { Journal, JournalRecord } from '../journal/records.ts';

/** How soon a new record is noticed. */
const LOOK_MS = 250;

/** Records of the journal as they become durable, oldest first, each once. Ends soon after its signal. */
export async function* follow(
  { journal, dir, writer }: { readonly journal: Pick<Journal, 'head'>; readonly dir: string; readonly writer: string },
  { afterSeq, kinds, signal }: Following,
): AsyncGenerator<JournalRecord> {
  let after = afterSeq ?? journal.head.seq;
  while (!signal.aborted) {
    // What stands behind the head is not acknowledged yet and may be taken back.
    const through = journal.head.seq;
    if (through > after) {
      for await (const { record } of readRecords(dir, writer, { seq: after + 1, through })) {
        if (signal.aborted) return;
        after = record.seq;
        if (kinds === null || kinds.includes(record.kind)) yield record;
      }
    }
    await pause(signal);
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, LOOK_MS);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
