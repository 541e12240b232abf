import type { Command } from 'commander';
import { type AuditFilters, queryOf, withFilters } from '../audit-filters.ts';
import { recordLine } from '../audit-lines.ts';
import type { Cli } from '../cli.ts';
import type { AdminClient } from '../client.ts';
import { countOf } from '../counts.ts';
import { examples } from '../examples.ts';
import { CliError, EXIT } from '../failure.ts';
import { type Fields, listOf, numberOf, objectOf, safeJson } from '../fields.ts';

const POLL_MS = 1_000;

interface TailOptions extends AuditFilters {
  readonly follow?: boolean;
  readonly lines: number;
}

/** `gatehouse audit tail`: the newest records, and with --follow those that come. */
export function tailCommand(audit: Command, cli: Cli): void {
  const tail = withFilters(audit.command('tail').description('the newest records, oldest of them first'))
    .option('-n, --lines <number>', 'how many, at most 500', countOf, 20)
    .option('-f, --follow', 'go on with what comes, until Ctrl-C; with --json one record a line')
    .action((options: TailOptions) => showTail(cli, options));
  examples(tail, cli.io.command, [
    ['audit tail -f --kind refusal', 'watch what is refused'],
    ['audit tail -n 100', 'the last hundred'],
  ]);
}

async function showTail(cli: Cli, options: TailOptions): Promise<void> {
  const api = cli.api();
  const query = queryOf(options);
  // Read before the records: what is written in between is then shown by the first look of --follow, not lost.
  const head = options.follow ? numberOf(await api.get('/api/audit/head'), 'seq') : 0;
  const page = await api.get('/api/audit', { ...query, limit: Math.min(options.lines, 500) });
  const records = listOf(page, 'records').reverse();
  if (!options.follow) {
    const names = objectOf(page, 'names');
    cli.answer({ records, names }, () => records.map((record) => recordLine(record, names)));
    return;
  }
  const shown = records.filter((record) => numberOf(record, 'seq') <= head);
  show(cli, shown, page);
  await follow(cli, api, { query, after: head });
}

async function follow(
  cli: Cli,
  api: AdminClient,
  from: { query: Record<string, string | undefined>; after: number },
): Promise<void> {
  let { after } = from;
  let stopped = false;
  let troubled = false;
  const forget = cli.io.onSignal(() => {
    stopped = true;
  });
  while (!stopped) {
    try {
      const page = await api.get('/api/audit', { ...from.query, order: 'oldest', after_seq: after, limit: 500 });
      const records = listOf(page, 'records');
      show(cli, records, page);
      after = Math.max(after, ...records.map((record) => numberOf(record, 'seq')));
      troubled = false;
      if (typeof page.cursor === 'string' && records.length > 0) continue;
    } catch (error) {
      // A restart of the gateway must not end what somebody left running to watch it.
      if (!(error instanceof CliError) || error.exit !== EXIT.unreachable) throw error;
      if (!troubled) cli.note(`${error.message} Trying again…`);
      troubled = true;
    }
    await cli.io.sleep(POLL_MS);
  }
  forget();
}

function show(cli: Cli, records: readonly Fields[], page: Fields): void {
  const names = objectOf(page, 'names');
  for (const record of records) cli.io.out(`${cli.json ? safeJson(record) : recordLine(record, names)}\n`);
}
