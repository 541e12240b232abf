import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SseScanner } from '../../src/upstream/sse.ts';
import { type Seen, sdkEvents, split, standardEvents, utf8 } from './support.ts';

const RUNS = { seed: 20260102, numRuns: 500 };
const PING = utf8('event: ping\ndata: {"type": "ping"}\n\n');

const BOM = '\ufeff';
const value = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('', ' ', '  x', ':', '{"a":"é"}', '😀'),
);
const line = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom('data:', 'data: ', 'event:', 'event: '), value).map((parts) => parts.join('')),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'data',
      'event',
      'event:',
      ': note',
      ':',
      'id: 1',
      'retry: 9',
      'datax: 1',
      'dat',
      'event : x',
      'event: ping',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      BOM,
      `${BOM}data: b`,
      `${BOM}event: e`,
      `${BOM}${BOM}`,
      `${BOM}${BOM}data: n`,
      `${BOM}:`,
    ),
  },
  { weight: 1, arbitrary: value },
);
const end = fc.constantFrom('\n', '\n', '\r', '\r\n');
const text = fc
  .tuple(
    fc.constantFrom('', '', BOM),
    fc.array(fc.tuple(line, end), { maxLength: 14 }),
    fc.constantFrom('', '', 'data: cut', 'event: cut', ':'),
  )
  .map(([first, lines, last]) => utf8(first + lines.flat().join('') + last));
/** Bytes that are no UTF-8 at all, or cut in the middle of it. */
const damaged = fc
  .tuple(
    text,
    fc.array(fc.tuple(fc.nat(), fc.constantFrom(0xef, 0xbb, 0xbf, 0xf0, 0x9f, 0xc0, 0xff, 0x80, 0xed, 0xa0)), {
      maxLength: 4,
    }),
  )
  .map(([bytes, edits]) => {
    const copy = Buffer.from(bytes);
    for (const [place, byte] of edits) if (copy.length > 0) copy[place % copy.length] = byte;
    return copy;
  });
/** Without the one reading of the SDK that is not followed, which has its own test. */
const stream = fc.oneof(text, damaged).filter((bytes) => !/(?:^|[\r\n])\ufeff$/.test(bytes.toString()));
const places = fc.array(fc.nat(), { maxLength: 6 });

function read(chunks: readonly Buffer[], maxEventBytes?: number) {
  const seen: Seen[] = [];
  const boundaries: number[] = [];
  const scanner = new SseScanner(
    (event, data, named) => seen.push([named ? event : null, data]),
    maxEventBytes === undefined ? {} : { maxEventBytes },
  );
  let offset = 0;
  for (const chunk of chunks) {
    const boundary = scanner.push(chunk);
    assert.ok(boundary >= 0 && boundary <= chunk.length);
    if (boundary > 0) boundaries.push(offset + boundary);
    if (chunk.length > 0 && scanner.atBoundary) assert.equal(boundary, chunk.length);
    offset += chunk.length;
  }
  return { seen, boundaries, atBoundary: scanner.atBoundary, overflowed: scanner.overflowed };
}

test('P4: the scanner reads what the official SDK reads, however the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(stream, places, places, async (bytes, ours, theirs) => {
      assert.deepEqual(read(split(bytes, ours)).seen, await sdkEvents(split(bytes, theirs)));
    }),
    { ...RUNS, numRuns: 1500 },
  );
});

test('SSE: byte by byte is the same as in one chunk', () => {
  fc.assert(
    fc.property(stream, fc.option(fc.nat({ max: 40 }), { nil: undefined }), (bytes, max) => {
      const one = read([bytes], max);
      const many = read(split(bytes, [...bytes.keys()]), max);
      assert.deepEqual(many.seen, one.seen);
      assert.equal(many.overflowed, one.overflowed);
      assert.equal(many.atBoundary, one.atBoundary);
      // The last boundary may only be missed, never invented: a blank line that ends with CR waits for its LF.
      assert.ok((many.boundaries.at(-1) ?? 0) <= (one.boundaries.at(-1) ?? 0));
    }),
    RUNS,
  );
});

test('P4: at every offset push returns, a ping may be inserted without changing any other event', async () => {
  let inserted = 0;
  await fc.assert(
    fc.asyncProperty(stream, places, async (bytes, cuts) => {
      for (const boundary of read(split(bytes, cuts)).boundaries) {
        const before = bytes.subarray(0, boundary);
        const whole = Buffer.concat([before, PING, bytes.subarray(boundary)]);
        const insert = (events: Seen[], count: number) => events.toSpliced(count, 0, ['ping', '{"type": "ping"}']);
        assert.deepEqual(await sdkEvents([Buffer.concat([before, PING])]), [
          ...(await sdkEvents([before])),
          ['ping', '{"type": "ping"}'],
        ]);
        assert.deepEqual(
          await sdkEvents([whole]),
          insert(await sdkEvents([bytes]), (await sdkEvents([before])).length),
        );
        assert.deepEqual(standardEvents(whole), insert(standardEvents(bytes), standardEvents(before).length));
        inserted++;
      }
    }),
    RUNS,
  );
  assert.ok(inserted > 200, String(inserted));
});

test('SSE: every blank line is found when each chunk is one line', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('data: x', 'event: y', ': z', ''), { maxLength: 20 }), (lines) => {
      let offset = 0;
      const expected: number[] = [];
      const chunks = lines.map((content) => utf8(`${content}\n`));
      for (const chunk of chunks) {
        offset += chunk.length;
        if (chunk.length === 1) expected.push(offset);
      }
      assert.deepEqual(read(chunks).boundaries, expected);
    }),
    RUNS,
  );
});
