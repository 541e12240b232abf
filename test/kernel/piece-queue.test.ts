import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PieceQueue } from '../../src/kernel/piece-queue.ts';

const piece = (text: string): Buffer => Buffer.from(text);
const read = async (queue: PieceQueue): Promise<string | undefined> => (await queue.next()).value?.toString();

test('pieces come in order, to a reader that waits and to one that is behind, and then the end', async () => {
  const queue = new PieceQueue();
  const first = read(queue);
  queue.push(piece('one'));
  queue.push(piece('two'));
  queue.end();
  assert.deepEqual(
    [await first, await read(queue), await read(queue), await read(queue)],
    ['one', 'two', undefined, undefined],
  );
});

test('what waits is handed out before the failure, which stays', async () => {
  const queue = new PieceQueue();
  queue.push(piece('one'));
  queue.fail(new Error('broke'));
  queue.end();
  assert.equal(await read(queue), 'one');
  await assert.rejects(read(queue), /broke/);
  await assert.rejects(read(queue), /broke/);
});

test('a reader that waits hears of the failure and of the end', async () => {
  const failing = new PieceQueue();
  const waits = read(failing);
  failing.fail(new Error('broke'));
  await assert.rejects(waits, /broke/);
  const ending = new PieceQueue();
  const hears = read(ending);
  ending.end();
  assert.equal(await hears, undefined);
});

test('it is full while more than 64 KiB waits', async () => {
  const queue = new PieceQueue();
  queue.push(Buffer.alloc(64 * 1024));
  assert.equal(queue.isFull, false);
  queue.push(piece('x'));
  assert.equal(queue.isFull, true);
  await queue.next();
  assert.equal(queue.isFull, false);
  queue.push(Buffer.alloc(64 * 1024));
  queue.clear();
  assert.equal(queue.isFull, false);
});
