import type { Command } from 'commander';

/** Filters that `audit tail`, `search` and `export` share. */
export interface AuditFilters {
  readonly kind?: string;
  readonly who?: string;
  readonly key?: string;
  readonly team?: string;
  readonly model?: string;
  readonly session?: string;
  readonly result?: string;
  readonly from?: string;
  readonly to?: string;
}

export function withFilters(command: Command): Command {
  return command
    .option('--kind <kinds>', 'only these kinds, separated by commas: intent, outcome, refusal, change, …')
    .option('--who <who>', 'only this person or service, by name or id')
    .option('--key <id>', 'only this key')
    .option('--team <name>', 'only this team, by name or id')
    .option('--model <model>', 'only this model')
    .option('--session <id>', 'only this session of a client')
    .option('--result <result>', 'only this result or error code')
    .option('--from <time>', 'from this day or instant on, ISO 8601')
    .option('--to <time>', 'up to this day or instant');
}

/** The filters alone, as the API takes them. */
export function queryOf(options: AuditFilters): Record<string, string | undefined> {
  const { kind, who, key, team, model, session, result, from, to } = options;
  return { kind, who, key, team, model, session, result, from, to };
}
