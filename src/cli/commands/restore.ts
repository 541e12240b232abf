import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { dataPaths } from '../../main/paths.ts';
import { BackupError } from '../../store/backup.ts';
import { type Restored, restore } from '../../store/restore.ts';
import type { Cli } from '../cli.ts';
import { dataFolder, lockData } from '../data-folder.ts';
import { examples } from '../examples.ts';
import { CliError, EXIT } from '../failure.ts';

interface RestoreFlags {
  readonly data?: string;
  readonly config?: string;
  readonly only?: 'store' | 'journal';
  readonly force?: boolean;
}

/** `gatehouse restore`: puts a backup back, while no gateway runs. */
export function restoreCommand(program: Command, cli: Cli): void {
  const command = program
    .command('restore <folder>')
    .description('verify a backup and put it into the data folder; the gateway must be stopped')
    .option('--data <folder>', 'data folder (default: that of the configuration)')
    .option('--config <file>', 'configuration file')
    .addOption(new Option('--only <part>', 'only the store, or only the journal').choices(['store', 'journal']))
    .option('--force', 'move what is there aside instead of refusing; nothing is deleted')
    .action((folder: string, flags: RestoreFlags) => runRestore(cli, folder, flags));
  examples(command, cli.io.command, [
    ['restore backups/monday --data ./data', 'into an empty data folder'],
    ['restore backups/monday --only store --force', 'keeps the newer journal, which knows later revocations'],
  ]);
}

async function runRestore(cli: Cli, folder: string, flags: RestoreFlags): Promise<void> {
  const to = dataFolder(flags);
  const release = lockData(to);
  let done: Restored;
  try {
    const { only, force = false } = flags;
    done = await restore({ from: resolve(folder), to, force, ...(only === undefined ? {} : { only }) });
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    const broken = error.problem === 'changed' || error.problem === 'incomplete';
    throw new CliError(`${error.message}.`, {
      exit: broken ? EXIT.unverified : EXIT.failed,
      remedy: 'Nothing was changed.',
      fields: { problem: error.problem },
    });
  } finally {
    release();
  }
  const { manifest, movedAside } = done;
  const result = {
    data: to,
    from: resolve(folder),
    at: manifest.at,
    seq: manifest.head.seq,
    moved_aside: movedAside,
  };
  cli.answer(result, () => [
    `Restored into ${to}: the state of ${manifest.at}, audit trail up to record ${manifest.head.seq}.`,
    ...(movedAside === null ? [] : [`What was there is now in ${movedAside}.`]),
    ...(existsSync(join(dataPaths(to).keys, 'signing.key'))
      ? []
      : [
          `A backup holds no private keys: put your copies of master.key and signing.key into ${dataPaths(to).keys} before you start.`,
        ]),
    flags.only === 'store'
      ? 'The next start applies the newer revocations and erasures of the journal.'
      : 'Put checkpoints kept elsewhere under another name: they may name records that this trail does not have.',
  ]);
}
