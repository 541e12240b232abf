import type { Cli } from './cli.ts';
import { type Fields, listOf } from './fields.ts';
import { Progress } from './progress.ts';

/** All entries of a list of the admin API, across its pages. */
export async function everyEntry(
  cli: Cli,
  path: string,
  { name, query }: { name: string; query: Readonly<Record<string, string | undefined>> },
): Promise<Fields[]> {
  const progress = new Progress(cli.io);
  const entries: Fields[] = [];
  for await (const page of cli.api().pages(path, { ...query, limit: 200 })) {
    entries.push(...listOf(page, name));
    progress.at(`${entries.length} read`);
  }
  progress.done();
  return entries;
}
