import type { Command } from 'commander';
import { loadGatehouseConfig } from '../../config.ts';
import { formatProblem } from '../../kernel/config.ts';
import { warningsOf } from '../../main/warnings.ts';
import type { Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { CliError, EXIT } from '../failure.ts';

/** `gatehouse check`: is this configuration right? */
export function checkCommand(program: Command, cli: Cli): void {
  const check = program
    .command('check [file]')
    .description('check a configuration file, by default gatehouse.yaml; every problem with its place')
    .action((file: string | undefined) => {
      const loaded = loadGatehouseConfig({ file });
      if (!loaded.ok) {
        const lines = loaded.problems.map(formatProblem);
        if (!cli.json) for (const line of lines) cli.io.out(`${line}\n`);
        const count = lines.length === 1 ? 'one problem' : `${lines.length} problems`;
        throw new CliError(`The configuration has ${count}.`, {
          exit: EXIT.failed,
          remedy: 'See docs/configuration.md for every key.',
          fields: { problems: loaded.problems },
        });
      }
      const { file: read, value } = loaded;
      const warnings = warningsOf(value);
      const address = `${value.listen.host}:${value.listen.port}`;
      const summary = { file: read, listen: address, data: value.data, upstream: value.upstream.url, warnings };
      cli.answer({ ok: true, ...summary }, () => [
        `${cli.paint('green', '✓')} ${read ?? 'No configuration file: the defaults hold.'}`,
        `  listens on ${address}, keeps its data in ${value.data}, calls ${value.upstream.name} at ${value.upstream.url}`,
        ...warnings.map((warning) => `${cli.paint('yellow', '!')} ${warning}`),
      ]);
    });
  examples(check, cli.io.command, [['check gatehouse.yaml', 'before you start or restart it']]);
}
