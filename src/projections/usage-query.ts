import { checkDay } from '../kernel/days.ts';
import { exact } from './exact.ts';
import type { UsageDimension, UsageQuery, UsageRow } from './ports.ts';
import { SUBJECTS } from './spent.ts';
import { SUMS } from './tally.ts';
import type { Views } from './views.ts';

const all = (column: string) => ({ column, where: 'TRUE' });

/** What each dimension groups by, and the rows it looks at. */
const DIMENSIONS: Record<UsageDimension, { readonly column: string; readonly where: string }> = {
  person: SUBJECTS.person,
  service: SUBJECTS.service,
  team: all('team'),
  key: all('key'),
  model: all('model'),
  day: all('day'),
  cost_center: all('cost_center'),
};

/**
 * One row for each value of the dimension with anything to count, by value, those without a value last. Throws RangeError for
 * a query that means nothing, and Error for sums too large to be exact.
 */
export function usageRows(views: Views, query: UsageQuery): UsageRow[] {
  const dimension = DIMENSIONS[query.by];
  if (dimension === undefined) throw new RangeError(`usage cannot be grouped by ${String(query.by)}`);
  checkDay(query.from);
  checkDay(query.to);
  const { column, where } = dimension;
  const statement = views.database.prepare(
    `SELECT ${column} AS value, ${SUMS.map((name) => `SUM(${name}) AS ${name}`).join(', ')} FROM usage_daily
     WHERE day BETWEEN :from AND :to AND (:team IS NULL OR team = :team) AND (:person IS NULL OR who = :person) AND ${where}
     GROUP BY ${column} ORDER BY ${column} = '', ${column}`,
  );
  statement.setReadBigInts(true);
  const { from, to, team = null, person = null } = query;
  return statement.all({ from, to, team, person }).map((row) => {
    const sums = Object.fromEntries(SUMS.map((name) => [name, exact(row[name] as bigint)]));
    return { value: row.value || null, ...sums } as unknown as UsageRow;
  });
}
