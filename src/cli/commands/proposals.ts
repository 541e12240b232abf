import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { type Fields, listOf, showValue, textOf, timeOf } from '../fields.ts';
import { everyEntry } from '../lists.ts';

const pathOf = (id: string): string => `/api/proposals/${encodeURIComponent(id)}`;

/** `gatehouse proposals`: changes of the policy that wait for a second person. */
export function proposalsCommand(program: Command, cli: Cli): void {
  const proposals = program.command('proposals').description('changes of the policy that wait for a second person');
  examples(proposals, cli.io.command, [
    ['proposals list', 'those that wait'],
    ['proposals show chg_…', 'what it changes, and why that needs two people'],
    ['proposals approve chg_…', 'by somebody else than the author; in force when it returns'],
  ]);
  const list = proposals
    .command('list')
    .description('list proposals, newest first')
    .option('--all', 'also those that were decided or are over')
    .action(async ({ all }: { all?: boolean }) => {
      const query = all ? {} : { state: 'open' };
      const rows = await everyEntry(cli, '/api/proposals', { name: 'proposals', query });
      cli.answer({ proposals: rows }, () => proposalLines(cli, rows));
    });
  examples(list, cli.io.command, [['proposals list --all', 'the history']]);
  const show = proposals
    .command('show <id>')
    .description('what a proposal changes')
    .option('--text', 'print the document itself')
    .action(async (id: string, { text }: { text?: boolean }) => {
      const proposal = await cli.api().get(pathOf(id));
      cli.answer(proposal, () => (text ? textOf(proposal, 'text').split('\n') : shownLines(proposal)));
    });
  examples(show, cli.io.command, [['proposals show chg_…', 'who would gain and lose what']]);
  verb(proposals, cli, { name: 'approve', description: 'agree: it is put in force, in its author’s name' });
  verb(proposals, cli, { name: 'reject', description: 'say no; it changes nothing' });
  verb(proposals, cli, { name: 'withdraw', description: 'take back what you proposed' });
}

function proposalLines(cli: Cli, rows: readonly Fields[]): string[] {
  if (rows.length === 0) return ['No proposal waits.'];
  const titles = ['id', 'author', 'state', 'changes', 'until', 'reason'];
  return cli.table(
    titles.map((title) => ({ title, shrinks: title === 'author' || title === 'reason' })),
    rows.map((row) => [
      textOf(row, 'id'),
      textOf(row, 'author_name') || textOf(row, 'author'),
      textOf(row, 'state'),
      Array.isArray(row.kinds) ? row.kinds.map(showValue).join(', ') : '',
      ...[timeOf(row, 'expires_at'), textOf(row, 'reason')],
    ]),
  );
}

function shownLines(proposal: Fields): string[] {
  const lines = Array.isArray(proposal.lines) ? proposal.lines.map(showValue) : ['Its document is not valid any more.'];
  const author = textOf(proposal, 'author_name') || textOf(proposal, 'author');
  return [
    `${textOf(proposal, 'id')} by ${author}, against revision ${textOf(proposal, 'base')}: ${textOf(proposal, 'state')}`,
    ...listOf(proposal, 'points').map((point) => `  ${textOf(point, 'path')}: ${textOf(point, 'message')}`),
    '',
    ...lines,
  ];
}

function verb(proposals: Command, cli: Cli, { name, description }: { name: string; description: string }): void {
  const command = proposals
    .command(`${name} <id>`)
    .description(description)
    .option('--reason <text>', 'why, for the audit trail; name nobody in it')
    .action(async (id: string, { reason }: { reason?: string }) => {
      const answer = await cli.api().post(`${pathOf(id)}/${name}`, { reason });
      cli.answer(answer, () => [
        name === 'approve' ? `Approved: revision ${textOf(answer, 'revision')} is in force.` : `Done: ${name}.`,
      ]);
    });
  examples(command, cli.io.command, [[`proposals ${name} chg_…`, 'proposals list shows the ids']]);
}
