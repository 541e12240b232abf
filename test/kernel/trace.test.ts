import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { childSpan, formatTraceparent, parseTraceparent, parseTracestate, startSpan } from '../../src/kernel/trace.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const VALID = `00-${TRACE}-${SPAN}-01`;

test('a valid traceparent is continued as a child', () => {
  const context = startSpan({ traceparent: VALID, tracestate: 'congo=t61rcWkgMzE' });
  assert.equal(context.traceId, TRACE);
  assert.equal(context.parentId, SPAN);
  assert.equal(context.flags, 1);
  assert.equal(context.state, 'congo=t61rcWkgMzE');
  assert.match(context.spanId, /^[0-9a-f]{16}$/);
  assert.notEqual(context.spanId, SPAN);
  assert.equal(formatTraceparent(context), `00-${TRACE}-${context.spanId}-01`);
});

test('what is not valid in every character starts a new trace and drops the state', () => {
  const bad = [
    '',
    VALID.toUpperCase(),
    ` ${VALID}`,
    `${VALID}-`,
    `${VALID}-extra`,
    `${VALID},${VALID}`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.slice(1)}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-1`,
    `00_${TRACE}_${SPAN}_01`,
    `01-${TRACE}-${SPAN}-01extra`,
    `01-${TRACE}-${SPAN}-01-${'x'.repeat(300)}`,
    `${VALID}\n`,
  ];
  for (const traceparent of bad) {
    const context = startSpan({ traceparent, tracestate: 'congo=1' });
    assert.notEqual(context.traceId, TRACE, JSON.stringify(traceparent));
    assert.equal(context.parentId, null);
    assert.equal(context.state, null);
    assert.match(formatTraceparent(context), /^00-[0-9a-f]{32}-[0-9a-f]{16}-02$/);
  }
});

test('a later version is read by its first four fields and unknown flags are cleared', () => {
  assert.deepEqual(parseTraceparent(`01-${TRACE}-${SPAN}-ff-what-ever`), { traceId: TRACE, parentId: SPAN, flags: 3 });
  assert.deepEqual(parseTraceparent(`cc-${TRACE}-${SPAN}-08`), { traceId: TRACE, parentId: SPAN, flags: 0 });
});

test('a child span keeps the trace and names its parent', () => {
  const context = startSpan({ traceparent: VALID });
  const child = childSpan(context);
  assert.equal(child.traceId, TRACE);
  assert.equal(child.parentId, context.spanId);
  assert.notEqual(child.spanId, context.spanId);
});

test('tracestate is kept whole, or dropped whole when one member is bad', () => {
  assert.equal(parseTracestate('a=1, b@v=2 ,,\tc=x y'), 'a=1,b@v=2,c=x y');
  for (const bad of ['a', '=1', 'A=1', 'a=1,a=2', 'a=b=c', 'a=', 'a=\u0007', 'a=é', 'a@=1', '@v=1', '', ',']) {
    assert.equal(parseTracestate(bad), null, bad);
  }
  const many = (n: number) => Array.from({ length: n }, (_, i) => `k${i}=v`).join(',');
  assert.equal(parseTracestate(many(32)), many(32));
  assert.equal(parseTracestate(many(33)), null);
});

test('an overlong tracestate loses long members first, then those at the end', () => {
  const long = `l=${'x'.repeat(140)}`;
  const short = (name: string) => `${name}=${'y'.repeat(98)}`;
  const members = ['a', 'b', 'c', 'd', 'e'].map(short);
  assert.equal(parseTracestate([long, ...members].join(',')), members.join(','));
  assert.equal(parseTracestate([...members, short('f')].join(',')), members.join(','));
});

test('no header can break a call', () => {
  const headers = fc.record({ traceparent: fc.string({ unit: 'binary' }), tracestate: fc.string({ unit: 'binary' }) });
  fc.assert(
    fc.property(headers, (given) => {
      const context = startSpan(given);
      assert.match(formatTraceparent(context), /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]$/);
      assert.ok((context.state ?? '').length <= 512);
    }),
    { seed: 11, numRuns: 300 },
  );
});
