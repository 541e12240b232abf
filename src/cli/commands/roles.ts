import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { textOf } from '../fields.ts';
import { everyEntry } from '../lists.ts';

/** `gatehouse roles`: who may do what with Gatehouse, and why. */
export function rolesCommand(program: Command, cli: Cli): void {
  const roles = program
    .command('roles')
    .description('who may do what with Gatehouse, and why')
    .option('--role <role>', 'only primary_owner, admin, auditor, team_lead or member')
    .action(async (query: { role?: string }) => {
      const rows = await everyEntry(cli, '/api/roles', { name: 'roles', query: { ...query } });
      const titles = ['person', 'role', 'why'];
      cli.answer({ roles: rows }, () =>
        cli.table(
          titles.map((title) => ({ title, shrinks: title !== 'role' })),
          rows.map((row) => [textOf(row, 'email'), textOf(row, 'role').replace('_', ' '), textOf(row, 'reason')]),
        ),
      );
    });
  examples(roles, cli.io.command, [
    ['roles', 'everybody who is more than a member, with the reason'],
    ['roles set carol@example.com auditor', 'beside the roles that the policy gives by group'],
  ]);
  const set = roles
    .command('set <who> <role>')
    .description('assign admin, auditor or member; roles of the policy stay as they are')
    .option('--reason <text>', 'why, for the audit trail; name nobody in it')
    .action(async (who: string, role: string, { reason }: { reason?: string }) => {
      const person = await cli.api().put(`/api/people/${encodeURIComponent(who)}/role`, { role, reason });
      cli.answer(person, () => [`${textOf(person, 'email')}: ${textOf(person, 'role').replace('_', ' ')}`]);
    });
  examples(set, cli.io.command, [['roles set carol@example.com member', 'take an assigned role away']]);
}
