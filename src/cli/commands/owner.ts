import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { credentialsFile, saveCredential } from '../credentials.ts';
import { examples } from '../examples.ts';
import { CliError } from '../failure.ts';
import { textOf } from '../fields.ts';

/** `gatehouse owner`: the first owner of an installation. */
export function ownerCommand(program: Command, cli: Cli): void {
  const owner = program.command('owner').description('become the first owner of an installation');
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
      const { command } = cli.io;
      cli.answer({ person: claimed.person, url: api.url, credentials: file }, () => [
        `You own the gateway at ${api.url}.`,
        `Your admin token is kept in ${file}, readable by you alone.`,
        '',
        'Next: a key for yourself.',
        `  ${command} keys create --person ${textOf({ email }, 'email')} --label laptop`,
      ]);
    });
  const lines = [['owner claim gho_… --email you@example.com', 'works once']] as const;
  examples(owner, cli.io.command, lines);
  examples(claim, cli.io.command, lines);
}
