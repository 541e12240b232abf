import assert from 'node:assert/strict';
import { FrameGate } from '../../../src/steps/frames.ts';
import { SseScanner } from '../../../src/upstream/sse.ts';
import { type Seen, sdkEvents } from '../../sse/support.ts';
import { delta, MESSAGE_END, MESSAGE_START } from '../../support/raw.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { chunkings } from './chunks.ts';
import { meterOf } from './meter-reference.ts';

const PING = Buffer.from('event: ping\ndata: {"type": "ping"}\n\n');
const MOST_HELD = 64 * 1024;

/** A line that begins with a byte order mark and is not ended yet: the one place where the SDK's own reading depends on how it is cut. */
const OPEN_MARK = /(?:^|[\r\n])\ufeff$/;

/** A line of nothing but a mark ends an event; cut inside, its three bytes count towards the bound of that event. */
const MARK_ALONE = /(?:^|[\r\n])\ufeff[\r\n]/;

/** What the gate lets through and says of itself. Checks on the way that it holds little and stands where it says. */
function relayed(chunks: readonly Buffer[]) {
  const gate = new FrameGate();
  const out: Buffer[] = [];
  const rests: number[] = [];
  let given = 0;
  let passed = 0;
  for (const chunk of chunks) {
    given += chunk.length;
    for (const piece of gate.push(chunk)) {
      out.push(Buffer.from(piece));
      passed += piece.byteLength;
    }
    assert.ok(given - passed <= MOST_HELD + chunk.length, 'the gate holds more than it may');
    if (gate.betweenEvents) rests.push(passed);
  }
  for (const piece of gate.flush()) out.push(Buffer.from(piece));
  const scanner = new SseScanner(() => undefined);
  for (const chunk of chunks) scanner.push(chunk);
  if (scanner.atBoundary) assert.ok(gate.betweenEvents, 'the gate forgets that an event came to its end');
  return { bytes: Buffer.concat(out), rests, report: gate.meter.report() };
}

function scanned(chunks: readonly Buffer[], maxEventBytes: number) {
  const seen: Seen[] = [];
  const scanner = new SseScanner((event, data, named) => seen.push([named ? event : null, data]), { maxEventBytes });
  for (const chunk of chunks) scanner.push(chunk);
  return { seen, overflowed: scanner.overflowed, atBoundary: scanner.atBoundary };
}

async function run(input: Uint8Array): Promise<void> {
  const bytes = Buffer.from(input);
  const events = await sdkEvents([bytes]);
  const followed = !OPEN_MARK.test(bytes.toString());
  const expected = meterOf(events);
  const whole = scanned([bytes], 48);
  for (const chunks of chunkings(bytes)) {
    const { bytes: out, rests, report } = relayed(chunks);
    assert.ok(out.equals(bytes), 'the bytes that came out are not those that went in');
    if (followed) assert.deepEqual(scanned(chunks, 1 << 20).seen, events, 'the scanner reads what the SDK does not');
    if (followed) expected.compare(report);
    const small = scanned(chunks, 48);
    if (!MARK_ALONE.test(bytes.toString())) {
      assert.deepEqual(small, whole, 'a bound on events works differently when the stream is cut');
    }
    assert.ok(small.seen.every(([name, data]) => (name ?? '').length + data.length <= 48));
    await checkRests(bytes, events, [...new Set(rests)].slice(-2));
  }
}

/** Wherever the gate says that it stands between two events, a ping changes none of them. */
async function checkRests(bytes: Buffer, events: readonly Seen[], rests: readonly number[]): Promise<void> {
  for (const rest of rests) {
    const before = await sdkEvents([bytes.subarray(0, rest), PING]);
    assert.deepEqual(before.at(-1), ['ping', '{"type": "ping"}'], 'a ping between two events is not read as one');
    const all = await sdkEvents([bytes.subarray(0, rest), PING, bytes.subarray(rest)]);
    assert.deepEqual(all.toSpliced(before.length - 1, 1), events, 'a ping between two events changes one of them');
  }
}

export const sse: FuzzTarget = {
  name: 'sse',
  parses: 'src/upstream/sse.ts, src/steps/frames.ts, src/upstream/anthropic/meter.ts',
  hostile: ['provider'],
  seeds: [
    MESSAGE_START + delta('hello') + MESSAGE_END,
    MESSAGE_START.replaceAll('\n', '\r\n') + MESSAGE_END.replaceAll('\n', '\r'),
    `${MESSAGE_START}event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"no"}}\n\n`,
    '\ufeffevent: message_delta\ndata: {"type":"message_delta",\ndata: "usage":{"output_tokens":3,"iterations":[{"output_tokens":2}]}}\n\n: note\n\nevent:\n\ndata\n\n',
    'event: content_block_start\ndata: {"type":"content_block_start","content_block":{"type":"tool_use"}}\n\nevent: content_block_delta\ndata: {"t\\u0079pe":"m\\u0065ssage_delta","usage":{"output_tokens":9}}\n\n',
    // Longer than the gate holds: it is let through unfinished.
    `data: ${'x'.repeat(70_000)}\n\n`,
    `event: a\ndata: ${'x'.repeat(70_000)}\n\n${MESSAGE_END}`,
  ],
  tokens: [
    '\n\n',
    '\r\n\r\n',
    '\r\r',
    'event:',
    'event: ',
    'data:',
    'data: ',
    'data',
    'event',
    ': ',
    '\ufeff',
    'ping',
    'error',
    'id: 1',
    'message_start',
    'message_delta',
    'message_stop',
    'content_block_delta',
    'content_block_start',
    '"type":"tool_use"',
    '"usage":{',
    '"output_tokens":1',
    '"input_tokens":null',
    '__proto__',
    '\\u0065',
    '{}',
    'null',
    '[',
    ']',
    '"delta":{"stop_reason":"end_turn"}',
  ],
  run,
};
