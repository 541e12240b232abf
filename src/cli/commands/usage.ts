import { type Command, Option } from 'commander';
import type { Cli } from '../cli.ts';
import { LONG_MS } from '../client.ts';
import { csvLines } from '../csv.ts';
import { examples } from '../examples.ts';
import { usageError } from '../failure.ts';
import { type Fields, listOf, numberOf, objectOf, textOf } from '../fields.ts';

const SUMS = [
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

interface UsageOptions {
  readonly by: string;
  readonly month?: string;
  readonly from?: string;
  readonly to?: string;
  readonly csv?: boolean;
}

/** `gatehouse usage`: who used how much. */
export function usageCommand(program: Command, cli: Cli): void {
  const usage = program
    .command('usage')
    .description('who used how much; this month unless a period is given')
    .addOption(
      new Option('--by <what>', 'what to sum for')
        .choices(['team', 'person', 'service', 'key', 'model', 'day'])
        .default('team'),
    )
    .option('--month <month>', 'a whole month, YYYY-MM')
    .option('--from <day>', 'first day, YYYY-MM-DD, UTC')
    .option('--to <day>', 'last day, YYYY-MM-DD, UTC')
    .option('--csv', 'print CSV')
    .action((options: UsageOptions) => showUsage(cli, options));
  examples(usage, cli.io.command, [
    ['usage --by person', 'this month, by person'],
    ['usage --by model --month 2026-10', 'a month, by model'],
    ['usage --by key --from 2026-11-01 --to 2026-11-07 --csv', 'a week, for a spreadsheet'],
  ]);
  const rebuild = usage
    .command('rebuild')
    .description('drop everything derived and replay the journal')
    .action(async () => {
      const done = await cli.api().post('/api/usage/rebuild', {}, LONG_MS);
      cli.answer(done, () => [`Rebuilt from ${numberOf(done, 'records')} records.`]);
    });
  examples(rebuild, cli.io.command, [['usage rebuild', 'when a report looks wrong']]);
}

async function showUsage(cli: Cli, { by, month, from, to, csv }: UsageOptions): Promise<void> {
  if (csv && cli.json) throw usageError('Use either --csv or --json.');
  if (month !== undefined && (from ?? to) !== undefined) throw usageError('Use either --month or --from and --to.');
  const answer = await cli.api().get('/api/usage', { by, month, from, to });
  const rows = listOf(answer, 'rows');
  if (csv) {
    const header = [by, 'name', ...SUMS.map(([field]) => field)];
    const cells = rows.map((row) => [raw(row, 'value'), raw(row, 'name'), ...sumsOf(row)]);
    for (const line of csvLines([header, ...cells])) cli.io.out(line);
    return;
  }
  cli.answer(answer, () => {
    const columns = [{ title: by, shrinks: true }, ...SUMS.map(([, title]) => ({ title, right: true }))];
    const named = rows.map((row) => [textOf(row, 'name') || textOf(row, 'value') || '(none)', ...shown(row)]);
    const lines = cli.table(columns, [...named, ['total', ...shown(objectOf(answer, 'total'))]]);
    const label = answer.simulated === true ? ' — SIMULATED, no provider was asked' : '';
    const title = `Usage ${textOf(answer, 'from')} to ${textOf(answer, 'to')} (UTC), tokens by class${label}`;
    return [title, '', ...lines];
  });
}

function sumsOf(row: Fields): number[] {
  return SUMS.map(([field]) => numberOf(row, field));
}

function shown(row: Fields): string[] {
  return sumsOf(row).map((value) => value.toLocaleString('en-US'));
}

function raw(row: Fields, name: string): string | null {
  return row[name] === null || row[name] === undefined ? null : textOf(row, name);
}
