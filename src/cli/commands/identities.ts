import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { type Fields, textOf, timeOf } from '../fields.ts';
import { everyEntry } from '../lists.ts';

interface Why {
  readonly reason?: string;
}

const REASON = ['--reason <text>', 'why, for the audit trail; name nobody in it'] as const;

/** `gatehouse identities`: who people are at the identity providers. */
export function identitiesCommand(program: Command, cli: Cli): void {
  const identities = program.command('identities').description('who people are at the identity providers');
  examples(identities, cli.io.command, [
    ['identities waiting', 'sign-ins whose address somebody has already'],
    ['identities link wai_…', 'it is the same person'],
    ['identities list --person ada@example.com', 'with groups, as of the last sign-in'],
  ]);
  listCommand(identities, cli);
  waitingCommand(identities, cli);
  verb(identities, cli, {
    name: 'link <id>',
    description: 'say that whoever waits is the person who has the address',
    path: (id) => `/api/identities/waiting/${id}/link`,
    done: (answer) => `Linked: ${textOf(answer, 'provider')} is ${textOf(answer, 'person_name')} from now on.`,
    example: ['identities link wai_…', 'identities waiting shows the ids; undone with unlink'],
  });
  verb(identities, cli, {
    name: 'discard <id>',
    description: 'forget a sign-in that waits; nobody is linked',
    path: (id) => `/api/identities/waiting/${id}/discard`,
    done: () => 'Discarded. The next sign-in waits again.',
    example: ['identities discard wai_…', 'it is somebody else'],
  });
  verb(identities, cli, {
    name: 'unlink <id>',
    description: 'take an identity from a person; their sessions from that provider end',
    path: (id) => `/api/identities/${id}/unlink`,
    done: (answer) => `Unlinked: ${textOf(answer, 'provider')} of ${textOf(answer, 'person_name')}.`,
    example: ['identities unlink 3f2a…', 'identities list shows the ids'],
  });
}

function listCommand(identities: Command, cli: Cli): void {
  const list = identities
    .command('list')
    .description('list identities, newest first')
    .option('--person <who>', 'only those of a person, by e-mail address or id')
    .option('--provider <name>', 'only those at a provider')
    .action(async (query: { person?: string; provider?: string }) => {
      const rows = await everyEntry(cli, '/api/identities', { name: 'identities', query: { ...query } });
      cli.answer({ identities: rows }, () => identityLines(cli, rows));
    });
  examples(list, cli.io.command, [['identities list --provider okta', 'everybody who has signed in there']]);
}

function identityLines(cli: Cli, rows: readonly Fields[]): string[] {
  if (rows.length === 0) return ['Nobody has signed in at a provider yet.'];
  const titles = ['person', 'provider', 'groups', 'last sign-in', 'id'];
  return cli.table(
    titles.map((title) => ({ title, shrinks: title === 'person' || title === 'groups' })),
    rows.map((row) => [
      textOf(row, 'person_name') || textOf(row, 'person'),
      textOf(row, 'provider'),
      Array.isArray(row.groups) ? row.groups.map((group) => textOf({ group }, 'group')).join(', ') : '',
      timeOf(row, 'last_sign_in_at'),
      textOf(row, 'id'),
    ]),
  );
}

function waitingCommand(identities: Command, cli: Cli): void {
  const waiting = identities
    .command('waiting')
    .description('sign-ins that wait: their address belongs to a person who is here already')
    .action(async () => {
      const rows = await everyEntry(cli, '/api/identities/waiting', { name: 'waiting', query: {} });
      cli.answer({ waiting: rows }, () =>
        rows.length === 0
          ? ['Nobody waits.']
          : cli.table(
              [{ title: 'e-mail', shrinks: true }, { title: 'provider' }, { title: 'tried' }, { title: 'id' }],
              rows.map((row) => [
                ...[textOf(row, 'email'), textOf(row, 'provider')],
                ...[timeOf(row, 'last_seen_at'), textOf(row, 'id')],
              ]),
            ),
      );
    });
  examples(waiting, cli.io.command, [['identities waiting', 'addresses change hands: link only who you know it is']]);
}

interface Verb {
  readonly name: string;
  readonly description: string;
  /** Of an id that is safe in a path. */
  readonly path: (id: string) => string;
  readonly done: (answer: Fields) => string;
  readonly example: readonly [string, string];
}

function verb(identities: Command, cli: Cli, { name, description, path, done, example }: Verb): void {
  const command = identities
    .command(name)
    .description(description)
    .option(...REASON)
    .action(async (id: string, { reason }: Why) => {
      const answer = await cli.api().post(path(encodeURIComponent(id)), { reason });
      cli.answer(answer, () => [done(answer)]);
    });
  examples(command, cli.io.command, [example]);
}
