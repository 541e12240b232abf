import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { usageError } from '../failure.ts';
import { type Fields, textOf, timeOf } from '../fields.ts';
import { everyEntry } from '../lists.ts';
import { dollars } from '../money.ts';

interface AddOptions {
  readonly for: string;
  readonly usd?: string;
  readonly model?: string;
  readonly hours?: string;
  readonly ends?: string;
  readonly reason: string;
}

/** `gatehouse grants`: more than the policy gives, for a time. */
export function grantsCommand(program: Command, cli: Cli): void {
  const grants = program.command('grants').description('more money, or an approval, for a time');
  examples(grants, cli.io.command, [
    ['grants add --for "team Payments" --usd 250 --ends 2027-01-31 --reason "end of quarter"', 'on top of its budgets'],
    [
      'grants add --for ada@example.com --model "claude-opus-*" --hours "8 h" --reason "SEC-214"',
      'what an ask rule waits for',
    ],
    ['grants list', 'those in force'],
  ]);
  const add = grants
    .command('add')
    .description('grant money (--usd) or an approval (--model), for at most 366 days')
    .requiredOption('--for <whom>', 'organization, "team NAME", "service NAME", an e-mail address, or an id')
    .option('--usd <amount>', 'US dollars on top of every budget of theirs, such as 250 or 0.50')
    .option('--model <pattern>', 'approve a model, or every model a pattern fits')
    .option('--hours <duration>', 'how long it lasts from now: 8 (hours), "8 h" or "3 days"')
    .option('--ends <when>', 'when it ends: 2027-01-31 (its end in UTC), or an instant with its zone')
    .requiredOption('--reason <text>', 'why, for the audit trail; name nobody in it')
    .action((options: AddOptions) => addGrant(cli, options));
  examples(add, cli.io.command, [
    ['grants add --for organization --usd 5000 --hours 24 --reason "INC-42"', 'until this time tomorrow'],
  ]);
  const list = grants
    .command('list')
    .description('list grants, newest first')
    .option('--all', 'also those that ended or were revoked')
    .action(async ({ all }: { all?: boolean }) => {
      const query = { state: all ? 'all' : 'active' };
      const rows = await everyEntry(cli, '/api/grants', { name: 'grants', query });
      cli.answer({ grants: rows }, () =>
        rows.length === 0 ? [`No grant ${all ? 'was ever made' : 'is in force'}.`] : linesOf(cli, rows),
      );
    });
  examples(list, cli.io.command, [['grants list --all', 'the history']]);
  const revoke = grants
    .command('revoke <id>')
    .description('end a grant now; what was spent under it stays spent')
    .option('--reason <text>', 'why, for the audit trail; name nobody in it')
    .action(async (id: string, { reason }: { reason?: string }) => {
      const grant = await cli.api().post(`/api/grants/${encodeURIComponent(id)}/revoke`, { reason });
      cli.answer(grant, () => [`Revoked: ${sentenceOf(grant)}`]);
    });
  examples(revoke, cli.io.command, [['grants revoke gra_…', 'grants list shows the ids']]);
}

async function addGrant(cli: Cli, { usd, model, hours, ends, ...options }: AddOptions): Promise<void> {
  if ((usd === undefined) === (model === undefined)) {
    throw usageError('Say what is granted with either --usd or --model.', 'For example: --usd 250');
  }
  if ((hours === undefined) === (ends === undefined)) {
    throw usageError('Say how long with either --hours or --ends.', 'For example: --hours 8');
  }
  const grant = await cli.api().post('/api/grants', {
    kind: usd === undefined ? 'approval' : 'budget',
    ...{ for: options.for, reason: options.reason, usd, model, ends_at: ends },
    hours: hours !== undefined && /^\d+$/.test(hours) ? `${hours} h` : hours,
  });
  cli.answer(grant, () => [`Granted: ${sentenceOf(grant)}`]);
}

function whatOf(grant: Fields): string {
  const amount = textOf(grant, 'amount_micros');
  return amount === '' ? textOf(grant, 'model') : `${dollars(grant, 'amount_micros')} USD`;
}

function sentenceOf(grant: Fields): string {
  return `${whatOf(grant)} for ${textOf(grant, 'for')} until ${timeOf(grant, 'ends_at')} UTC (${textOf(grant, 'id')})`;
}

function linesOf(cli: Cli, rows: readonly Fields[]): string[] {
  return cli.table(
    [
      { title: 'kind' },
      { title: 'for', shrinks: true },
      { title: 'what', shrinks: true },
      { title: 'state' },
      { title: 'from' },
      { title: 'until' },
      { title: 'reason', shrinks: true },
      { title: 'by', shrinks: true },
      { title: 'id' },
    ],
    rows.map((row) => [
      ...[textOf(row, 'kind'), textOf(row, 'for'), whatOf(row), textOf(row, 'state')],
      ...[timeOf(row, 'starts_at'), timeOf(row, 'ends_at'), textOf(row, 'reason')],
      ...[textOf(row, 'actor_name') || textOf(row, 'actor'), textOf(row, 'id')],
    ]),
  );
}
