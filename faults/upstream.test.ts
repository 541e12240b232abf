import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { claim, type House, makeHouse, type RunningChild, startChild } from '../test/support/house.ts';
import { CALL, delta, MESSAGE_END, MESSAGE_START, raw, STREAM_CALL } from '../test/support/raw.ts';
import {
  CHUNKED_STREAM,
  chunk,
  flood,
  head,
  JSON_ANSWER,
  MESSAGE,
  type Peer,
  STREAM,
  startPeer,
} from './support/peer.ts';
import { residentMiB } from './support/slow.ts';

const MIB = 1024 * 1024;

let peer: Peer;
let house: House;
let child: RunningChild;
let authorization: string;

before(async () => {
  peer = await startPeer();
  house = makeHouse({ upstream: peer.url });
  child = await startChild(house);
  const admin = await claim(child);
  await admin.call('POST', '/api/people', { email: 'dev@example.com' });
  const made = await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'test' });
  authorization = `Bearer ${made.secret}`;
  for (let i = 0; i < 50; i++) await served();
});

after(async () => {
  await child.stop();
  await peer.close();
  house.remove();
});

async function served(): Promise<void> {
  const { status, body } = await raw(child.url, { body: CALL, headers: { authorization } });
  assert.deepEqual([status, body.toString()], [200, JSON_ANSWER]);
}

const text = delta('x'.repeat(1000));

/** Answers of hundreds of megabytes: how they begin, what is said over and over, and how much of it in all. */
const HUGE: Readonly<Record<string, { begin: string; again: string; most: number; end: string; whole: boolean }>> = {
  'one event of 100 MB': {
    begin: `${STREAM}${MESSAGE_START}event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"`,
    again: 'x'.repeat(65_536),
    most: 100 * MIB,
    end: `"}}\n\n${MESSAGE_END}`,
    whole: true,
  },
  'one line that never ends': { begin: STREAM, again: 'x'.repeat(65_536), most: 200 * MIB, end: '', whole: true },
  'a million comments': {
    begin: STREAM + MESSAGE_START,
    again: ': x\n\n'.repeat(10_000),
    most: 5 * MIB,
    end: MESSAGE_END,
    whole: true,
  },
  '200 MB of ordinary events': {
    begin: STREAM + MESSAGE_START,
    again: text.repeat(60),
    most: 200 * MIB,
    end: MESSAGE_END,
    whole: true,
  },
  'chunks of one byte': {
    begin: CHUNKED_STREAM + chunk(MESSAGE_START),
    again: chunk(':').repeat(10_000),
    most: MIB / 2,
    end: `${chunk(`\n\n${MESSAGE_END}`)}0\r\n\r\n`,
    whole: true,
  },
  'a document of 200 MB': {
    begin: `${head(['content-type: application/json', 'connection: close'])}{"type":"message","content":[`,
    again: '{"type":"text","text":"x"},'.repeat(2000),
    most: 200 * MIB,
    end: '0]}',
    whole: true,
  },
  'headers without end': {
    begin: 'HTTP/1.1 200 OK\r\n',
    again: `x: ${'a'.repeat(1000)}\r\n`.repeat(60),
    most: 200 * MIB,
    end: '',
    whole: false,
  },
};

for (const [title, { begin, again, most, end, whole }] of Object.entries(HUGE)) {
  test(`${title} from the provider: memory stays bounded, and calls are served meanwhile and after`, async () => {
    const before = residentMiB(child.process.pid);
    let worst = before;
    peer.answer = (socket, request) => {
      if (!request.includes('"stream":true')) return void socket.write(MESSAGE);
      socket.write(begin);
      void flood(socket, Buffer.from(again), most).then(() => socket.end(end));
    };
    let size = 0;
    let running = true;
    const huge = raw(child.url, {
      body: STREAM_CALL,
      headers: { authorization },
      onData: (piece) => {
        size += piece.length;
      },
    }).finally(() => {
      running = false;
    });
    while (running) {
      await served();
      worst = Math.max(worst, residentMiB(child.process.pid));
    }
    const { status } = await huge;
    assert.equal(status, whole ? 200 : 502);
    assert.ok(!whole || size > 50_000, `${size} bytes came through`);
    assert.ok(worst - before < 256, `${Math.round(worst - before)} MiB more than before`);
    await served();
  });
}
