import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { textOf, timeOf } from '../fields.ts';
import { everyEntry } from '../lists.ts';

/** `gatehouse teams`: whom calls and usage are counted for. */
export function teamsCommand(program: Command, cli: Cli): void {
  const teams = program.command('teams').description('whom calls and usage are counted for');
  examples(teams, cli.io.command, [['teams add Payments', 'then: people add ada@example.com --team Payments']]);
  const add = teams
    .command('add <name>')
    .description('add a team')
    .action(async (name: string) => {
      const team = await cli.api().post('/api/teams', { name });
      cli.answer(team, () => [`Added: ${textOf(team, 'name')} (${textOf(team, 'id')})`]);
    });
  examples(add, cli.io.command, [['teams add "Data Platform"', 'names may hold spaces']]);
  const list = teams
    .command('list')
    .description('list teams')
    .action(async () => {
      const rows = await everyEntry(cli, '/api/teams', { name: 'teams', query: {} });
      cli.answer({ teams: rows }, () =>
        cli.table(
          [{ title: 'name', shrinks: true }, { title: 'people', right: true }, { title: 'added' }, { title: 'id' }],
          rows.map((row) => [textOf(row, 'name'), textOf(row, 'people'), timeOf(row, 'created_at'), textOf(row, 'id')]),
        ),
      );
    });
  examples(list, cli.io.command, [['teams list --json', 'for a script']]);
}
