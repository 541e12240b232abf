import { type Command, Option } from 'commander';
import type { Cli } from '../cli.ts';
import { LONG_MS } from '../client.ts';
import { csvLines } from '../csv.ts';
import { examples } from '../examples.ts';
import { usageError } from '../failure.ts';
import { type Fields, listOf, numberOf, objectOf, textOf } from '../fields.ts';
import { dollars } from '../money.ts';

const COUNTS = [
  ['calls', 'calls'],
  ['failed', 'failed'],
  ['refused', 'refused'],
  ['unmetered', 'unmetered'],
  ['input_tokens', 'input'],
  ['cache_write_5m_tokens', 'write 5m'],
  ['cache_write_1h_tokens', 'write 1h'],
  ['cache_read_tokens', 'cached'],
  ['output_tokens', 'output'],
  ['web_searches', 'searches'],
] as const;

/** Amounts of a forecast, as fields of the answer and as titles. */
const AMOUNTS = [
  ['to_date', 'to date'],
  ['expected', 'expected'],
  ['low', 'low'],
  ['high', 'high'],
] as const;

interface UsageOptions {
  readonly by: string;
  readonly month?: string;
  readonly from?: string;
  readonly to?: string;
  readonly team?: string;
  readonly person?: string;
  readonly csv?: boolean;
}

/** `gatehouse usage`: what was spent, by whom and on what. */
export function usageCommand(program: Command, cli: Cli): void {
  const usage = program
    .command('usage')
    .description('who spent and used how much; this month unless a period is given')
    .addOption(
      new Option('--by <what>', 'what to sum for')
        .choices(['team', 'person', 'service', 'key', 'model', 'day', 'cost_center'])
        .default('team'),
    )
    .option('--month <month>', 'a whole month, YYYY-MM')
    .option('--from <day>', 'first day, YYYY-MM-DD')
    .option('--to <day>', 'last day, YYYY-MM-DD')
    .option('--team <name>', 'only calls charged to this team')
    .option('--person <who>', 'only calls of this person or service')
    .option('--csv', 'print CSV')
    .action((options: UsageOptions) => showUsage(cli, options));
  examples(usage, cli.io.command, [
    ['usage --by person', 'this month, by person'],
    ['usage --by cost_center --month 2026-10 --csv', 'charge a month back'],
    ['usage --by model --team Payments', 'what a team spends on'],
    ['usage forecast', 'what this month will cost'],
    ['usage unusual', 'who spends far above the usual'],
  ]);
  forecastCommand(usage, cli);
  unusualCommand(usage, cli);
  const rebuild = usage
    .command('rebuild')
    .description('drop everything derived and replay the journal')
    .action(async () => {
      const done = await cli.api().post('/api/usage/rebuild', {}, LONG_MS);
      cli.answer(done, () => [`Rebuilt from ${numberOf(done, 'records')} records.`]);
    });
  examples(rebuild, cli.io.command, [['usage rebuild', 'when a report looks wrong']]);
}

async function showUsage(cli: Cli, options: UsageOptions): Promise<void> {
  const { by, month, from, to, team, person, csv } = options;
  if (csv && cli.json) throw usageError('Use either --csv or --json.');
  if (month !== undefined && (from ?? to) !== undefined) throw usageError('Use either --month or --from and --to.');
  const answer = await cli.api().get('/api/usage', { by, month, from, to, team, person });
  const rows = listOf(answer, 'rows');
  if (csv) {
    const header = [by, 'name', 'cost_usd', 'metered_usd', ...COUNTS.map(([field]) => field)];
    const money = (row: Fields) => [raw(row, 'cost_usd'), raw(row, 'metered_usd')];
    const cells = rows.map((row) => [raw(row, 'value'), raw(row, 'name'), ...money(row), ...countsOf(row)]);
    for (const line of csvLines([header, ...cells])) cli.io.out(line);
    return;
  }
  cli.answer(answer, () => {
    const counts = COUNTS.map(([, title]) => ({ title, right: true }));
    const columns = [{ title: titleOf(by), shrinks: true }, { title: 'usd', right: true }, ...counts];
    const shown = (row: Fields) => [dollars(row, 'cost_micros'), ...countsOf(row).map(grouped)];
    const named = rows.map((row) => [textOf(row, 'name') || textOf(row, 'value') || '(none)', ...shown(row)]);
    const total = objectOf(answer, 'total');
    const title = `Usage ${textOf(answer, 'from')} to ${textOf(answer, 'to')}, cost and tokens by class${label(answer)}`;
    return [title, '', ...cli.table(columns, [...named, ['total', ...shown(total)]]), ...remark(total), ...leftOut(by)];
  });
}

/** Money that no report of the provider confirms is worth knowing of before anybody is charged for it. */
function remark(total: Fields): string[] {
  if (numberOf(total, 'metered_micros') === 0) return [];
  const metered = dollars(total, 'metered_micros');
  return [
    '',
    `${metered} USD of it is metered: the provider did not report the usage of those calls, or the gateway stopped before it was known.`,
  ];
}

/** Two of the sums do not hold everything: whoever compares them with another must not look for the difference. */
function leftOut(by: string): string[] {
  if (by === 'person') return ['', 'Calls of services are not among them: --by service.'];
  return by === 'service' ? ['', 'Calls of people are not among them: --by person.'] : [];
}

function forecastCommand(usage: Command, cli: Cli): void {
  const forecast = usage
    .command('forecast')
    .description('what a month will cost, by team')
    .option('--month <month>', 'the month, YYYY-MM (default: this one)')
    .option('--csv', 'print CSV')
    .action(async (_options: object, command: Command) => {
      // `usage` has these options too and takes them first, wherever they stand.
      const { month, csv } = command.optsWithGlobals<Pick<UsageOptions, 'month' | 'csv'>>();
      if (csv && cli.json) throw usageError('Use either --csv or --json.');
      const answer = await cli.api().get('/api/usage/forecast', { month });
      const rows = listOf(answer, 'rows');
      if (csv) {
        const header = ['team', 'name', ...AMOUNTS.map(([field]) => `${field}_usd`), 'method'];
        const money = (row: Fields) => AMOUNTS.map(([field]) => raw(row, `${field}_usd`));
        const cells = rows.map((row) => [raw(row, 'team'), raw(row, 'name'), ...money(row), raw(row, 'method')]);
        for (const line of csvLines([header, ...cells])) cli.io.out(line);
        return;
      }
      cli.answer(answer, () => forecastLines(cli, answer, rows));
    });
  examples(forecast, cli.io.command, [
    ['usage forecast', 'this month'],
    ['usage forecast --month 2026-12', 'another'],
  ]);
}

function forecastLines(cli: Cli, answer: Fields, rows: readonly Fields[]): string[] {
  const columns = [{ title: 'team', shrinks: true }, ...AMOUNTS.map(([, title]) => ({ title, right: true }))];
  const shown = (row: Fields) => AMOUNTS.map(([field]) => dollars(row, `${field}_micros`));
  const named = rows.map((row) => [textOf(row, 'name') || textOf(row, 'team') || '(none)', ...shown(row)]);
  const total = ['total', ...shown(objectOf(answer, 'total'))];
  const title = `Forecast for ${textOf(answer, 'month')} as of ${textOf(answer, 'today')}, in USD${label(answer)}`;
  return [title, '', ...cli.table(columns, [...named, total])];
}

function unusualCommand(usage: Command, cli: Cli): void {
  const unusual = usage
    .command('unusual')
    .description('who spends far above their own last four weeks, and what changed')
    .action(async () => {
      const answer = await cli.api().get('/api/usage/unusual');
      const rows = listOf(answer, 'rows');
      cli.answer(answer, () => [
        `Unusual spending as of ${textOf(answer, 'today')}${label(answer)}`,
        '',
        ...(rows.length === 0 ? ['None.'] : rows.map((row) => textOf(row, 'explanation'))),
      ]);
    });
  examples(unusual, cli.io.command, [['usage unusual --json', 'for a script']]);
}

function label(answer: Fields): string {
  return answer.simulated === true ? ' — SIMULATED, no provider was asked' : '';
}

function titleOf(by: string): string {
  return by === 'cost_center' ? 'cost center' : by;
}

function countsOf(row: Fields): number[] {
  return COUNTS.map(([field]) => numberOf(row, field));
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

function raw(row: Fields, name: string): string | null {
  return row[name] === null || row[name] === undefined ? null : textOf(row, name);
}
