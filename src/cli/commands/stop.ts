import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { confirm } from '../confirm.ts';
import { examples } from '../examples.ts';
import { type Fields, showValue, textOf, timeOf } from '../fields.ts';
import { everyEntry } from '../lists.ts';

/** Target, the name of its argument, what its help says, an example of a subject. */
const TARGETS = [
  ['person', 'who', 'a person, by e-mail address or id: every key of theirs', 'ada@example.com'],
  ['service', 'name', 'a service, by name or id: every key of it', 'payments-ci'],
  ['key', 'id', 'one key', 'key_…'],
  ['session', 'id', 'one session, by the id that the client sends', '0b7d2c1e-…'],
  ['model', 'pattern', 'a model, or every model a pattern fits, for everybody', '"claude-opus-*"'],
  ['upstream', 'name', 'a provider, by its configured name, for everybody', 'anthropic'],
] as const;

const REASON = [
  '--reason <text>',
  'why; shown to whoever is stopped and kept in the audit trail; name nobody in it',
] as const;

/** `gatehouse stop`: what is stopped at once, over every policy. */
export function stopCommand(program: Command, cli: Cli): void {
  const stop = program.command('stop').description('stop a person, key, model or everything now, over every policy');
  examples(stop, cli.io.command, [
    ['stop key key_… --reason "pasted into a chat"', 'in force when this returns; running answers are cut'],
    ['stop model "claude-opus-*" --reason "INC-42"', 'for everybody'],
    ['stop everything --reason "INC-42"', 'every call of everybody'],
    ['stop list', 'what is stopped'],
    ['stop lift stp_…', 'let it go on'],
  ]);
  for (const [target, argument, what, subject] of TARGETS) {
    const command = stop
      .command(`${target} <${argument}>`)
      .description(`stop ${what}`)
      .requiredOption(...REASON)
      .action(async (name: string, { reason }: { reason: string }) =>
        answer(cli, await cli.api().post('/api/stops', { target, subject: name, reason }), 'Stopped'),
      );
    examples(command, cli.io.command, [[`stop ${target} ${subject} --reason "INC-42"`, 'undo it with: stop lift']]);
  }
  const everything = stop
    .command('everything')
    .description('stop every call at the model door, those of owners too; this command line goes on working')
    .requiredOption(...REASON)
    .option('--yes', 'do not ask')
    .action((options: { reason: string; yes?: boolean }) => stopEverything(cli, options));
  examples(everything, cli.io.command, [['stop everything --reason "INC-42" --yes', 'without asking']]);
  listAndLift(stop, cli);
}

async function stopEverything(cli: Cli, { reason, yes }: { reason: string; yes?: boolean }): Promise<void> {
  await confirm(cli.io, {
    yes: yes === true,
    word: 'everything',
    explanation: [
      `Stopping everything at ${cli.url()}:`,
      '  - every call of every person and service is refused from now on, with this reason',
      '  - answers that are running are cut',
      '  It lasts until somebody lifts it.',
    ].join('\n'),
  });
  answer(cli, await cli.api().post('/api/stops', { target: 'everything', reason }), 'Stopped');
}

function listAndLift(stop: Command, cli: Cli): void {
  const list = stop
    .command('list')
    .description('list what is stopped, newest first')
    .option('--all', 'also what was lifted')
    .action(async ({ all }: { all?: boolean }) => {
      const query = { state: all ? 'all' : 'active' };
      const rows = await everyEntry(cli, '/api/stops', { name: 'stops', query });
      cli.answer({ stops: rows }, () => (rows.length === 0 && !all ? ['Nothing is stopped.'] : linesOf(cli, rows)));
    });
  examples(list, cli.io.command, [['stop list --all', 'the history']]);
  const lift = stop
    .command('lift <id>')
    .description('lift a stop; the policy decides again')
    .option('--reason <text>', 'why, for the audit trail; name nobody in it')
    .action(async (id: string, { reason }: { reason?: string }) => {
      const path = `/api/stops/${encodeURIComponent(id)}/lift`;
      answer(cli, await cli.api().post(path, { reason }), 'Lifted');
    });
  examples(lift, cli.io.command, [['stop lift stp_… --reason "INC-42 is closed"', 'stop list shows the ids']]);
}

function linesOf(cli: Cli, rows: readonly Fields[]): string[] {
  return cli.table(
    [
      { title: 'stopped' },
      { title: 'what', shrinks: true },
      { title: 'reason', shrinks: true },
      { title: 'by', shrinks: true },
      { title: 'since' },
      { title: 'lifted' },
      { title: 'id' },
    ],
    rows.map((row) => [
      textOf(row, 'target'),
      subjectOf(row),
      textOf(row, 'reason'),
      textOf(row, 'actor_name') || textOf(row, 'actor'),
      timeOf(row, 'created_at'),
      timeOf(row, 'lifted_at'),
      textOf(row, 'id'),
    ]),
  );
}

function subjectOf(row: Fields): string {
  return textOf(row, 'subject_name') || textOf(row, 'subject');
}

function answer(cli: Cli, row: Fields, verb: string): void {
  cli.answer(row, () => {
    const what = [textOf(row, 'target'), subjectOf(row)].filter((text) => text !== '').join(' ');
    return [`${verb}: ${what} (${showValue(row.id)})`];
  });
}
