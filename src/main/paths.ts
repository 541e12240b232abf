import { join } from 'node:path';

/** The journal's writer in a gateway of one process. */
export const WRITER = 'main';

/** What lies where in the data folder. */
export function dataPaths(dataDir: string) {
  return {
    store: join(dataDir, 'store.db'),
    reserve: join(dataDir, 'reserve'),
    usage: join(dataDir, 'usage.db'),
    journal: join(dataDir, 'journal'),
    checkpoints: join(dataDir, 'checkpoints'),
    keys: join(dataDir, 'keys'),
  };
}
