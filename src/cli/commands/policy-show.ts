import type { Command } from 'commander';
import { printable } from '../../kernel/text.ts';
import type { Cli } from '../cli.ts';
import { countOf } from '../counts.ts';
import { examples } from '../examples.ts';
import { type Fields, textOf, timeOf } from '../fields.ts';
import { everyEntry } from '../lists.ts';
import { documentLines, policyNeeded, remarkLines, revisionLine } from '../policy-api.ts';
import { writeDocument } from '../policy-files.ts';

/** `policy history`, `show` and `export`. */
export function showCommands(policy: Command, cli: Cli): void {
  const history = policy
    .command('history')
    .description('list the revisions, newest first')
    .action(async () => {
      const rows = await everyEntry(cli, '/api/policy/revisions', { name: 'revisions', query: {} });
      cli.answer({ revisions: rows }, () => (rows.length === 0 ? ['No policy was ever applied.'] : tableOf(cli, rows)));
    });
  examples(history, cli.io.command, [['policy history', 'numbers for show, diff --against and rollback']]);
  const show = policy
    .command('show')
    .argument('[revision]', 'its number (default: what is in force)', countOf)
    .description('show the policy in force, or an earlier revision')
    .action((revision: number | undefined) => showOne(cli, revision));
  examples(show, cli.io.command, [['policy show 3', 'policy history shows the numbers']]);
  const exported = policy
    .command('export [file]')
    .description('write the text in force to a new file, or print it')
    .action(async (file: string | undefined) => {
      const current = await policyNeeded(cli);
      const text = typeof current.text === 'string' ? current.text : '';
      if (file !== undefined) writeDocument(cli, file, text);
      if (cli.json) cli.answer({ revision: current.revision, file: file ?? null, text }, () => []);
      else if (file !== undefined) cli.io.out(`Wrote revision ${textOf(current, 'revision')} to ${printable(file)}.\n`);
      // A pipe gets every byte; a terminal nothing that could rewrite it.
      else cli.io.out(cli.io.outIsTerminal ? `${documentLines(text).join('\n')}\n` : text);
    });
  examples(exported, cli.io.command, [['policy export policy.yaml', 'to change it: then policy apply']]);
}

function tableOf(cli: Cli, rows: readonly Fields[]): string[] {
  return cli.table(
    [
      { title: 'revision', right: true },
      { title: 'applied' },
      { title: 'by', shrinks: true },
      { title: 'back to', right: true },
      { title: 'reason', shrinks: true },
    ],
    rows.map((row) => [
      ...[textOf(row, 'revision'), timeOf(row, 'applied_at'), textOf(row, 'author_name') || textOf(row, 'author')],
      ...[textOf(row, 'restores'), textOf(row, 'reason')],
    ]),
  );
}

async function showOne(cli: Cli, revision: number | undefined): Promise<void> {
  const row =
    revision === undefined ? await policyNeeded(cli) : await cli.api().get(`/api/policy/revisions/${revision}`);
  cli.answer(row, () => [
    revisionLine(row),
    ...(row.source === 'file' ? [`From the file ${textOf(row, 'file')} on the gateway's machine.`] : []),
    ...(row.mode === 'observe' ? [`${cli.paint('yellow', '!')} It only observes: nothing is refused by it.`] : []),
    ...(typeof row.trouble === 'string' ? [`${cli.paint('red', '!')} ${textOf(row, 'trouble')}`] : []),
    ...remarkLines(cli, row),
    '',
    ...documentLines(row.text),
  ]);
}
