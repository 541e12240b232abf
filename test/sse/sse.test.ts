import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SseScanner } from '../../src/upstream/sse.ts';
import { type Seen, sdkEvents, standardEvents, utf8 } from './support.ts';

function read(text: string, options: ConstructorParameters<typeof SseScanner>[1] = {}): Seen[] {
  const seen: Seen[] = [];
  new SseScanner((event, data, named) => seen.push([named ? event : null, data]), options).push(utf8(text));
  return seen;
}

// The first three are the examples of the WHATWG text (9.2.6), with its results.
const TABLE: readonly [what: string, stream: string, events: readonly Seen[]][] = [
  ['data over three lines', 'data: YHOO\ndata: +2\ndata: 10\n\n', [[null, 'YHOO\n+2\n10']]],
  [
    'comments, ids and a second space',
    ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n',
    [
      [null, 'first event'],
      [null, 'second event'],
      [null, ' third event'],
    ],
  ],
  [
    'empty data, and an unfinished event at the end',
    'data\n\ndata\ndata\n\ndata:',
    [
      [null, ''],
      [null, '\n'],
    ],
  ],
  ['the last name wins', 'event: a\ndata: 1\nevent: b\n\n', [['b', '1']]],
  ['a name behind the data', 'data: 1\nevent: a\n\n', [['a', '1']]],
  [
    'a name is not kept for the next event',
    'event: a\ndata: 1\n\ndata: 2\n\n',
    [
      ['a', '1'],
      [null, '2'],
    ],
  ],
  ['CR ends lines', 'event: a\rdata: 1\r\r', [['a', '1']]],
  ['CRLF ends lines', 'event: a\r\ndata: 1\r\n\r\n', [['a', '1']]],
  ['line ends mix', 'event: a\rdata: 1\ndata: 2\r\n\n', [['a', '1\n2']]],
  ['a byte order mark first', '\ufeffdata: 1\n\n', [[null, '1']]],
  ['field names are exact', 'Data: 1\ndata : 2\n data: 3\ndatum: 4\neventx: 5\ndata: 6\n\n', [[null, '6']]],
  ['colons in values', 'event:a:b\ndata:::\n\n', [['a:b', '::']]],
  ['only the three line ends end lines', 'data: a\u2028b\u0085c\vd\0e\n\n', [[null, 'a\u2028b\u0085c\vd\0e']]],
  ['nothing at all', '\n\n\r\r\r\n\r\n', []],
];

for (const [what, stream, events] of TABLE) {
  test(`SSE: ${what}`, async () => {
    assert.deepEqual(read(stream), events);
    assert.deepEqual(await sdkEvents([utf8(stream)]), events);
    assert.deepEqual(standardEvents(utf8(stream)), events);
  });
}

// Where the SDK and the WHATWG text part, the scanner reads as the SDK does: what callers see is never missed.
const DEVIATIONS: readonly [what: string, stream: string, sdk: readonly Seen[], standard: readonly Seen[]][] = [
  ['a byte order mark in front of a later line', 'event: a\n\ufeffdata: 1\n\n', [['a', '1']], []],
  [
    'a line of a byte order mark alone',
    'data: 1\n\ufeff\ndata: 2\n\n',
    [
      [null, '1'],
      [null, '2'],
    ],
    [[null, '1\n2']],
  ],
  ['a name without data', 'event: error\n\n', [['error', '']], []],
  ['a nameless event field', 'event:\ndata: 1\n\n', [['', '1']], [[null, '1']]],
  ['a nameless event field without data names the next', 'event:\n\ndata: 1\n\n', [['', '1']], [[null, '1']]],
];

for (const [what, stream, sdk, standard] of DEVIATIONS) {
  test(`SSE: read as the SDK does: ${what}`, async () => {
    assert.deepEqual(await sdkEvents([utf8(stream)]), sdk);
    assert.deepEqual(standardEvents(utf8(stream)), standard);
    assert.deepEqual(read(stream), sdk);
  });
}

test('SSE: the one reading of the SDK that is not followed: a stream cut off behind a lone byte order mark', async () => {
  const stream = 'data: 1\n\ufeff';
  assert.deepEqual(await sdkEvents([utf8(stream)]), [[null, '1']]);
  assert.deepEqual(read(stream), []);
});

test('P4: a boundary stands behind the last blank line, and not while an LF could still belong to it', () => {
  const scanner = new SseScanner(() => {});
  const push = (text: string) => [scanner.push(utf8(text)), scanner.atBoundary];
  assert.equal(scanner.atBoundary, true);
  assert.deepEqual(push(''), [0, true]);
  assert.deepEqual(push('data: 1\n'), [0, false]);
  assert.deepEqual(push('\n'), [1, true]);
  assert.deepEqual(push('data: 2\n\ndata: 3\n\nda'), [18, false]);
  assert.deepEqual(push('ta: 4\r\n'), [0, false]);
  assert.deepEqual(push('\r'), [0, false]);
  assert.deepEqual(push('\n'), [1, true]);
  assert.deepEqual(push('data: 5\r\r'), [0, false]);
  assert.deepEqual(push('\ndata: 6'), [1, false]);
  assert.deepEqual(push('\r\r'), [0, false]);
  assert.deepEqual(push('data: 7\r\r:'), [9, false]);
  assert.deepEqual(push('\r\n\r\n'), [4, true]);
  assert.deepEqual(push('\ufeff'), [0, false]);
  assert.deepEqual(push('\n'), [0, false]);
  assert.deepEqual(push('\n'), [1, true]);
  assert.deepEqual(push('event:\n\n'), [0, false]);
  assert.equal(new SseScanner(() => {}).push(utf8('\ufeff\n')), 4);
});

test('SSE: only wanted events are handed over, whichever side of the data the name stands', () => {
  const stream = 'event: a\ndata: 1\n\ndata: 2\nevent: b\n\nevent: a\ndata: 3\nevent: b\n\ndata: 4\n\n';
  const asked: string[] = [];
  const wants = (event: string) => {
    asked.push(event);
    return event === 'b';
  };
  const expected = [
    ['b', '2'],
    ['b', '3'],
  ];
  assert.deepEqual(read(stream, { wants }), expected);
  assert.deepEqual(asked, ['a', 'b', 'b', '']);
});

test('SSE: an event over the bound is dropped whole and framing goes on', () => {
  const stream = utf8('data: 12345\n\ndata: 123456\n\ndata: 1\r\ndata: 2\r\n\r\n: 45678901234\n\ndata: 3\n\n');
  for (const size of [1, 2, 5, 13, 1000]) {
    const seen: string[] = [];
    const scanner = new SseScanner((_, data) => seen.push(data), { maxEventBytes: 12 });
    for (let i = 0; i < 13; i += size) scanner.push(stream.subarray(i, Math.min(13, i + size)));
    assert.equal(scanner.overflowed, false);
    for (let i = 13; i < stream.length; i += size) scanner.push(stream.subarray(i, i + size));
    assert.equal(scanner.overflowed, true);
    assert.equal(scanner.atBoundary, true);
    assert.deepEqual(seen, ['12345', '3'], `chunks of ${size}`);
  }
});

test('SSE: an event of a megabyte comes whole through any chunks', async () => {
  const data = `${'é😀x'.repeat(150_000)}`;
  const stream = utf8(`event: big\ndata: ${data}\ndata: end\n\n`);
  for (const size of [stream.length, 65_537, 4093]) {
    const chunks = Array.from({ length: Math.ceil(stream.length / size) }, (_, i) =>
      stream.subarray(i * size, (i + 1) * size),
    );
    const seen: Seen[] = [];
    const scanner = new SseScanner((event, text) => seen.push([event, text]));
    for (const chunk of chunks) scanner.push(chunk);
    assert.deepEqual(seen, await sdkEvents(chunks));
    assert.equal(seen[0]?.[1].length, data.length + 4);
  }
});

test('SSE: a chunk may be overwritten once it was pushed', () => {
  const seen: string[] = [];
  const scanner = new SseScanner((_, data) => seen.push(data));
  const chunk = utf8('data: one');
  scanner.push(chunk);
  chunk.fill(0x78);
  scanner.push(utf8('\n\n'));
  assert.deepEqual(seen, ['one']);
});
