import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MetricsRegistry } from '../../src/kernel/metrics.ts';

interface Parsed {
  readonly types: Map<string, string>;
  readonly help: Map<string, string>;
  /** By name and sorted labels as JSON. */
  readonly samples: Map<string, number>;
}

/** A strict reader of the text format 0.0.4, written from its specification and sharing nothing with the writer. */
function parse(text: string): Parsed {
  assert.ok(text.endsWith('\n'));
  const parsed: Parsed = { types: new Map(), help: new Map(), samples: new Map() };
  for (const line of text.slice(0, -1).split('\n')) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line);
    if (comment !== null) {
      const [, kind, name = '', rest = ''] = comment;
      const into = kind === 'HELP' ? parsed.help : parsed.types;
      assert.ok(!into.has(name), `${kind} of ${name} twice`);
      into.set(name, kind === 'HELP' ? unescapeText(rest) : rest);
      continue;
    }
    const [key, value] = sample(line);
    assert.ok(!parsed.samples.has(key), `series twice: ${line}`);
    parsed.samples.set(key, value);
  }
  return parsed;
}

function unescapeText(text: string): string {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '\\') out += text[i];
    else {
      i += 1;
      const meaning = new Map([
        ['\\', '\\'],
        ['n', '\n'],
        ['"', '"'],
      ]).get(text[i] ?? '');
      assert.ok(meaning !== undefined, `bad escape in ${text}`);
      out += meaning;
    }
  }
  return out;
}

function sample(line: string): [string, number] {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0];
  assert.ok(name !== undefined, line);
  let at = name.length;
  const labels: Record<string, string> = {};
  if (line[at] === '{') {
    at += 1;
    while (line[at] !== '}') {
      const pair = /^([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(,?)/s.exec(line.slice(at));
      assert.ok(pair !== null, line);
      labels[pair[1] ?? ''] = unescapeText(pair[2] ?? '');
      at += pair[0].length;
    }
    at += 1;
  }
  const value = /^ (-?[0-9.e+-]+|NaN|[+-]Inf)$/.exec(line.slice(at))?.[1];
  assert.ok(value !== undefined, line);
  return [series(name, labels), Number(value.replace('Inf', 'Infinity'))];
}

function series(name: string, labels: Record<string, string> = {}): string {
  return JSON.stringify([name, Object.entries(labels).sort()]);
}

test('counters, gauges and histograms are rendered with help, type and values', () => {
  const registry = new MetricsRegistry();
  const calls = registry.counter('calls_total', 'Calls \\ by\nmodel.', ['model', 'code']);
  const open = registry.gauge('open', 'Open calls.');
  const seconds = registry.histogram('seconds', 'Duration.', ['door'], [0.1, 1, 10]);
  calls.inc({ model: 'm', code: 200 });
  calls.inc({ model: 'm', code: 200 }, 2.5);
  calls.inc({ code: 500 });
  open.set({}, 5);
  open.inc({}, -2);
  for (const value of [0.05, 0.1, 0.5, 100]) seconds.observe({ door: 'a' }, value);
  const { types, help, samples } = parse(registry.render());
  assert.deepEqual(
    [types.get('calls_total'), types.get('open'), types.get('seconds')],
    ['counter', 'gauge', 'histogram'],
  );
  assert.equal(help.get('calls_total'), 'Calls \\ by\nmodel.');
  const expected: [string, Record<string, string>, number][] = [
    ['calls_total', { model: 'm', code: '200' }, 3.5],
    ['calls_total', { model: '', code: '500' }, 1],
    ['open', {}, 3],
    ['seconds_bucket', { door: 'a', le: '0.1' }, 2],
    ['seconds_bucket', { door: 'a', le: '1' }, 3],
    ['seconds_bucket', { door: 'a', le: '10' }, 3],
    ['seconds_bucket', { door: 'a', le: '+Inf' }, 4],
    ['seconds_sum', { door: 'a' }, 100.65],
    ['seconds_count', { door: 'a' }, 4],
  ];
  for (const [name, labels, value] of expected) {
    const found = samples.get(series(name, labels));
    assert.ok(found !== undefined && Math.abs(found - value) < 1e-9, `${name} ${JSON.stringify(labels)}: ${found}`);
  }
  assert.equal(samples.size, expected.length);
});

test('a metric without labels starts at zero', () => {
  const registry = new MetricsRegistry();
  registry.counter('a_total', 'A.');
  registry.histogram('h', 'H.', [], [1]);
  const { samples } = parse(registry.render());
  assert.equal(samples.get(series('a_total')), 0);
  assert.equal(samples.get(series('h_count')), 0);
  assert.equal(samples.get(series('h_bucket', { le: '+Inf' })), 0);
});

test('hostile label values cannot break out of their place', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: fc.constantFrom('"', '\\', '\n', '\r', '}', ',', '=', ' ', '\u001b', '\u0000', '\ud800') }),
  );
  fc.assert(
    fc.property(fc.uniqueArray(value, { maxLength: 8 }), (values) => {
      const registry = new MetricsRegistry();
      const counter = registry.counter('hostile_total', 'H.', ['a', 'b']);
      for (const text of values) counter.inc({ a: text, b: `${text}"} 1\nfaked_total 9` });
      const text = registry.render();
      const { samples, types } = parse(text);
      assert.deepEqual([...types.keys()].sort(), ['gatehouse_metrics_dropped_total', 'hostile_total']);
      const total = [...samples.values()].reduce((sum, n) => sum + n, 0);
      assert.equal(total, values.length);
      assert.ok(![...samples.keys()].some((key) => key.startsWith('["faked')));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: looking for control characters is the purpose
      assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f]/);
      assert.ok(text.isWellFormed());
    }),
    { seed: 5, numRuns: 300 },
  );
  const registry = new MetricsRegistry();
  registry.counter('plain_total', 'P.', ['v']).inc({ v: 'say "hi" to C:\\temp' });
  assert.equal(parse(registry.render()).samples.get(series('plain_total', { v: 'say "hi" to C:\\temp' })), 1);
});

test('series are bounded: the rest is added up under "other" and counted', () => {
  const registry = new MetricsRegistry({ maxSeries: 10 });
  const counter = registry.counter('many_total', 'M.', ['who', 'what']);
  for (let i = 0; i < 50; i++) counter.inc({ who: `u${i}`, what: 'x' });
  counter.inc({ who: 'u3', what: 'x' });
  const histogram = registry.histogram('h', 'H.', ['who'], [1]);
  for (let i = 0; i < 12; i++) histogram.observe({ who: `u${i}` }, 0.5);
  const { samples } = parse(registry.render());
  assert.equal([...samples.keys()].filter((key) => key.startsWith('["many_total"')).length, 11);
  assert.equal(samples.get(series('many_total', { who: 'u3', what: 'x' })), 2);
  assert.equal(samples.get(series('many_total', { who: 'other', what: 'other' })), 40);
  assert.equal(samples.get(series('h_count', { who: 'other' })), 2);
  const dropped = (metric: string) =>
    samples.get(series('gatehouse_metrics_dropped_total', { metric, reason: 'series' }));
  assert.equal(dropped('many_total'), 40);
  assert.equal(dropped('h'), 2);
});

test('the ordinary limit is 2000 series', () => {
  const registry = new MetricsRegistry();
  const counter = registry.counter('many_total', 'M.', ['n']);
  for (let i = 0; i < 2_005; i++) counter.inc({ n: i });
  const { samples } = parse(registry.render());
  assert.equal([...samples.keys()].filter((key) => key.startsWith('["many_total"')).length, 2_001);
  assert.equal(samples.get(series('many_total', { n: 'other' })), 5);
});

test('a collected gauge is asked at every render and forgets what is gone', () => {
  const registry = new MetricsRegistry();
  let parts = ['a', 'b'];
  registry
    .gauge('size', 'S.', ['part'])
    .collect(() => parts.map((part) => ({ labels: { part }, value: part === 'a' ? -1 : Number.POSITIVE_INFINITY })));
  const first = parse(registry.render()).samples;
  assert.equal(first.get(series('size', { part: 'a' })), -1);
  assert.equal(first.get(series('size', { part: 'b' })), Infinity);
  parts = ['b'];
  assert.equal(parse(registry.render()).samples.has(series('size', { part: 'a' })), false);
});

test('a collector that fails does not take the other metrics with it', () => {
  const registry = new MetricsRegistry();
  registry.gauge('broken', 'B.').collect(() => {
    throw new Error('no');
  });
  registry.counter('fine_total', 'F.').inc();
  const { samples } = parse(registry.render());
  assert.equal(samples.get(series('fine_total')), 1);
  assert.equal(samples.get(series('gatehouse_metrics_dropped_total', { metric: 'broken', reason: 'collector' })), 1);
});

test('values that are no numbers are dropped and counted; counters never fall', () => {
  const registry = new MetricsRegistry();
  const counter = registry.counter('c_total', 'C.');
  counter.inc({}, 2);
  for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY]) counter.inc({}, value);
  registry.histogram('h', 'H.', [], [1]).observe({}, Number.NaN);
  const { samples } = parse(registry.render());
  assert.equal(samples.get(series('c_total')), 2);
  assert.equal(samples.get(series('gatehouse_metrics_dropped_total', { metric: 'c_total', reason: 'value' })), 3);
  assert.equal(samples.get(series('gatehouse_metrics_dropped_total', { metric: 'h', reason: 'value' })), 1);
});

test('mistakes in the program are thrown at registration', () => {
  const registry = new MetricsRegistry();
  registry.histogram('h', 'H.', [], [1]);
  assert.throws(() => registry.counter('h_sum', 'X.'), /twice/);
  assert.throws(() => registry.counter('h', 'X.'), /twice/);
  assert.throws(() => registry.counter('0bad', 'X.'), /metric name/);
  assert.throws(() => registry.counter('a-b', 'X.'), /metric name/);
  assert.throws(() => registry.counter('x_total', 'X.', ['a', 'a']), /label names/);
  assert.throws(() => registry.counter('y_total', 'X.', ['__a']), /label names/);
  assert.throws(() => registry.histogram('z', 'X.', ['le'], [1]), /label names/);
  for (const buckets of [[], [2, 1], [1, 1], [Number.POSITIVE_INFINITY]]) {
    assert.throws(() => registry.histogram('w', 'X.', [], buckets), RangeError);
  }
});
