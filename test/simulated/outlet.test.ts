import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { HungUp, Outlet } from '../../src/upstream/simulated/outlet.ts';

/** A response whose caller reads only when told to. */
function slowResponse(): { response: ServerResponse; read: () => void } {
  let taken = (): void => undefined;
  const writable = new Writable({
    highWaterMark: 4,
    write(_chunk, _encoding, callback) {
      taken = callback;
    },
  });
  return { response: writable as unknown as ServerResponse, read: () => taken() };
}

async function settled(promise: Promise<unknown>): Promise<string> {
  const later = new Promise((resolve) => setImmediate(() => resolve('pending')));
  return String(
    await Promise.race([
      promise.then(
        () => 'done',
        (error: Error) => error.name,
      ),
      later,
    ]),
  );
}

test('a write waits while the caller does not read', async () => {
  const { response, read } = slowResponse();
  const outlet = new Outlet(response, () => undefined);
  const write = outlet.write('more than four bytes');
  assert.equal(await settled(write), 'pending');
  read();
  await write;
});

test('everything stops when the caller hangs up', async () => {
  const { response } = slowResponse();
  let noticed = 0;
  const outlet = new Outlet(response, () => noticed++);
  const work = [outlet.write('more than four bytes'), outlet.pause(600_000)];
  response.destroy();
  for (const step of work) await assert.rejects(step, HungUp);
  await assert.rejects(outlet.write('x'), HungUp);
  assert.throws(() => outlet.end(), HungUp);
  assert.equal(noticed, 1);
});
