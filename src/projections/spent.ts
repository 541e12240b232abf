/** What budgets start from: sums of what was charged, and the record up to which they are complete. */

import { checkDay } from '../kernel/days.ts';
import type { Scope } from '../policy/model.ts';
import { exact } from './exact.ts';
import type { Spent, SpentLine, SpentRow } from './ports.ts';
import type { Views } from './views.ts';

/** Whose spending is counted, by the prefix of ids: calls without such a subject, for example in no team, count for none. */
export const SUBJECTS: Record<Scope, { readonly column: string; readonly where: string }> = {
  organization: { column: "'org'", where: 'TRUE' },
  team: { column: 'team', where: "team <> ''" },
  person: { column: 'who', where: "who GLOB 'per_*'" },
  service: { column: 'who', where: "who GLOB 'svc_*'" },
  key: { column: 'key', where: "key <> ''" },
  model: { column: 'asked', where: "asked <> ''" },
};

/**
 * The sums of every line with the position of the views, in one transaction. Throws RangeError for a scope or day that is
 * none and for two lines of one id, and Error for sums too large to be exact.
 */
export function spentOn(views: Views, lines: readonly SpentLine[]): Spent {
  if (new Set(lines.map(({ id }) => id)).size < lines.length) throw new RangeError('each line needs an id of its own');
  return views.transaction(() => ({
    seq: views.cursor.seq,
    askedModels: askedModels(views),
    rows: lines.flatMap((line) => rowsOf(views, line)),
  }));
}

/** Models that were asked for and cost something. A caller can invent names without end; only those a provider served stay. */
export function askedModels(views: Views): string[] {
  const statement = views.database.prepare(
    "SELECT DISTINCT asked FROM usage_daily WHERE costMicros > 0 AND asked <> '' ORDER BY asked",
  );
  return statement.all().map(({ asked }) => String(asked));
}

function rowsOf(views: Views, { id, scope, models, fromDay, toDay }: SpentLine): SpentRow[] {
  const subject = SUBJECTS[scope];
  if (subject === undefined) throw new RangeError(`spending is not counted by ${String(scope)}`);
  if (fromDay !== null) checkDay(fromDay);
  checkDay(toDay);
  const statement = views.database.prepare(
    `SELECT ${subject.column} AS subject, SUM(costMicros) AS micros FROM usage_daily
     WHERE day BETWEEN :from AND :to AND costMicros > 0 AND ${subject.where}
       AND (:models IS NULL OR asked IN (SELECT value FROM json_each(:models)))
     GROUP BY subject ORDER BY subject`,
  );
  statement.setReadBigInts(true);
  // Empty text sorts before every day.
  const bounds = { from: fromDay ?? '', to: toDay, models: models === null ? null : JSON.stringify(models) };
  return statement
    .all(bounds)
    .map((row) => ({ line: id, subject: String(row.subject), micros: exact(row.micros as bigint) }));
}
