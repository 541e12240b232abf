import { printable } from './text.ts';

/** Values of a series, by label name. A label left out is the empty string, as Prometheus reads it. */
export type Labels<L extends string> = Readonly<Partial<Record<L, string | number>>>;

/** One measured value of a collected gauge. */
export interface Sample<L extends string> {
  readonly labels?: Labels<L>;
  readonly value: number;
}

export interface Counter<L extends string> {
  /** Adds `value`, 1 by default. Negative and non-finite values are dropped and counted. */
  inc(labels?: Labels<L>, value?: number): void;
}

export interface Gauge<L extends string> {
  set(labels: Labels<L>, value: number): void;
  /** Adds `value`, which may be negative. */
  inc(labels?: Labels<L>, value?: number): void;
  /** Asks `read` for all series at every render, in place of the values set so far. */
  collect(read: () => Iterable<Sample<L>>): void;
}

export interface Histogram<L extends string> {
  observe(labels: Labels<L>, value: number): void;
}

export interface MetricsOptions {
  /** Series a metric may have; further ones are added up in a series whose labels are all `other`. Default 2000. */
  readonly maxSeries?: number;
}

/** Content type of `render()`. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;
const MAX_LABEL_LENGTH = 200;
const DROPPED = 'gatehouse_metrics_dropped_total';
const OTHER = 'other';
const NO_LABELS = Object.freeze({});

type Kind = 'counter' | 'gauge' | 'histogram';
type Drop = (metric: string, reason: 'series' | 'value' | 'collector') => void;

interface Family {
  readonly name: string;
  readonly kind: Kind;
  readonly help: string;
  readonly labels: readonly string[];
  readonly max: number;
  readonly drop: Drop;
}

/** The series of one metric, keyed by their label values; never more than the limit and `other`. */
class SeriesTable<V> {
  readonly #family: Family;
  readonly #rows = new Map<string, { readonly values: readonly string[]; readonly cell: V }>();
  readonly #fresh: () => V;

  constructor(family: Family, fresh: () => V) {
    this.#family = family;
    this.#fresh = fresh;
    if (family.labels.length === 0) this.at({});
  }

  at(labels: Labels<string>): V {
    const values = this.#family.labels.map((label) => labelValue(labels[label]));
    const known = this.#rows.get(values.join('\u0000'));
    if (known !== undefined) return known.cell;
    if (this.#rows.size < this.#family.max) return this.#add(values);
    // A hostile or careless label value must not grow memory without end, nor make the scrape useless.
    this.#family.drop(this.#family.name, 'series');
    const rest = values.map(() => OTHER);
    return this.#rows.get(rest.join('\u0000'))?.cell ?? this.#add(rest);
  }

  #add(values: readonly string[]): V {
    const cell = this.#fresh();
    this.#rows.set(values.join('\u0000'), { values, cell });
    return cell;
  }

  clear(): void {
    this.#rows.clear();
  }

  *entries(): Iterable<{ readonly values: readonly string[]; readonly cell: V }> {
    yield* this.#rows.values();
  }
}

/** Control characters are neutralised: `/metrics` is read in terminals too, and separates series here by NUL. */
function labelValue(value: string | number | undefined): string {
  return value === undefined ? '' : printable(String(value).toWellFormed(), MAX_LABEL_LENGTH);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

function sampleLine(name: string, pairs: readonly (readonly [string, string])[], value: number): string {
  const text = pairs.map(([label, labelText]) => `${label}="${escapeLabel(labelText)}"`).join(',');
  return `${name}${text === '' ? '' : `{${text}}`} ${formatValue(value)}\n`;
}

function pairsOf(family: Family, values: readonly string[]): [string, string][] {
  return family.labels.map((label, i) => [label, values[i] ?? '']);
}

interface Box {
  value: number;
}

function plainLines(family: Family, table: SeriesTable<Box>): string {
  let text = '';
  for (const { values, cell } of table.entries()) text += sampleLine(family.name, pairsOf(family, values), cell.value);
  return text;
}

interface Distribution {
  readonly counts: number[];
  sum: number;
  count: number;
}

function histogramLines(family: Family, table: SeriesTable<Distribution>, buckets: readonly number[]): string {
  let text = '';
  for (const { values, cell } of table.entries()) {
    const pairs = pairsOf(family, values);
    let below = 0;
    for (const [i, bound] of buckets.entries()) {
      below += cell.counts[i] ?? 0;
      text += sampleLine(`${family.name}_bucket`, [...pairs, ['le', formatValue(bound)]], below);
    }
    text += sampleLine(`${family.name}_bucket`, [...pairs, ['le', '+Inf']], cell.count);
    text += sampleLine(`${family.name}_sum`, pairs, cell.sum);
    text += sampleLine(`${family.name}_count`, pairs, cell.count);
  }
  return text;
}

interface Entry {
  readonly family: Family;
  readonly lines: () => string;
}

/**
 * The metrics of one process, rendered in the Prometheus text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Recording never throws; registering a metric twice or under a bad
 * name does, because that is a mistake in the program.
 */
export class MetricsRegistry {
  readonly #entries = new Map<string, Entry>();
  readonly #max: number;
  readonly #dropped: Counter<'metric' | 'reason'>;
  readonly #drop: Drop = (metric, reason) => this.#dropped.inc({ metric, reason });

  constructor({ maxSeries = 2_000 }: MetricsOptions = {}) {
    this.#max = maxSeries;
    const help =
      'Observations not kept as given: reason "series" went to the series "other" because the metric had reached its limit, ' +
      'reason "value" was no usable number, reason "collector" could not be read.';
    this.#dropped = this.counter(DROPPED, help, ['metric', 'reason']);
  }

  /** A value that only grows. `name` should end in `_total`. */
  counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    const family = this.#family({ name, help, kind: 'counter', labels: labelNames });
    const table = new SeriesTable<Box>(family, () => ({ value: 0 }));
    this.#register(family, () => plainLines(family, table));
    return {
      inc: (labels: Labels<L> = NO_LABELS, value = 1) => {
        if (Number.isFinite(value) && value >= 0) table.at(labels).value += value;
        else family.drop(name, 'value');
      },
    };
  }

  /** A value that goes up and down. */
  gauge<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    const family = this.#family({ name, help, kind: 'gauge', labels: labelNames });
    const table = new SeriesTable<Box>(family, () => ({ value: 0 }));
    let collector: (() => Iterable<Sample<L>>) | null = null;
    this.#register(family, () => {
      if (collector !== null) refill(table, collector, () => this.#drop(name, 'collector'));
      return plainLines(family, table);
    });
    return {
      set: (labels, value) => {
        table.at(labels).value = value;
      },
      inc: (labels: Labels<L> = NO_LABELS, value = 1) => {
        if (Number.isFinite(value)) table.at(labels).value += value;
        else family.drop(name, 'value');
      },
      collect: (read) => {
        collector = read;
      },
    };
  }

  /**
   * A distribution over fixed buckets.
   * @param buckets upper bounds, inclusive; `+Inf` is added
   * @throws RangeError when the buckets are not finite and ascending
   */
  histogram<L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: readonly number[],
  ): Histogram<L> {
    const ascending = buckets.every((bound, i) => Number.isFinite(bound) && bound > (buckets[i - 1] ?? -Infinity));
    if (buckets.length === 0 || !ascending)
      throw new RangeError(`metric ${name}: buckets must be finite and ascending`);
    const family = this.#family({ name, help, kind: 'histogram', labels: labelNames });
    const table = new SeriesTable<Distribution>(family, () => ({ counts: buckets.map(() => 0), sum: 0, count: 0 }));
    this.#register(family, () => histogramLines(family, table, buckets));
    return {
      observe: (labels, value) => {
        if (!Number.isFinite(value)) return family.drop(name, 'value');
        const cell = table.at(labels);
        const index = buckets.findIndex((bound) => value <= bound);
        if (index >= 0) cell.counts[index] = (cell.counts[index] ?? 0) + 1;
        cell.sum += value;
        cell.count += 1;
      },
    };
  }

  /** All metrics, in the order they were registered, in the Prometheus text format. */
  render(): string {
    // The counter of drops is registered first but written last: a collector may still raise it.
    const [dropped, ...others] = [...this.#entries.values()];
    return [...others, dropped].map((entry) => (entry === undefined ? '' : block(entry))).join('');
  }

  #family({ name, help, kind, labels }: Pick<Family, 'name' | 'help' | 'kind' | 'labels'>): Family {
    const bad = labels.find((label) => !LABEL.test(label) || (kind === 'histogram' && label === 'le'));
    if (!NAME.test(name)) throw new TypeError(`"${name}" is not a metric name`);
    if (bad !== undefined || new Set(labels).size !== labels.length) {
      throw new TypeError(`metric ${name}: label names must be valid, unique and not reserved`);
    }
    return { name, help, kind, labels, max: name === DROPPED ? Infinity : this.#max, drop: this.#drop };
  }

  #register(family: Family, lines: () => string): void {
    const names = writtenNames(family);
    for (const entry of this.#entries.values()) {
      if (writtenNames(entry.family).some((name) => names.includes(name))) {
        throw new TypeError(`metric ${family.name} is registered twice`);
      }
    }
    this.#entries.set(family.name, { family, lines });
  }
}

/** Every name the family writes lines under; two families must not share one. */
function writtenNames({ kind, name }: Family): string[] {
  return kind === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}

function refill<L extends string>(table: SeriesTable<Box>, read: () => Iterable<Sample<L>>, failed: () => void): void {
  table.clear();
  try {
    for (const { labels, value } of read()) table.at(labels ?? NO_LABELS).value = value;
  } catch {
    // One broken collector must not blind whoever watches all the others.
    table.clear();
    failed();
  }
}

function block({ family, lines }: Entry): string {
  const { name, help, kind } = family;
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${kind}\n${lines()}`;
}
