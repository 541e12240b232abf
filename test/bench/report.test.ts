import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row } from '../../bench/compare.ts';
import { EMPTY, type Figures, foreignOf } from '../../bench/measure.ts';
import { coresFor, parseOptions, type Variant } from '../../bench/options.ts';
import { render, reportOf, shown, verdicts } from '../../bench/report.ts';
import { growth } from '../../bench/soak.ts';
import { summarise } from '../../bench/summary.ts';

function row(round: number, variant: Variant, figures: Partial<Figures>): Row {
  return { round, scenario: '2kb', variant, figures: { ...EMPTY, done: 100, ...figures } };
}

const ROWS: Row[] = [
  row(1, 'direct', { p50: 0.2, p99: 2 }),
  row(1, 'nginx', { p50: 0.4, p99: 3, cpuMicros: 30 }),
  row(1, 'gatehouse', { p50: 0.9, p99: 4, cpuMicros: 150, perSecond: 5000, rssMegabytes: 240 }),
  // The machine was slow in this round, for everybody.
  row(2, 'direct', { p50: 2.2, p99: 20 }),
  row(2, 'nginx', { p50: 2.5, p99: 22, cpuMicros: 60 }),
  row(2, 'gatehouse', { p50: 3.3, p99: 26, cpuMicros: 420, perSecond: 1000, rssMegabytes: 262 }),
];

const line = (figure: string) => {
  const found = summarise(ROWS).find((one) => one.figure === figure);
  assert.ok(found, figure);
  return found;
};

test('what is added is what is left without the direct load of the same round', () => {
  const added = line('addedP50').cells;
  // 0.7 and 1.1; the median of all rounds would have said 0.9 − 1.2 for other pairs.
  assert.equal(added.gatehouse?.median.toFixed(6), '0.900000');
  assert.equal(added.gatehouse?.least.toFixed(6), '0.700000');
  assert.equal(added.nginx?.median.toFixed(6), '0.250000');
  assert.equal(added.direct, undefined);
  assert.equal(line('addedP99').cells.gatehouse?.median, 4);
});

test('ratios are those of one round, never of two', () => {
  // 150/30 and 420/60; of the medians it would be 285/45 = 6.33.
  assert.equal(line('cpuMicros').ratios['gatehouse / nginx'], 6);
  assert.equal(line('cpuMicros').ratios['portkey / gatehouse'], undefined);
});

test('calls a second of a core are what its CPU time allows, and only where full load was measured', () => {
  const { cells } = line('perCore');
  assert.equal(cells.gatehouse?.most.toFixed(2), '6666.67');
  assert.equal(cells.nginx, undefined);
});

test('a target is met by the median, and told beside the figure', () => {
  const judged = verdicts(summarise(ROWS)).map(({ says, met }) => [says, met]);
  assert.deepEqual(judged, [
    ['at most 170 µs CPU a call', false],
    ['at most 0.6 ms added, p50', false],
    ['at most 250 MB of memory', false],
  ]);
  const cheap = ROWS.map((one) => ({ ...one, figures: { ...one.figures, cpuMicros: 170, rssMegabytes: 250 } }));
  const met = verdicts(summarise(cheap)).filter(({ met }) => met);
  assert.deepEqual(
    met.map(({ says }) => says),
    ['at most 170 µs CPU a call', 'at most 250 MB of memory'],
  );
});

test('a target beside another gateway is about the ratio within a round', () => {
  const line = { scenario: '2kb', figure: 'cpuMicros', cells: {} } as const;
  const judge = (ratio: number): unknown => verdicts([{ ...line, ratios: { 'portkey / gatehouse': ratio } }])[0]?.met;
  assert.deepEqual([judge(4), judge(3.9)], [true, false]);
});

test('a wait is doubted where others used the machine, memory is not', () => {
  const busy = ROWS.map((one) => ({ ...one, figures: { ...one.figures, foreign: 0.3 } }));
  const judged = verdicts(summarise(busy)).map(({ says, doubtful }) => [says, doubtful]);
  assert.deepEqual(judged, [
    ['at most 170 µs CPU a call', false],
    ['at most 0.6 ms added, p50', true],
    ['at most 250 MB of memory', false],
  ]);
  assert.ok(verdicts(summarise(ROWS)).every(({ doubtful }) => !doubtful));
});

test('the report names what was left out, what failed and what it cannot say', () => {
  const options = parseOptions(['--only', 'gatehouse,nginx,2kb']);
  assert.notEqual(options, 'help');
  if (options === 'help') return;
  const text = render(
    reportOf(
      { rows: ROWS, left: { portkey: 'no network' } },
      {
        when: '2026-01-01T00:00:00.000Z',
        command: 'npm run bench',
        machine: {
          processor: 'a processor',
          cores: 2,
          memoryGigabytes: 8,
          kernel: '6.1',
          disk: '/tmp',
          pinned: { server: '0', load: '1' },
          versions: { node: '24.0.0', nginx: null },
        },
        options,
        caveats: ['It says nothing of TLS.'],
      },
    ),
  );
  assert.match(text, /Left out: portkey: no network/);
  assert.match(text, /nginx not installed/);
  assert.match(text, /It says nothing of TLS\./);
  assert.match(text, /\| 2kb +\| added p50, ms +\| +– \| +0\.25 \| +0\.90 \| .*≤ 0.6: not met \|/);
  assert.match(text, /\| 2kb +\| CPU a call, µs +\| +– \| +45\.0 \| +285 \| +6\.00× \| +≤ 170: not met \|/);
  assert.match(text, /not met +2kb gatehouse: at most 0\.6 ms added, p50: 0\.90/);
});

test('numbers are shown with the digits that count', () => {
  assert.deepEqual([shown(0.1234), shown(12.34), shown(1234.5), shown(undefined)], ['0.12', '12.3', '1,235', '–']);
});

test('load of others is what cores did beyond the server and the benchmark', () => {
  const stretch = { seconds: 2, cpuMs: 1000, ownMs: 800, busy: [0.9, 0.6], rssBytes: 0 };
  assert.equal(foreignOf(stretch).toFixed(6), '0.600000');
  assert.equal(foreignOf({ ...stretch, busy: [0.5, 0.39] }), 0, 'never below nothing');
});

test('the soak compares the second fifth with the last', () => {
  const samples = Array.from({ length: 10 }, (_, i) => ({
    calls: (i + 1) * 100_000,
    rssMegabytes: i < 2 ? 90 : 200 + i,
    cpuMicros: 1,
    perSecond: 1,
  }));
  const { early, late, perMillion } = growth(samples);
  assert.deepEqual([early, late], [202.5, 208.5]);
  assert.equal(perMillion.toFixed(4), '10.0000');
});

test('options: names restrict variants and scenarios, direct is always there, unknown names are errors', () => {
  const all = parseOptions([]);
  assert.ok(all !== 'help');
  assert.ok(!all.variants.includes('gatehouse-workers'));
  assert.equal(all.rounds, 5);
  const some = parseOptions(['--quick', '--only', 'gatehouse,400kb', '--workers', '2']);
  assert.ok(some !== 'help');
  assert.deepEqual(some.variants, ['direct', 'gatehouse']);
  assert.deepEqual(
    some.scenarios.map(({ name }) => name),
    ['400kb'],
  );
  assert.equal(some.workers, 2);
  assert.throws(() => parseOptions(['--only', 'nothing']), /no "nothing"/);
  assert.throws(() => parseOptions(['--rounds', 'many']), /--rounds/);
  assert.equal(parseOptions(['--help']), 'help');
});

test('the server has its core alone while there are two', () => {
  assert.deepEqual(coresFor(null, 1), { server: '0', load: '0' });
  assert.deepEqual(coresFor(null, 2), { server: '0', load: '1' });
  assert.deepEqual(coresFor(null, 8), { server: '0', load: '1-7' });
  assert.deepEqual(coresFor(4, 8), { server: '0-3', load: '4-7' });
  assert.deepEqual(coresFor(4, 2), { server: '0-1', load: '1' });
});
