import type { Command } from 'commander';
import { formatBytes } from '../../kernel/units.ts';
import type { Cli } from '../cli.ts';
import { LONG_MS } from '../client.ts';
import { examples } from '../examples.ts';
import { numberOf, textOf } from '../fields.ts';

/** `gatehouse backup`: a consistent copy of the running gateway. */
export function backupCommand(program: Command, cli: Cli): void {
  const backup = program
    .command('backup <name>')
    .description('write a backup into a new folder of the gateway’s backup folder, while calls go on')
    .action(async (name: string) => {
      const done = await cli.api().post('/api/backup', { name }, LONG_MS);
      cli.answer(done, () => [
        `Written: ${textOf(done, 'folder')}`,
        `${numberOf(done, 'files')} files, ${formatBytes(numberOf(done, 'bytes'))}, audit trail up to record ${textOf(done, 'seq')}`,
        'It holds everything but the keys in the data folder: keep a copy of those elsewhere.',
      ]);
    });
  examples(backup, cli.io.command, [['backup monday', 'then copy the folder to another machine']]);
}
