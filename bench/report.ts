import type { Comparison, Row } from './compare.ts';
import { type Machine, QUIET } from './machine.ts';
import { type Options, VARIANTS, type Variant } from './options.ts';
import { SCENARIOS } from './scenarios.ts';
import { FIGURES, type Figure, type Line, RATIO_NAMES, type RatioName, summarise } from './summary.ts';
import { RATIO_TARGETS, type RatioTarget, TARGETS, type Target } from './targets.ts';

export interface Verdict {
  readonly scenario: string;
  readonly says: string;
  readonly variant: Variant;
  readonly value: number;
  readonly met: boolean;
  /** Whether others used so much of the machine meanwhile that a wait may be theirs. Costs and memory are never doubted. */
  readonly doubtful: boolean;
}

export interface Report {
  readonly when: string;
  readonly command: string;
  readonly machine: Machine;
  readonly options: Options;
  readonly left: Readonly<Record<string, string>>;
  readonly summary: readonly Line[];
  readonly targets: readonly Verdict[];
  readonly caveats: readonly string[];
  readonly rows: readonly Row[];
}

/** The variants that targets are for. */
const OURS: readonly Variant[] = ['gatehouse', 'gatehouse-written', 'gatehouse-workers'];

export function reportOf(
  { rows, left }: Comparison,
  about: Pick<Report, 'when' | 'command' | 'machine' | 'options' | 'caveats'>,
): Report {
  const summary = summarise(rows);
  return { ...about, left, summary, targets: verdicts(summary), rows };
}

/** Figures that are waits. */
const WAITS: readonly Figure[] = ['addedP50', 'addedP99', 'addedFirstP50', 'addedFirstP99', 'lagP99'];

/** The median of all rounds against the target. */
export function verdicts(lines: readonly Line[]): Verdict[] {
  return lines.flatMap((line) => [
    ...OURS.flatMap((variant) => verdictOf(lines, line, variant) ?? []),
    ...RATIO_TARGETS.flatMap((target) => besideOther(line, target) ?? []),
  ]);
}

function besideOther(line: Line, { scenario, figure, ratio, least, says }: RatioTarget): Verdict | null {
  const value = line.ratios[ratio];
  if (line.scenario !== scenario || line.figure !== figure || value === undefined) return null;
  return { scenario, says: `${says} (${ratio})`, variant: 'gatehouse', value, met: value >= least, doubtful: false };
}

function verdictOf(lines: readonly Line[], line: Line, variant: Variant): Verdict | null {
  const target = targetOf(line);
  const value = line.cells[variant]?.median;
  if (target === undefined || value === undefined) return null;
  const load = lines.find(({ scenario, figure }) => scenario === line.scenario && figure === 'foreign');
  const others = load?.cells[variant]?.median ?? 0;
  return {
    scenario: line.scenario,
    says: target.says,
    variant,
    value,
    met: value <= target.most,
    doubtful: WAITS.includes(line.figure) && others > QUIET,
  };
}

function word({ met, doubtful }: Verdict): string {
  return `${met ? 'met' : 'not met'}${doubtful ? '?' : ''}`;
}

function targetOf(line: Line): Target | undefined {
  return TARGETS.find(({ scenario, figure }) => scenario === line.scenario && figure === line.figure);
}

/** Three digits that count; more would pretend. */
export function shown(value: number | undefined): string {
  if (value === undefined) return '–';
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** The whole report as text, its table in Markdown. */
export function render(report: Report): string {
  const { machine, summary } = report;
  const variants = VARIANTS.filter((variant) => report.rows.some((row) => row.variant === variant));
  const ratios = RATIO_NAMES.filter((name) => summary.some((line) => line.ratios[name] !== undefined));
  const scenarios = SCENARIOS.filter(({ name }) => summary.some(({ scenario }) => scenario === name));
  return [
    `${report.when}: ${report.command}`,
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGigabytes} GB, Linux ${machine.kernel}; data in ${machine.disk}`,
    pinning(machine),
    `Medians of ${report.options.rounds} rounds of ${report.options.seconds} s. Ratios are medians of the ratios within a round.`,
    '',
    ...scenarios.map(({ name, says }) => `${name}: ${says}`),
    ...Object.entries(report.left).map(([name, why]) => `Left out: ${name}: ${why}`),
    '',
    ...table(summary, variants, ratios),
    '',
    'Targets, for Gatehouse with everything on:',
    ...report.targets.map((one) => {
      const { scenario, says, variant, value } = one;
      return `  ${word(one).padEnd(8)} ${scenario} ${variant}: ${says}: ${shown(value)}`;
    }),
    ...(report.targets.some(({ doubtful }) => doubtful)
      ? [`  ?: others used more than ${QUIET} cores meanwhile, so this says as much of the machine.`]
      : []),
    '',
    'What this cannot say:',
    ...report.caveats.map((text) => `  - ${text}`),
  ].join('\n');
}

function pinning({ versions, pinned }: Machine): string {
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version ?? 'not installed'}`);
  return `${names.join(', ')}; server on core ${pinned.server ?? 'any'}, load on ${pinned.load ?? 'any'}`;
}

function table(lines: readonly Line[], variants: readonly Variant[], ratios: readonly RatioName[]): string[] {
  const head = ['', 'figure', ...variants, ...ratios, 'target'];
  const rows = lines.map((line) => {
    // Of the strictest way to run Gatehouse that was measured.
    const verdict = OURS.map((variant) => verdictOf(lines, line, variant)).find((one) => one !== null);
    const judged = verdict === undefined || verdict === null ? '' : `≤ ${targetOf(line)?.most}: ${word(verdict)}`;
    return [
      line.scenario,
      FIGURES[line.figure],
      ...variants.map((variant) => shown(line.cells[variant]?.median)),
      ...ratios.map((name) => (line.ratios[name] === undefined ? '' : `${shown(line.ratios[name])}×`)),
      judged,
    ];
  });
  const widths = head.map((text, i) => Math.max(...[head, ...rows].map((row) => (row[i] ?? text).length)));
  const lineOfCells = (cells: readonly string[]): string =>
    `| ${cells.map((text, i) => (i < 2 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i < 2 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [lineOfCells(head), rule, ...rows.map(lineOfCells)];
}
