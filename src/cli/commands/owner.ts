import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { directoryChanges } from '../../identity/changes.ts';
import { Directory } from '../../identity/directory.ts';
import { systemClock } from '../../kernel/clock.ts';
import { dataPaths } from '../../main/paths.ts';
import { openSqliteStore } from '../../store/sqlite/store.ts';
import type { Cli } from '../cli.ts';
import { confirm } from '../confirm.ts';
import { credentialsFile, saveCredential } from '../credentials.ts';
import { dataFolder, lockData } from '../data-folder.ts';
import { examples } from '../examples.ts';
import { CliError } from '../failure.ts';
import { textOf } from '../fields.ts';
import { gatewayUrl } from '../target.ts';

/** `gatehouse owner`: the primary owner of an installation. */
export function ownerCommand(program: Command, cli: Cli): void {
  const owner = program.command('owner').description('the one person who may do everything');
  const claim = owner
    .command('claim <secret>')
    .description('use the one-use secret that the first start printed; your admin token is kept for this machine')
    .requiredOption('--email <address>', 'your e-mail address')
    .action(async (secret: string, { email }: { email: string }) => {
      const api = cli.openApi();
      const claimed = await api.post('/api/owner', { secret: secret.trim(), email });
      const token = claimed.token;
      if (typeof token !== 'string') throw new CliError('The gateway gave no token.');
      const file = credentialsFile(cli.io);
      try {
        saveCredential(file, api.url, token);
      } catch (error) {
        // The secret is used up: a token that cannot be kept must not be lost with it.
        if (!cli.json)
          cli.io.out(`Your admin token, shown only now:\n  export GATEHOUSE_TOKEN=${textOf(claimed, 'token')}\n`);
        const { message, remedy } = error instanceof CliError ? error : new CliError(`${file} cannot be written.`);
        throw new CliError(message, { remedy, fields: { token } });
      }
      // With tokens for several gateways kept, the next command must say which one it means.
      const command = gatewayUrl(cli.io, {}) === api.url ? cli.io.command : `${cli.io.command} --url ${api.url}`;
      cli.answer({ person: claimed.person, url: api.url, credentials: file }, () => [
        `You own the gateway at ${api.url}.`,
        `Your admin token is kept in ${file}, readable by you alone.`,
        '',
        'Next: a policy, where there is none; until then nothing is allowed.',
        `  ${cli.io.command} policy init policy.yaml`,
        `  ${command} policy apply policy.yaml`,
        'Then a key for yourself.',
        `  ${command} keys create --person ${textOf({ email }, 'email')} --label laptop`,
      ]);
    });
  recoverCommand(owner, cli);
  sealCommand(owner, cli);
  transferCommand(owner, cli);
  const lines = [['owner claim gho_… --email you@example.com', 'works once']] as const;
  examples(owner, cli.io.command, lines);
  examples(claim, cli.io.command, lines);
}

/** The envelope for the day on which the identity provider fails. */
function sealCommand(owner: Command, cli: Cli): void {
  const seal = owner
    .command('seal')
    .description('a secret for an envelope: the one way in where the policy requires SSO and the provider fails')
    .action(async () => {
      const sealed = await cli.api().post('/api/owner/break-glass', {});
      cli.answer(sealed, () => [
        'Print this and lock it away; it is shown only now, and replaces the one before:',
        `  ${textOf(sealed, 'secret')}`,
        '',
        `Whoever types it at ${cli.url()}/signin/sealed is the primary owner for an hour. It works once, and raises an alarm.`,
      ]);
    });
  examples(seal, cli.io.command, [['owner seal', 'by the primary owner, before require_sso']]);
}

function transferCommand(owner: Command, cli: Cli): void {
  const transfer = owner
    .command('transfer <who>')
    .description('make somebody else the primary owner; you become an admin')
    .option('--yes', 'do not ask')
    .option('--reason <text>', 'why, for the audit trail; name nobody in it')
    .action(async (who: string, options: { yes?: boolean; reason?: string }) => {
      const to = textOf({ who }, 'who');
      await confirm(cli.io, {
        yes: options.yes === true,
        word: 'transfer',
        explanation: `${to} becomes the primary owner, with billing and ownership; you become an admin. Only they can undo it.`,
      });
      const moved = await cli.api().post('/api/owner/transfer', { to: who, reason: options.reason });
      cli.answer(moved, () => [
        `The primary owner is ${textOf(moved, 'email')}. A sealed way in is void: seal another.`,
      ]);
    });
  examples(transfer, cli.io.command, [['owner transfer grace@example.com', 'explains, asks, transfers']]);
}

interface RecoverFlags {
  readonly email: string;
  readonly data?: string;
  readonly config?: string;
}

/** For an owner who lost the only admin token: whoever may write the data folder may do this, and the next start records it. */
function recoverCommand(owner: Command, cli: Cli): void {
  const recover = owner
    .command('recover')
    .description(
      'a new admin token for an owner or admin who lost theirs; on the gateway’s machine, while it is stopped',
    )
    .requiredOption('--email <address>', 'e-mail address of the owner or admin')
    .option('--data <folder>', 'data folder (default: that of the configuration)')
    .option('--config <file>', 'configuration file')
    .action(async (flags: RecoverFlags) => {
      const { person, token } = await newToken(dataFolder(flags), flags.email);
      cli.answer({ person, token }, () => [
        'A new admin token, shown only now:',
        `  export GATEHOUSE_TOKEN=${token}`,
        '',
        'Revoke the lost one once the gateway runs again:',
        `  ${cli.io.command} keys list --kind admin`,
      ]);
    });
  examples(recover, cli.io.command, [['owner recover --email you@example.com', 'after the only token was lost']]);
}

async function newToken(folder: string, email: string): Promise<{ person: string; token: string }> {
  const path = dataPaths(folder).store;
  if (!existsSync(path))
    throw new CliError(`There is no store in ${folder}.`, { remedy: 'Name the folder with --data.' });
  const release = lockData(folder);
  const store = await openSqliteStore({ path, clock: systemClock });
  try {
    const person = await store.read((tx) => tx.partyByName('person', email.trim().toLowerCase()));
    if (person === undefined || !['primary_owner', 'admin'].includes(person.role) || person.disabledAt !== null) {
      throw new CliError('There is no active owner or admin with this address.', {
        remedy: 'While no owner can act, the next start offers a new one-use secret.',
      });
    }
    const directory = await Directory.load({ store, clock: systemClock });
    const changes = directoryChanges({ store, directory, clock: systemClock });
    const label = 'recovered admin token';
    const made = await changes.createKey({ actor: 'system', owner: person.id, kind: 'admin', label, expiresAt: null });
    return { person: person.id, token: made.secret };
  } finally {
    await store.close();
    release();
  }
}
