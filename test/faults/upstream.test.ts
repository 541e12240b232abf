import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { CHUNKED_STREAM, chunk, head, JSON_ANSWER, MESSAGE, STREAM, startPeer } from '../../faults/support/peer.ts';
import { startTestGateway, type TestGateway, until } from '../support/gateway.ts';
import { CALL, delta, MESSAGE_END, MESSAGE_START, type RawReply, raw, STREAM_CALL } from '../support/raw.ts';

const JSON_TYPE = 'content-type: application/json';
const LENGTH = `content-length: ${JSON_ANSWER.length}`;
const HALF = 'event: content_block_delta\ndata: {"type":"con';
const SESSION = 'x-claude-code-session-id';

/** What the caller reads: a status with an error, an answer whose last event is an error, one that breaks, or the answer itself. */
type Told = 502 | 504 | 'event' | 'broken' | 'answer';

interface Fault {
  readonly answer: (socket: Socket) => void;
  readonly told: Told;
  readonly code: string | null;
  /** The provider's status as the record has it. */
  readonly status?: number;
  /** Free of charge, or by the provider's report, or by what was seen. */
  readonly basis: 'none' | 'reported' | 'metered';
  readonly says?: RegExp;
}

const reset = (socket: Socket): void => void setTimeout(() => socket.resetAndDestroy(), 20);
const says =
  (...parts: readonly string[]) =>
  (socket: Socket): void =>
    void socket.write(parts.join(''));
const saysAndEnds =
  (...parts: readonly string[]) =>
  (socket: Socket): void =>
    void socket.end(parts.join(''));

const timeout = { code: 'upstream_timeout', basis: 'metered', says: /did not answer in time/ } as const;
const broken = { code: 'upstream_broken', basis: 'metered', says: /broke off or was not usable/ } as const;
const notHttp = { ...broken, told: 502 } as const;

const FAULTS: Readonly<Record<string, Fault>> = {
  'stalls before the status line': { ...timeout, answer: () => undefined, told: 504 },
  'stalls in the status line': { ...timeout, answer: says('HTTP/1.1 20'), told: 504 },
  'stalls between headers': { ...timeout, answer: says('HTTP/1.1 200 OK\r\nx: 1\r\n'), told: 504 },
  'stalls after the headers of a stream': { ...timeout, answer: says(STREAM), told: 'event', status: 200 },
  'stalls after the headers of a document': {
    ...timeout,
    answer: says(head([JSON_TYPE, LENGTH])),
    told: 'broken',
    status: 200,
  },
  'stalls in the middle of a stream': {
    ...timeout,
    answer: says(STREAM, MESSAGE_START),
    told: 'event',
    status: 200,
  },
  'stalls inside an extension of a chunk': {
    ...timeout,
    answer: says(CHUNKED_STREAM, chunk(MESSAGE_START), `5;${'a'.repeat(200_000)}`),
    told: 'event',
    status: 200,
  },
  'says that it is processing, for ever': {
    ...timeout,
    answer: (socket) => {
      const again = setInterval(() => socket.write(head([], '102 Processing')), 25);
      socket.once('close', () => clearInterval(again));
    },
    told: 504,
  },
  'floods interim answers': { ...notHttp, answer: says(head([], '103 Early Hints').repeat(5000), MESSAGE) },
  'resets before the headers': { ...notHttp, answer: reset, says: /was lost before it began/ },
  'closes before the headers': { ...notHttp, answer: (socket) => void socket.end() },
  'resets between headers': {
    ...notHttp,
    answer: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nx: 1\r\n');
      reset(socket);
    },
  },
  'resets after the headers': {
    ...broken,
    answer: (socket) => {
      socket.write(CHUNKED_STREAM);
      reset(socket);
    },
    told: 'event',
    status: 200,
  },
  'resets inside a frame': {
    ...broken,
    answer: (socket) => {
      socket.write(CHUNKED_STREAM + chunk(MESSAGE_START + HALF));
      reset(socket);
    },
    told: 'event',
    status: 200,
  },
  'resets inside a stream that ends with its connection': {
    ...broken,
    answer: (socket) => {
      socket.write(STREAM + MESSAGE_START + HALF);
      reset(socket);
    },
    told: 'event',
    status: 200,
  },
  'ends inside a frame as if that were the end': {
    ...broken,
    answer: saysAndEnds(STREAM, MESSAGE_START, HALF),
    told: 'event',
    status: 200,
  },
  'ends a chunked stream inside a frame': {
    ...broken,
    answer: says(CHUNKED_STREAM, chunk(MESSAGE_START + HALF), '0\r\n\r\n'),
    told: 'event',
    status: 200,
  },
  'ends between two frames, before the end of the message': {
    ...broken,
    answer: saysAndEnds(STREAM, MESSAGE_START, delta('hi')),
    told: 'event',
    status: 200,
    says: /it ended before its message did/,
  },
  'is shorter than its content-length': {
    ...broken,
    answer: saysAndEnds(head([JSON_TYPE, 'content-length: 500']), JSON_ANSWER),
    told: 'broken',
    // What it reported is known all the same.
    basis: 'reported',
    status: 200,
  },
  'streams less than its content-length': {
    ...broken,
    answer: saysAndEnds(head(['content-type: text/event-stream', 'content-length: 5000']), MESSAGE_START),
    told: 'event',
    status: 200,
  },
  'is longer than its content-length': {
    answer: says(head([JSON_TYPE, 'content-length: 20']), JSON_ANSWER),
    told: 'answer',
    code: 'incomplete',
    basis: 'metered',
    status: 200,
    says: new RegExp(`^${JSON_ANSWER.slice(0, 20).replace(/[{]/g, '\\{')}$`),
  },
  'has a length and chunks': {
    ...notHttp,
    answer: says(head([JSON_TYPE, LENGTH, 'transfer-encoding: chunked']), chunk(JSON_ANSWER), '0\r\n\r\n'),
  },
  'has chunks and a length': {
    ...notHttp,
    answer: says(head([JSON_TYPE, 'transfer-encoding: chunked', LENGTH]), chunk(JSON_ANSWER), '0\r\n\r\n'),
  },
  'has two lengths': { ...notHttp, answer: says(head([JSON_TYPE, 'content-length: 20', LENGTH]), JSON_ANSWER) },
  'has a negative length': { ...notHttp, answer: says(head([JSON_TYPE, 'content-length: -1']), JSON_ANSWER) },
  'has a chunk size that is no number': {
    ...broken,
    answer: says(CHUNKED_STREAM, chunk(MESSAGE_START), 'zz\r\nabc\r\n'),
    told: 'event',
    status: 200,
  },
  'has a chunk size beyond all numbers': {
    ...broken,
    answer: says(CHUNKED_STREAM, chunk(MESSAGE_START), `${'f'.repeat(20)}\r\nabc\r\n`),
    told: 'event',
    status: 200,
  },
  'has a header of 64 KiB': { ...notHttp, answer: says(head([`x: ${'a'.repeat(65_536)}`])), says: /not valid HTTP/ },
  'has ten thousand headers': {
    ...notHttp,
    answer: says(head(Array.from({ length: 10_000 }, (_, i) => `x-${i}: 1`))),
    says: /not valid HTTP/,
  },
  'has a NUL in a header': { ...notHttp, answer: says(head(['x: a\0b', LENGTH]), JSON_ANSWER) },
  'changes the protocol': {
    ...notHttp,
    answer: says(head(['upgrade: x', 'connection: upgrade'], '101 Switching Protocols'), MESSAGE),
  },
  'is no HTTP': { ...notHttp, answer: saysAndEnds('hello there\r\n\r\n'), says: /not valid HTTP/ },
  'is HTTP/1.0': {
    answer: saysAndEnds(`HTTP/1.0 200 OK\r\n${JSON_TYPE}\r\n\r\n${JSON_ANSWER}`),
    told: 'answer',
    code: null,
    basis: 'reported',
    status: 200,
  },
  'is compressed': {
    ...notHttp,
    answer: says(head([JSON_TYPE, 'content-encoding: gzip', 'content-length: 3']), 'abc'),
    says: /compressed although identity was asked for/,
  },
  'is compressed for the hop alone': {
    ...notHttp,
    answer: says(head([JSON_TYPE, 'transfer-encoding: gzip, chunked']), chunk('abc'), '0\r\n\r\n'),
    says: /compressed although identity was asked for/,
  },
  'is a 204 with a body': {
    answer: says(head([JSON_TYPE, LENGTH], '204 No Content'), JSON_ANSWER),
    told: 'answer',
    code: 'incomplete',
    basis: 'metered',
    status: 204,
    says: /^$/,
  },
  'is a 304 with a body': {
    answer: says(head([JSON_TYPE, LENGTH], '304 Not Modified'), JSON_ANSWER),
    told: 'answer',
    code: 'incomplete',
    basis: 'metered',
    status: 304,
    says: /^$/,
  },
  'is a page of some proxy': {
    answer: says(head(['content-type: text/html', 'content-length: 6'], '502 Bad Gateway'), '<html>'),
    told: 'answer',
    code: null,
    basis: 'none',
    status: 502,
    says: /^<html>$/,
  },
  'is a stream that calls itself a document': {
    answer: saysAndEnds(head([JSON_TYPE, 'connection: close']), MESSAGE_START, MESSAGE_END),
    told: 'answer',
    code: 'incomplete',
    basis: 'metered',
    status: 200,
    says: /message_stop/,
  },
  'is a document that calls itself a stream': {
    answer: saysAndEnds(STREAM, JSON_ANSWER),
    told: 'answer',
    code: 'incomplete',
    basis: 'metered',
    status: 200,
  },
};

test('P1, P2: whatever goes wrong at the provider, the caller can read it, and it is one intent, one outcome, one charge', async (t) => {
  const peer = await startPeer();
  const gateway = await startTestGateway({ upstream: peer.url, firstByteMs: 500, silenceMs: 500 });
  t.after(async () => {
    await gateway.close();
    await peer.close();
  });
  peer.answer = (socket, request) => {
    const title = new RegExp(`${SESSION}: (.*)\r\n`).exec(request)?.[1] ?? '';
    (FAULTS[title]?.answer ?? says(MESSAGE))(socket);
  };
  const titles = Object.keys(FAULTS);
  const replies = await Promise.all(
    titles.map((title) =>
      raw(gateway.url, { body: STREAM_CALL, headers: { [SESSION]: title } }).then(
        async (reply) => ({ reply, next: await raw(gateway.url, { body: CALL }) }),
        async () => ({ reply: null, next: await raw(gateway.url, { body: CALL }) }),
      ),
    ),
  );
  await until(() => gateway.openCalls.count === 0 && gateway.journal.of('outcome').length === 2 * titles.length);
  for (const [at, title] of titles.entries()) {
    const fault = FAULTS[title]!;
    const { reply, next } = replies[at]!;
    readable(title, fault, reply);
    recorded(title, fault, gateway);
    // Whatever was left on a connection is nobody's answer.
    assert.deepEqual([next.status, next.body.toString()], [200, JSON_ANSWER], `the call after one that ${title}`);
  }
  assert.equal(peer.requests.length, 2 * titles.length, 'each was sent once');
});

function readable(title: string, { told, says: words, status }: Fault, reply: RawReply | null): void {
  assert.equal(reply === null, told === 'broken', title);
  if (reply === null) return;
  const text = reply.body.toString();
  if (told === 'answer') {
    assert.equal(reply.status, status, title);
    if (words !== undefined) assert.match(text, words, title);
    return;
  }
  const isEvent = told === 'event';
  assert.equal(reply.status, isEvent ? 200 : told, title);
  // In a stream after whole events only: what stands before is the beginning of what the provider said, up to a blank line.
  const [, before = '', last = ''] = isEvent
    ? (/^([\s\S]*)event: error\ndata: (.*)\n\n$/.exec(text) ?? [])
    : ['', '', text];
  assert.match(before, /^$|\n\n$/, title);
  const { type, error, request_id } = JSON.parse(last);
  assert.deepEqual([type, error.type], ['error', 'api_error'], title);
  assert.match(error.message, words ?? /./, title);
  assert.match(error.message, new RegExp(request_id), title);
  // A 5xx is sent again by clients, unless they are told otherwise.
  assert.equal(reply.headers['x-should-retry'], undefined, title);
}

function recorded(title: string, fault: Fault, gateway: TestGateway): void {
  const intents = gateway.journal.records.filter(({ kind, body }) => {
    return kind === 'intent' && (body.client as { session: string }).session === title;
  });
  assert.equal(intents.length, 1, title);
  const outcomes = gateway.journal.of('outcome').filter(({ intent }) => intent === intents[0]?.id);
  assert.equal(outcomes.length, 1, title);
  const { code, levels, cost } = outcomes[0] as {
    code: string;
    levels: object;
    cost: { micros: number; basis: string };
  };
  assert.equal(code, fault.code, title);
  const transport = fault.told === 'answer' ? 'complete' : 'upstream_lost';
  const status = fault.status ?? null;
  assert.partialDeepStrictEqual(levels, { transport, protocol: status }, title);
  assert.equal(cost.basis, fault.basis, title);
  assert.equal(cost.micros > 0, fault.basis !== 'none', title);
}
