import { type Command, Option } from 'commander';
import type { Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { type Fields, listOf, numberOf, objectOf, textOf, timeOf } from '../fields.ts';
import { dollars } from '../money.ts';

/** `gatehouse budgets`: what is spent of every budget in force. */
export function budgetsCommand(program: Command, cli: Cli): void {
  const budgets = program
    .command('budgets')
    .description('what is spent and held of every budget in force, the fullest first')
    .addOption(
      new Option('--scope <what>', 'only budgets that count by this').choices([
        ...['organization', 'team', 'person', 'service', 'key', 'model'],
      ]),
    )
    .action(async ({ scope }: { scope?: string }) => {
      const answer = await cli.api().get('/api/budgets', { scope, limit: 10_000 });
      cli.answer(answer, () => linesOf(cli, answer));
    });
  examples(budgets, cli.io.command, [
    ['budgets', 'all of them'],
    ['budgets --scope team', 'those of teams'],
    ['budgets --json', 'for a script'],
  ]);
}

function linesOf(cli: Cli, answer: Fields): string[] {
  const rows = listOf(answer, 'budgets');
  const simulated = answer.simulated === true ? ' — SIMULATED, no provider was asked' : '';
  const title = `Budgets on ${textOf(answer, 'day')} (${textOf(answer, 'time_zone')}), in USD${simulated}`;
  const columns = [
    { title: 'budget', shrinks: true },
    { title: 'whom', shrinks: true },
    ...['spent', 'held', 'limit', '%'].map((name) => ({ title: name, right: true })),
    { title: 'resets (utc)' },
  ];
  const shown =
    rows.length === 0 ? ['No budget is in force, or nothing was spent.'] : cli.table(columns, rows.map(cells));
  const more = numberOf(answer, 'more');
  return [
    ...[title, '', ...shown],
    ...(more > 0 ? ['', `${more} more are left out: the fullest of each budget are shown.`] : []),
    ...(numberOf(answer, 'waiting') > 0
      ? [
          '',
          `${cli.paint('yellow', '!')} What was spent of some budgets is not known yet: calls under them are refused.`,
        ]
      : []),
  ];
}

function cells(row: Fields): string[] {
  const whom = objectOf(row, 'whom');
  const name = textOf(whom, 'name') || (whom.scope === 'organization' ? 'organization' : textOf(whom, 'id'));
  const percent = row.percent === null ? '-' : numberOf(row, 'percent').toFixed(1);
  const observes = row.mode === 'observe' ? ' (observes)' : '';
  const granted = numberOf(row, 'granted_micros') > 0 ? ` + ${dollars(row, 'granted_micros')}` : '';
  return [
    ...[`${textOf(objectOf(row, 'budget'), 'text')}${observes}`, name],
    ...[dollars(row, 'spent_micros'), dollars(row, 'held_micros'), `${dollars(row, 'limit_micros')}${granted}`],
    ...[percent, timeOf(row, 'resets_at')],
  ];
}
