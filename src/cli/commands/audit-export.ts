import { type Command, Option } from 'commander';
import { type AuditFilters, queryOf, withFilters } from '../audit-filters.ts';
import type { Cli } from '../cli.ts';
import { csvLines } from '../csv.ts';
import { examples } from '../examples.ts';
import { type Fields, listOf, objectOf, safeJson, textOf } from '../fields.ts';
import { Progress } from '../progress.ts';

/** Columns of the CSV: fields of records, and the names that today's directory has for ids. */
const COLUMNS = [
  'seq',
  'at',
  'id',
  'kind',
  'who',
  'who_name',
  'team',
  'team_name',
  'key',
  'action',
  'model',
  'intent',
  'result',
  'code',
  'actor',
  'actor_name',
  'subject',
  'subject_name',
  'reason',
] as const;

/** `gatehouse audit export`: the trail for other programs, oldest first. */
export function exportCommand(audit: Command, cli: Cli): void {
  const command = withFilters(audit.command('export').description('print records for other programs, oldest first'))
    .addOption(
      new Option('--format <format>', 'jsonl: records as written; csv: the main fields')
        .choices(['jsonl', 'csv'])
        .default('jsonl'),
    )
    .action(async (options: AuditFilters & { format: 'jsonl' | 'csv' }) => {
      const format = cli.json ? 'object' : options.format;
      const progress = new Progress(cli.io);
      let count = 0;
      let head = { jsonl: '', csv: csvLines([COLUMNS]).join(''), object: '{"records":[' }[format];
      for await (const page of cli.api().pages('/api/audit', { ...queryOf(options), order: 'oldest', limit: 500 })) {
        // Not before the first page is there: an export that is refused must print its error and nothing else.
        cli.io.out(head);
        head = '';
        const names = objectOf(page, 'names');
        for (const record of listOf(page, 'records')) {
          cli.io.out(format === 'csv' ? csvLine(record, names) : jsonLine(record, format, count === 0));
          count += 1;
        }
        progress.at(`${count} records`);
      }
      if (format === 'object') cli.io.out(']}\n');
      progress.done();
    });
  examples(command, cli.io.command, [
    ['audit export --from 2026-11-01 > november.jsonl', 'for a SIEM'],
    ['audit export --format csv --kind change > changes.csv', 'for an auditor'],
  ]);
}

function jsonLine(record: Fields, format: 'jsonl' | 'object', first: boolean): string {
  if (format === 'jsonl') return `${safeJson(record)}\n`;
  return first ? safeJson(record) : `,${safeJson(record)}`;
}

function csvLine(record: Fields, names: Fields): string {
  const cells = COLUMNS.map((column) => {
    const id = record[column.replace(/_name$/, '')];
    if (column.endsWith('_name')) return typeof id === 'string' ? textOf(names, id) : null;
    return id === null || id === undefined ? null : textOf(record, column);
  });
  return csvLines([cells]).join('');
}
