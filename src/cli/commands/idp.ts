import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { LONG_MS } from '../client.ts';
import { examples } from '../examples.ts';
import { CliError } from '../failure.ts';
import { type Fields, listOf, showValue, textOf } from '../fields.ts';
import { everyEntry } from '../lists.ts';

const MARKS: Readonly<Record<string, string>> = { ok: 'ok     ', warning: 'WARNING', failed: 'FAILED ' };

/** `gatehouse idp`: the identity providers that the policy names. */
export function idpCommand(program: Command, cli: Cli): void {
  const idp = program.command('idp').description('identity providers: who they are, and whether they can be used');
  examples(idp, cli.io.command, [
    ['idp list', 'those of the policy in force, and what to paste there'],
    ['idp test okta', 'clock, secret, keys, groups, certificates: what is wrong, in plain words'],
  ]);
  const list = idp
    .command('list')
    .description('list the providers of the policy in force')
    .action(async () => {
      const rows = await everyEntry(cli, '/api/identity-providers', { name: 'providers', query: {} });
      cli.answer({ providers: rows }, () =>
        rows.length === 0
          ? ['The policy in force names no identity provider: see docs/sign-in.']
          : cli.table(
              [
                { title: 'name' },
                { title: 'protocol' },
                { title: 'domains', shrinks: true },
                { title: 'state' },
                { title: 'sends people back to', shrinks: true },
              ],
              rows.map((row) => [
                ...[textOf(row, 'name'), textOf(row, 'protocol'), listed(row.domains), textOf(row, 'state')],
                textOf(row, 'callback'),
              ]),
            ),
      );
    });
  examples(list, cli.io.command, [['idp list', 'with the address that each sends people back to']]);
  const test = idp
    .command('test <name>')
    .description('try the connection to a provider, as far as it can be tried without a person')
    .action((name: string) => testProvider(cli, name));
  examples(test, cli.io.command, [['idp test okta', 'exit code 1 when something is wrong']]);
}

async function testProvider(cli: Cli, name: string): Promise<void> {
  const path = `/api/identity-providers/${encodeURIComponent(name)}/test`;
  const tested = await cli.api().post(path, {}, LONG_MS);
  const points = listOf(tested, 'points');
  const failed = points.some((point) => point.state === 'failed');
  cli.answer(tested, () => [
    ...points.map(line),
    ...(failed ? [] : ['', 'Nothing is wrong: people can sign in there.']),
  ]);
  if (failed) throw new CliError('People cannot sign in there yet.', { remedy: 'Put right what has FAILED above.' });
}

function line(point: Fields): string {
  const mark = MARKS[textOf(point, 'state')] ?? textOf(point, 'state');
  return `${mark}  ${textOf(point, 'point')}: ${textOf(point, 'message')}`;
}

function listed(value: unknown): string {
  return Array.isArray(value) ? value.map(showValue).join(', ') : '';
}
