import { type Command, Option } from 'commander';
import type { Cli } from '../cli.ts';
import { connectLines } from '../connect.ts';
import { examples } from '../examples.ts';
import { usageError } from '../failure.ts';
import { type Fields, objectOf, textOf, timeOf } from '../fields.ts';
import { everyEntry } from '../lists.ts';

const pathOf = (id: string): string => `/api/keys/${encodeURIComponent(id)}`;

interface CreateOptions {
  readonly person?: string;
  readonly service?: string;
  readonly team?: string;
  readonly kind: string;
  readonly label?: string;
  readonly expires?: string;
}

/** `gatehouse keys`: virtual keys for models and admin tokens. */
export function keysCommand(program: Command, cli: Cli): void {
  const keys = program.command('keys').description('virtual keys for models, and admin tokens');
  examples(keys, cli.io.command, [
    ['keys create --person ada@example.com --expires "90 days"', 'a key for a person'],
    ['keys list --state expiring', 'what ends within 14 days'],
    ['keys revoke key_… --reason "laptop lost"', 'stop it now'],
  ]);
  const create = keys
    .command('create')
    .description('create a key; its secret is shown once')
    .option('--person <who>', 'owner: a person, by e-mail address or id')
    .option('--service <name>', 'owner: a service, made on first use')
    .option(
      '--team <name>',
      'team its calls are charged to, where the owner belongs to it; a service in no team is put into it',
    )
    .addOption(
      new Option('--kind <kind>', 'key for models, admin for this command line')
        .choices(['key', 'admin'])
        .default('key'),
    )
    .option('--label <text>', 'what it is for')
    .option('--expires <when>', '"90 days", 2027-01-31, or never (default: never)')
    .action((options: CreateOptions) => createKey(cli, options));
  examples(create, cli.io.command, [
    ['keys create --person ada@example.com --label laptop', 'prints the two lines for Claude Code'],
    ['keys create --person ada@example.com --team Research', 'for somebody in several teams'],
    ['keys create --service ci --team Build --expires "90 days"', 'for a pipeline'],
    ['keys create --person ada@example.com --kind admin', 'an admin token; the person must be an owner'],
  ]);
  const list = keys
    .command('list')
    .description('list keys, newest first')
    .option('--owner <who>', 'only keys of this person or service')
    .option('--state <state>', 'active, expiring, rotated, expired, revoked or owner_disabled')
    .option('--kind <kind>', 'key or admin')
    .action(async (options: { owner?: string; state?: string; kind?: string }) => {
      const rows = await everyEntry(cli, '/api/keys', { name: 'keys', query: { ...options } });
      cli.answer({ keys: rows }, () => cli.table(COLUMNS, rows.map(cellsOf)));
    });
  examples(list, cli.io.command, [['keys list --owner ada@example.com', 'those of one person']]);
  const show = keys
    .command('show <id>')
    .description('show a key')
    .action(async (id: string) => {
      const key = await cli.api().get(pathOf(id));
      cli.answer(key, () => detailsOf(key));
    });
  examples(show, cli.io.command, [['keys show key_…', 'owner, state, last use']]);
  changes(keys, cli);
}

function changes(keys: Command, cli: Cli): void {
  const rotate = keys
    .command('rotate <id>')
    .description('replace a key by a new one; both work during the overlap')
    .option('--overlap <duration>', 'how long the old one still works', '24 hours')
    .action(async (id: string, { overlap }: { overlap: string }) => {
      const issued = await cli.api().post(`${pathOf(id)}/rotate`, { overlap });
      cli.answer(issued, () => secretLines(cli, issued, `Replaces ${id}, which works for another ${overlap} at most.`));
    });
  examples(rotate, cli.io.command, [['keys rotate key_… --overlap "2 hours"', 'time to put the new one in place']]);
  const revoke = keys
    .command('revoke <id>')
    .description('stop a key now; in force when this returns')
    .option('--reason <text>', 'why, for the audit trail; name nobody in it')
    .action(async (id: string, { reason }: { reason?: string }) => {
      const key = await cli.api().post(`${pathOf(id)}/revoke`, { reason });
      cli.answer(key, () => [`Revoked: ${textOf(key, 'id')} of ${textOf(key, 'owner_name')}`]);
    });
  examples(revoke, cli.io.command, [
    ['keys revoke key_… --reason "pasted into a chat"', 'running answers are cut too'],
  ]);
}

async function createKey(cli: Cli, options: CreateOptions): Promise<void> {
  if ((options.person === undefined) === (options.service === undefined)) {
    throw usageError('Name the owner with either --person or --service.', 'For example: --person ada@example.com');
  }
  const issued = await cli.api().post('/api/keys', { ...options });
  const key = objectOf(issued, 'key');
  const expires = timeOf(key, 'expires_at');
  const ends = expires === '-' ? 'does not expire' : `expires ${expires} UTC`;
  cli.answer(issued, () => secretLines(cli, issued, `For ${textOf(key, 'owner_name')}; ${ends}.`));
}

/** The one place of a human answer that shows a secret, exactly once. */
function secretLines(cli: Cli, issued: Fields, about: string): string[] {
  const key = objectOf(issued, 'key');
  const secret = textOf(issued, 'secret');
  const head = [`Created ${textOf(key, 'id')}. ${about}`, 'Its secret is shown only now:', ''];
  if (textOf(key, 'kind') === 'admin') return [...head, `  export GATEHOUSE_TOKEN=${secret}`];
  return [
    ...head,
    ...connectLines(cli.url(), secret).map((line) => `  ${line}`),
    '',
    'These two lines connect Claude Code.',
  ];
}

const COLUMNS = [
  { title: 'id' },
  { title: 'hint' },
  { title: 'owner', shrinks: true },
  { title: 'team', shrinks: true },
  { title: 'label', shrinks: true },
  { title: 'state' },
  { title: 'created' },
  { title: 'expires' },
  { title: 'last used' },
];

function cellsOf(key: Fields): string[] {
  const shown = { ...key, team: textOf(key, 'charged_team_name') || textOf(key, 'team_name') };
  const texts = ['id', 'hint', 'owner_name', 'team', 'label', 'state'].map((name) => textOf(shown, name));
  return [...texts, ...['created_at', 'expires_at', 'last_used_at'].map((name) => timeOf(key, name))];
}

function detailsOf(key: Fields): string[] {
  const cells = cellsOf(key);
  const lines = COLUMNS.map(({ title }, index) => `${title.padEnd(13)}${cells[index] ?? ''}`);
  return [
    ...lines,
    `${'kind'.padEnd(13)}${textOf(key, 'kind')}`,
    `${'replaced by'.padEnd(13)}${textOf(key, 'rotated_to') || '-'}`,
  ];
}
