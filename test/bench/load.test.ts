import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import { MessageReader } from '../../bench/http1.ts';
import { closedLoop, countedLoop } from '../../bench/load/closed.ts';
import type { Target } from '../../bench/load/jobs.ts';
import { openLoop } from '../../bench/load/open.ts';

/** A server whose answers a test chooses. */
let server: Server;
let answer: (call: number) => { readonly text: string; readonly after: Promise<unknown> | null };
let calls = 0;
const ms = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time));

const OK = { text: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok', after: null };

before(async () => {
  server = createServer((socket) => {
    const reader = new MessageReader({
      head() {},
      body() {},
      end() {
        const { text, after: waits } = answer(++calls);
        if (waits === null) socket.write(text);
        else waits.then(() => socket.write(text));
      },
    });
    socket.on('data', (bytes) => reader.push(bytes));
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
after(() => {
  server.close();
});

const target = (): Target => ({
  port: (server.address() as AddressInfo).port,
  headers: {},
  kilobytes: 2,
  stream: false,
  pids: [],
  own: [],
});

test('an open loop sends what was planned even while nothing is answered, and counts the wait from the plan', async () => {
  calls = 0;
  // Nothing is answered before the last call has come: a loop that waited for answers would never send it.
  const planned = 40;
  const all = Promise.withResolvers<void>();
  answer = (call) => {
    if (call === planned) all.resolve();
    return { ...OK, after: all.promise };
  };
  const job = { kind: 'open', target: target(), perSecond: 200, seconds: 0.2, poisson: false, seed: 1 } as const;
  const result = await openLoop(job);
  assert.equal(calls, planned);
  assert.deepEqual([result.done, result.failed], [planned, 0]);
  // The last call was due 195 ms after the first, and the first was answered no sooner.
  assert.ok(result.whole.max >= 195, `${result.whole.max}`);
  assert.ok(result.whole.p50 >= 95, `${result.whole.p50}`);
  assert.equal(result.first.count, planned);
});

test('a counted loop makes exactly so many calls, and counts refusals as failures with their text', async () => {
  calls = 0;
  answer = (call) =>
    call === 3 ? { text: 'HTTP/1.1 429 Too Many\r\ncontent-length: 4\r\n\r\nslow', after: null } : OK;
  const result = await countedLoop({ target: target(), connections: 4, calls: 50 });
  assert.equal(calls, 50);
  assert.deepEqual([result.done, result.failed, result.failure], [49, 1, '429 slow']);
});

test('a closed loop keeps no more calls open than it has connections', async () => {
  calls = 0;
  let open = 0;
  let most = 0;
  answer = () => {
    open += 1;
    most = Math.max(most, open);
    const pause = ms(5).then(() => {
      open -= 1;
    });
    return { ...OK, after: pause };
  };
  const result = await closedLoop({ target: target(), connections: 3, seconds: 0.2 });
  assert.equal(result.failed, 0);
  // Three were open at the end; all others that are missing were made before the stretch began.
  assert.ok(result.done > 0 && calls - result.done > 6, `${result.done} of ${calls}`);
  assert.ok(most <= 3, `${most}`);
});
