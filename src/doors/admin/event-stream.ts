/** Server-sent events (WHATWG HTML §9.2) of records, for as long as the one who follows may. */
import type { JournalRecord } from '../../journal/records.ts';

/** How often it is looked whether who follows still may, milliseconds (P3). */
const LOOK_MS = 1000;
/** Looks without an event before a comment is sent, so that proxies keep the connection and a dead one is noticed. */
const QUIET_LOOKS = 15;
/** How long a browser waits before it asks again, milliseconds. */
const RETRY_MS = 2000;

interface Stream {
  readonly records: AsyncIterable<JournalRecord>;
  /** Null while the caller may go on, else the code of why not. */
  readonly refused: () => string | null;
  /** Ends `records`. */
  readonly stop: () => void;
}

/** The text of the stream, piece by piece; ends with an event `end` where the caller may not go on. */
export async function* eventStream({ records, refused, stop }: Stream): AsyncGenerator<string> {
  const source = records[Symbol.asyncIterator]();
  const looks = new Looks();
  let quiet = 0;
  try {
    yield `retry: ${RETRY_MS}\n\n`;
    let next = source.next();
    // Seen again when it is awaited; until then it must not bring the process down.
    next.catch(() => undefined);
    for (;;) {
      const got = await Promise.race([next, looks.next()]);
      const code = refused();
      if (code !== null) return yield `event: end\ndata: ${JSON.stringify({ code })}\n\n`;
      if (got === null) {
        quiet += 1;
        if (quiet % QUIET_LOOKS === 0) yield ':\n\n';
        continue;
      }
      if (got.done) return;
      quiet = 0;
      yield eventOf(got.value);
      next = source.next();
      next.catch(() => undefined);
    }
  } finally {
    looks.end();
    stop();
    // Not awaited: it may be waiting for a record, which `stop` ends.
    source.return?.().catch(() => undefined);
  }
}

/** JSON has no line breaks of its own, and kinds are of the closed table. */
function eventOf(record: JournalRecord): string {
  return `id: ${record.seq}\nevent: ${record.kind}\ndata: ${JSON.stringify(record)}\n\n`;
}

/** One timer for a stream, whatever comes meanwhile. */
class Looks {
  #timer: NodeJS.Timeout | null = null;
  #due: Promise<null> | null = null;

  next(): Promise<null> {
    this.#due ??= new Promise((resolve) => {
      this.#timer = setTimeout(() => {
        this.#due = null;
        resolve(null);
      }, LOOK_MS);
    });
    return this.#due;
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
