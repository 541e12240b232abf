import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startOutboxPump } from '../../src/journal/outbox-pump.ts';
import type { NewRecord, Receipt } from '../../src/journal/records.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { silent } from '../support/gateway.ts';

/** A journal whose appends end when, and how, the test says. */
class SlowJournal {
  readonly written: number[] = [];
  trouble: string | null = null;
  readonly head = { writer: 'test', seq: 0, hash: '', segment: '' };
  /** Numbers that are refused once. */
  readonly refuse = new Set<number>();

  get outboxFloor(): number {
    return Math.max(0, ...this.written);
  }

  async append(record: NewRecord): Promise<Receipt> {
    const number = Number(record.body.outbox);
    await new Promise((resolve) => setTimeout(resolve, number % 2 === 0 ? 10 : 1));
    if (this.refuse.delete(number)) throw new Error('the queue is full');
    this.written.push(number);
    return { id: 'rec', seq: this.written.length, hash: '' };
  }
}

async function pumped(journal: SlowJournal) {
  const store = await openSqliteStore({ path: ':memory:', clock: systemClock });
  const pump = await startOutboxPump({ store, journal, log: silent });
  const enqueue = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await store.change((tx) => tx.enqueue({ action: 'test' }));
  };
  return { store, pump, enqueue };
}

test('P1: every committed change is recorded once, in order, and flush waits for those committed before it', async (t) => {
  const journal = new SlowJournal();
  const { store, pump, enqueue } = await pumped(journal);
  t.after(() => pump.close().then(() => store.close()));
  await enqueue(3);
  const early = pump.flush();
  await enqueue(2);
  await Promise.all([early, pump.flush(), pump.flush()]);
  assert.deepEqual([...journal.written].sort(), [1, 2, 3, 4, 5]);
  assert.deepEqual(await store.outbox(10), []);
});

test('P1: a batch that failed in part is finished later, and nothing of it is recorded twice', async (t) => {
  const journal = new SlowJournal();
  const { store, pump, enqueue } = await pumped(journal);
  t.after(() => pump.close().then(() => store.close()));
  await enqueue(4);
  journal.refuse.add(3).add(4);
  await assert.rejects(pump.flush(), /queue is full/);
  await pump.flush();
  assert.deepEqual([...journal.written].sort(), [1, 2, 3, 4]);
  assert.deepEqual(await store.outbox(10), []);
});

test('P1: changes that the journal already holds are not recorded again after a crash', async (t) => {
  const journal = new SlowJournal();
  const store = await openSqliteStore({ path: ':memory:', clock: systemClock });
  t.after(() => store.close());
  for (let i = 0; i < 3; i++) await store.change((tx) => tx.enqueue({ action: 'test' }));
  // Durable before the crash, but not acknowledged.
  journal.written.push(1, 2);
  const pump = await startOutboxPump({ store, journal, log: silent });
  t.after(() => pump.close());
  assert.deepEqual(journal.written, [1, 2, 3]);
});
