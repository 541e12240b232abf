import type { Command } from 'commander';
import { parseDuration } from '../../kernel/units.ts';
import type { Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { type Fields, textOf, timeOf } from '../fields.ts';
import { everyEntry } from '../lists.ts';

interface InviteOptions {
  readonly provider: string;
  readonly until: string;
  readonly sponsor?: string;
  readonly reason?: string;
}

const REASON = ['--reason <text>', 'why, for the audit trail; name nobody in it'] as const;
const UNTIL = 'when it ends: "30 days" from now, a date such as 2027-01-31, or an instant with its zone';

/** `gatehouse guests`: people whose addresses no provider's domains cover. */
export function guestsCommand(program: Command, cli: Cli): void {
  const guests = program.command('guests').description('people from outside, with a sponsor and an end');
  examples(guests, cli.io.command, [
    ['guests invite pat@partner.example --provider okta --until "30 days"', 'then: tell them to sign in'],
    ['guests list', 'who may come, who came'],
  ]);
  inviteCommand(guests, cli);
  const list = guests
    .command('list')
    .description('list invitations, newest first')
    .option('--state <state>', 'only open, taken, ended or revoked ones')
    .action(async (query: { state?: string }) => {
      const rows = await everyEntry(cli, '/api/invitations', { name: 'invitations', query: { ...query } });
      cli.answer({ invitations: rows }, () => guestLines(cli, rows));
    });
  examples(list, cli.io.command, [['guests list --state taken', 'guests who are here']]);
  const extend = guests
    .command('extend <id>')
    .description('move the end of an invitation, later or earlier')
    .requiredOption('--until <when>', UNTIL)
    .option(...REASON)
    .action(async (id: string, { until, reason }: { until: string; reason?: string }) => {
      const body = { ...endOf(until), reason };
      answer(cli, await cli.api().post(`/api/invitations/${encodeURIComponent(id)}/extend`, body), 'Moved');
    });
  examples(extend, cli.io.command, [['guests extend inv_… --until 2027-03-31', 'guests list shows the ids']]);
  const revoke = guests
    .command('revoke <id>')
    .description('end an invitation now, with everything the guest has')
    .option(...REASON)
    .action(async (id: string, { reason }: { reason?: string }) => {
      answer(cli, await cli.api().post(`/api/invitations/${encodeURIComponent(id)}/revoke`, { reason }), 'Revoked');
    });
  examples(revoke, cli.io.command, [['guests revoke inv_…', 'sessions and keys end at once']]);
}

function inviteCommand(guests: Command, cli: Cli): void {
  const invite = guests
    .command('invite <email>')
    .description('let an address enter at a provider until an end; no message is sent')
    .requiredOption('--provider <name>', 'identity provider that the guest signs in with')
    .requiredOption('--until <when>', UNTIL)
    .option('--sponsor <who>', 'who answers for the guest, by e-mail address or id; you, unless given')
    .option(...REASON)
    .action(async (email: string, { until, ...options }: InviteOptions) => {
      answer(cli, await cli.api().post('/api/invitations', { email, ...options, ...endOf(until) }), 'Invited');
    });
  examples(invite, cli.io.command, [
    ['guests invite pat@partner.example --provider okta --until "30 days" --sponsor ada@example.com', 'Ada answers'],
  ]);
}

function endOf(until: string): { hours: string } | { ends_at: string } {
  return parseDuration(until) === null ? { ends_at: until } : { hours: until };
}

function guestLines(cli: Cli, rows: readonly Fields[]): string[] {
  if (rows.length === 0) return ['Nobody is invited.'];
  const titles = ['e-mail', 'provider', 'sponsor', 'state', 'ends', 'id'];
  return cli.table(
    titles.map((title) => ({ title, shrinks: title === 'e-mail' || title === 'sponsor' })),
    rows.map((row) => [
      ...['email', 'provider', 'sponsor_name', 'state'].map((name) => textOf(row, name)),
      ...[timeOf(row, 'ends_at'), textOf(row, 'id')],
    ]),
  );
}

function answer(cli: Cli, invitation: Fields, verb: string): void {
  cli.answer(invitation, () => {
    const [email, id, provider] = ['email', 'id', 'provider'].map((name) => textOf(invitation, name));
    return [`${verb}: ${email} (${id}), at ${provider}, until ${timeOf(invitation, 'ends_at')} UTC`];
  });
}
