import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageReader } from '../../bench/http1.ts';
import { stamps } from '../../bench/load/streams.ts';

interface Read {
  readonly heads: string[];
  readonly bodies: string[];
  ends: number;
}

function read(pieces: readonly Buffer[]): Read {
  const seen: Read = { heads: [], bodies: [], ends: 0 };
  let body = '';
  const reader = new MessageReader({
    head: (text) => seen.heads.push(text.split('\r\n')[0] ?? ''),
    body: (piece) => {
      body += piece.toString('utf8');
    },
    end: () => {
      seen.bodies.push(body);
      body = '';
      seen.ends += 1;
    },
  });
  for (const piece of pieces) reader.push(piece);
  return seen;
}

const TWO = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: a\r\nContent-Length: 5\r\n\r\nhello' +
    'HTTP/1.1 204 No Content\r\nx: y\r\n\r\n' +
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab\r\n\r\nC;x=y\r\n0123456789ab\r\n0\r\ntrailer: z\r\n\r\n' +
    'HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno',
);
const HEADS = ['HTTP/1.1 200 OK', 'HTTP/1.1 204 No Content', 'HTTP/1.1 200 OK', 'HTTP/1.1 500 No'];
const BODIES = ['hello', '', 'ab\r\n0123456789ab', 'no'];

test('messages are read however the network cuts them', () => {
  for (let size = 1; size <= TWO.length; size++) {
    const pieces: Buffer[] = [];
    for (let at = 0; at < TWO.length; at += size) pieces.push(TWO.subarray(at, at + size));
    const seen = read(pieces);
    assert.deepEqual(seen, { heads: HEADS, bodies: BODIES, ends: 4 }, `pieces of ${size}`);
  }
});

test('a message that is cut short has no end', () => {
  assert.equal(read([TWO.subarray(0, TWO.length - 1)]).ends, 3);
});

test('a chunk size that is no number is an error, not a hang', () => {
  assert.throws(() => read([Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n')]), /zz/);
});

test('every stamp of a stream is found once, wherever the pieces end', () => {
  const text = 'data: {"text":"~ ~@0000000000000012~"}\n\ndata: ~@0000000000000345~ x~y ~~@0000000000006789~';
  for (let size = 1; size <= text.length; size++) {
    const found: number[] = [];
    let held = '';
    for (let at = 0; at < text.length; at += size)
      held = stamps(held, Buffer.from(text.slice(at, at + size)), (micros) => found.push(micros));
    assert.deepEqual(found, [12, 345, 6789], `pieces of ${size}`);
  }
});
