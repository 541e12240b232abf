import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type GatehouseConfig, loadGatehouseConfig } from '../config.ts';
import { lockFolder } from '../journal/lock.ts';
import { formatProblem } from '../kernel/config.ts';
import { dataPaths, WRITER } from '../main/paths.ts';
import { CliError } from './failure.ts';

interface Named {
  readonly data?: string | undefined;
  readonly config?: string | undefined;
}

/** The configuration that a command without a gateway goes by. Throws for one that cannot be used. */
export function configOf({ config }: Pick<Named, 'config'>): GatehouseConfig {
  const loaded = loadGatehouseConfig({ file: config });
  if (loaded.ok) return loaded.value;
  throw new CliError(loaded.problems.map(formatProblem).join('\n'), { remedy: 'Or name the folder with --data.' });
}

/** The data folder: `--data`, else that of the configuration. */
export function dataFolder(named: Named): string {
  return resolve(named.data ?? configOf(named).data);
}

/** Keeps every gateway off a data folder while it is worked on; returns what gives it free. Throws while one runs on it. */
export function lockData(folder: string): () => void {
  const writer = join(dataPaths(folder).journal, WRITER);
  if (!existsSync(writer)) return () => undefined;
  try {
    return lockFolder(writer);
  } catch {
    throw new CliError(`A gateway runs on ${folder}.`, { remedy: 'Stop it first.' });
  }
}
