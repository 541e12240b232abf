import type { Command } from 'commander';
import { printable } from '../../kernel/text.ts';
import { type AuditFilters, queryOf, withFilters } from '../audit-filters.ts';
import { recordDetails, recordLine } from '../audit-lines.ts';
import type { Cli } from '../cli.ts';
import { countOf } from '../counts.ts';
import { examples } from '../examples.ts';
import { type Fields, listOf, objectOf } from '../fields.ts';
import { exportCommand } from './audit-export.ts';
import { tailCommand } from './audit-tail.ts';
import { verifyCommand } from './audit-verify.ts';
import { erasePerson } from './people.ts';

/** `gatehouse audit`: the trail of everything that was asked, refused and changed. */
export function auditCommand(program: Command, cli: Cli): void {
  const audit = program.command('audit').description('the trail of everything that was asked, refused and changed');
  examples(audit, cli.io.command, [
    ['audit tail --follow', 'what is happening now'],
    ['audit search --who ada@example.com --from 2026-11-01', 'what one person did'],
    ['audit show rec_…', 'everything about the call whose error named this id'],
    ['audit verify --checkpoint FILE', 'that nothing was changed or removed'],
  ]);
  tailCommand(audit, cli);
  searchCommand(audit, cli);
  showCommand(audit, cli);
  verifyCommand(audit, cli);
  exportCommand(audit, cli);
  eraseCommand(audit, cli);
}

function searchCommand(audit: Command, cli: Cli): void {
  const search = withFilters(audit.command('search').description('search the trail, newest first'))
    .option('--limit <number>', 'most records to show', countOf, 100)
    .action(async (options: AuditFilters & { limit: number }) => {
      const found: Fields[] = [];
      const names: Record<string, unknown> = {};
      const query = { ...queryOf(options), limit: Math.min(options.limit, 500) };
      for await (const page of cli.api().pages('/api/audit', query)) {
        found.push(...listOf(page, 'records'));
        Object.assign(names, objectOf(page, 'names'));
        if (found.length >= options.limit) break;
      }
      const records = found.slice(0, options.limit);
      if (records.length === 0 && !cli.json) cli.note('No record fits.');
      cli.answer({ records, names }, () => records.map((record) => recordLine(record, names)));
    });
  examples(search, cli.io.command, [
    ['audit search --kind refusal --from 2026-11-24', 'what was refused today'],
    ['audit search --kind change --who ada@example.com', 'what an owner changed'],
  ]);
}

function showCommand(audit: Command, cli: Cli): void {
  const show = audit
    .command('show <id>')
    .description('show a record and what belongs to it: intent, attempts, outcome')
    .option('--content', 'what was said instead, where the configuration keeps it; reading it is recorded')
    .action(async (id: string, { content = false }: { content?: boolean }) => {
      const path = `/api/audit/${encodeURIComponent(id)}`;
      const answer = await cli.api().get(content ? `${path}/content` : path);
      const names = objectOf(answer, 'names');
      cli.answer(answer, () =>
        content
          ? ['request', 'response'].flatMap((part) => contentLines(part, objectOf(answer, part)))
          : listOf(answer, 'records').flatMap((record) => recordDetails(record, names)),
      );
    });
  examples(show, cli.io.command, [
    ['audit show rec_…', 'the id that an error message ends with'],
    ['audit show rec_… --content', 'the prompt and the answer, where they are kept'],
  ]);
}

function contentLines(part: string, fields: Fields): string[] {
  const { state, text } = fields;
  if (state === 'kept')
    return [
      `${part}:`,
      ...String(text)
        .split('\n')
        .map((line) => `  ${printable(line, 100_000)}`),
    ];
  return [`${part}: ${state === 'erased' ? 'unreadable, the person was erased' : 'not kept'}`];
}

function eraseCommand(audit: Command, cli: Cli): void {
  const erase = audit
    .command('erase <person>')
    .description('forget a person: name, keys and stored content; the trail still verifies')
    .option('--yes', 'do not ask')
    .option('--reason <text>', 'why, for the audit trail; name nobody in it')
    .action((who: string, options: { yes?: boolean; reason?: string }) => erasePerson(cli, who, options));
  examples(erase, cli.io.command, [['audit erase ada@example.com', 'explains what becomes unreadable, asks, erases']]);
}
