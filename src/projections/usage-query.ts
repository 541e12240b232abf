import type { UsageDimension, UsageQuery, UsageRow } from './ports.ts';
import { SUMS } from './tally.ts';
import type { Views } from './views.ts';

/** What each dimension groups by, and the rows it looks at: ids say by their prefix what they name. */
const DIMENSIONS: Record<UsageDimension, { readonly column: string; readonly where: string }> = {
  team: { column: 'team', where: '' },
  person: { column: 'who', where: "AND who GLOB 'per_*'" },
  service: { column: 'who', where: "AND who GLOB 'svc_*'" },
  key: { column: 'key', where: '' },
  model: { column: 'model', where: '' },
  day: { column: 'day', where: '' },
};

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** One row for each value of the dimension with anything to count, by value, those without a value last. */
export function usageRows(views: Views, query: UsageQuery): UsageRow[] {
  const dimension = DIMENSIONS[query.by];
  if (dimension === undefined) throw new RangeError(`usage cannot be grouped by ${String(query.by)}`);
  if (!DAY.test(query.from) || !DAY.test(query.to)) throw new RangeError('days are written YYYY-MM-DD');
  const { column, where } = dimension;
  const statement = views.database.prepare(
    `SELECT ${column} AS value, ${SUMS.map((name) => `SUM(${name}) AS ${name}`).join(', ')} FROM usage_daily
     WHERE day BETWEEN ? AND ? ${where} GROUP BY ${column} ORDER BY ${column} = '', ${column}`,
  );
  return statement
    .all(query.from, query.to)
    .map((row) => ({ ...row, value: row.value || null }) as unknown as UsageRow);
}
