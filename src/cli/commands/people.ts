import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { confirm } from '../confirm.ts';
import { examples } from '../examples.ts';
import { usageError } from '../failure.ts';
import { type Fields, showValue, textOf, timeOf } from '../fields.ts';
import { everyEntry } from '../lists.ts';

const pathOf = (who: string): string => `/api/people/${encodeURIComponent(who)}`;

/** `gatehouse people`: who may use Claude through the gateway. */
export function peopleCommand(program: Command, cli: Cli): void {
  const people = program.command('people').description('who may use Claude through the gateway');
  examples(people, cli.io.command, [
    ['people add ada@example.com --team Payments', 'add a person'],
    ['people list --state active', 'list them'],
    ['people disable ada@example.com', 'stop a person now: all keys, running answers too'],
  ]);
  const add = people
    .command('add <email>')
    .description('add a person')
    .option('--team <name>', 'team, by name or id')
    .option('--role <role>', 'admin, auditor or member', 'member')
    .action(async (email: string, options: { team?: string; role: string }) => {
      answer(cli, await cli.api().post('/api/people', { email, role: options.role, team: options.team }), 'Added');
    });
  examples(add, cli.io.command, [['people add ada@example.com --team Payments', 'then: keys create --person …']]);
  const list = people
    .command('list')
    .description('list people')
    .option('--state <state>', 'only active, disabled or erased ones')
    .option('--team <name>', 'only those of a team')
    .action(async (options: { state?: string; team?: string }) => {
      const rows = await everyEntry(cli, '/api/people', { name: 'people', query: { ...options } });
      cli.answer({ people: rows }, () => [
        ...cli.table(
          [
            { title: 'e-mail', shrinks: true },
            { title: 'team', shrinks: true },
            { title: 'role' },
            { title: 'state' },
            { title: 'added' },
            { title: 'id' },
          ],
          rows.map((row) => [
            ...['email', 'team_name', 'role', 'state'].map((name) => textOf(row, name)),
            timeOf(row, 'created_at'),
            textOf(row, 'id'),
          ]),
        ),
      ]);
    });
  examples(list, cli.io.command, [['people list --team Payments', 'those of one team']]);
  const show = people
    .command('show <who>')
    .description('show a person, by e-mail address or id')
    .action(async (who: string) => answer(cli, await cli.api().get(pathOf(who)), 'Person'));
  examples(show, cli.io.command, [['people show ada@example.com', 'team, role, state']]);
  verbs(people, cli);
}

function verbs(people: Command, cli: Cli): void {
  const disable = people
    .command('disable <who>')
    .description('stop a person now; every key of theirs is refused from the next call on')
    .option('--reason <text>', 'why, for the audit trail; name nobody in it')
    .action(async (who: string, { reason }: { reason?: string }) =>
      answer(cli, await cli.api().post(`${pathOf(who)}/disable`, { reason }), 'Disabled'),
    );
  examples(disable, cli.io.command, [
    ['people disable ada@example.com --reason "left the company"', 'in force when this returns'],
  ]);
  const enable = people
    .command('enable <who>')
    .description('let a disabled person work again')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async (who: string, { reason }: { reason?: string }) =>
      answer(cli, await cli.api().post(`${pathOf(who)}/enable`, { reason }), 'Enabled'),
    );
  examples(enable, cli.io.command, [['people enable ada@example.com', 'keys that were not revoked work again']]);
  const team = people
    .command('team <who> [team]')
    .description('put a person into a team, or with --none into no team')
    .option('--none', 'take the person out of their team')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async (who: string, name: string | undefined, options: { none?: boolean; reason?: string }) => {
      if ((name === undefined) !== (options.none === true)) throw usageError('Name a team, or use --none.');
      const body = { team: name ?? null, reason: options.reason };
      answer(cli, await cli.api().post(`${pathOf(who)}/team`, body), 'Moved');
    });
  examples(team, cli.io.command, [['people team ada@example.com Payments', 'calls from now on count for Payments']]);
  const erase = people
    .command('erase <who>')
    .description('forget a person: name, keys and stored content; cannot be undone')
    .option('--yes', 'do not ask')
    .option('--reason <text>', 'why, for the audit trail; name nobody in it')
    .action((who: string, options: { yes?: boolean; reason?: string }) => erasePerson(cli, who, options));
  examples(erase, cli.io.command, [['people erase ada@example.com', 'explains, asks, erases']]);
}

/** Erases a person after explaining what that means. Also `audit erase`. */
export async function erasePerson(cli: Cli, who: string, options: { yes?: boolean; reason?: string }): Promise<void> {
  const api = cli.api();
  const person = await api.get(pathOf(who));
  const name = textOf(person, 'email');
  await confirm(cli.io, {
    yes: options.yes === true,
    word: name,
    explanation: [
      `Erasing ${name} (${textOf(person, 'id')}) cannot be undone:`,
      '  - the e-mail address vanishes from every list and report; the audit trail keeps an opaque id and still verifies',
      '  - stored prompts and answers of this person become unreadable, in every copy and backup of the journal',
      '  - all keys and tokens of this person are revoked at once',
      '  Backups of the store still hold the name and the key until they are deleted.',
    ].join('\n'),
  });
  const id = typeof person.id === 'string' ? person.id : who;
  answer(cli, await api.post(`${pathOf(id)}/erase`, { reason: options.reason }), 'Erased');
}

function answer(cli: Cli, person: Fields, verb: string): void {
  cli.answer(person, () => {
    const team = textOf(person, 'team_name');
    const where = team === '' ? 'no team' : `team ${team}`;
    const [email, id, role, state] = ['email', 'id', 'role', 'state'].map((name) => showValue(person[name]));
    return [`${verb}: ${email} (${id}), ${role}, ${where}, ${state}`];
  });
}
