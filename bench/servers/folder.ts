import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leftover } from '../leftovers.ts';

/** A folder of its own for a server, gone with `remove` or with the benchmark. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  const forget = leftover(remove);
  return {
    path,
    remove() {
      remove();
      forget();
    },
  };
}
