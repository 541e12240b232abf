/** Run by kill.test.ts: appends until it is killed, and prints what was acknowledged. */

import { temporaryKey } from '../../src/journal/signing.ts';
import { openJournal } from '../../src/journal/writer.ts';
import { systemClock } from '../../src/kernel/clock.ts';

const [dir = ''] = process.argv.slice(2);
const log = { info() {}, warn() {}, error() {} };
const journal = await openJournal({
  dir,
  writer: 'one',
  durability: 'synced',
  clock: systemClock,
  signingKey: temporaryKey(),
  log,
  segmentBytes: 20_000,
});

async function caller(): Promise<void> {
  for (;;) {
    const intent = await journal.append({
      kind: 'intent',
      body: { filler: 'x'.repeat(Math.floor(Math.random() * 500)) },
    });
    process.stdout.write(`${intent.seq} ${intent.hash}\n`);
    const outcome = await journal.append({ kind: 'outcome', body: { intent: intent.id, result: 'ok' } });
    process.stdout.write(`${outcome.seq} ${outcome.hash}\n`);
  }
}

await Promise.all(Array.from({ length: 16 }, caller));
