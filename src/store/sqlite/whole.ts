import { sql } from 'kysely';
import type { Db } from './scope.ts';

/**
 * Every row of a table, for the directory. The plugin that turns the names of columns would cost more than all the rest, at ten
 * thousand rows and with every change: here the names are turned once, in the query.
 */
export async function wholeTable<Row>(db: Db, { table, columns, where, order }: WholeTable): Promise<Row[]> {
  const selected = columns.map((name) => sql`${sql.id(snake(name))} as ${sql.id(name)}`);
  const condition = where === undefined ? sql`` : sql`where ${sql.id(snake(where))} is null`;
  const query = sql<Row>`
    select ${sql.join(selected)} from ${sql.id(table)} ${condition} order by ${sql.join(order.map((name) => sql.id(name)))}`;
  return (await query.execute(db.withoutPlugins())).rows;
}

/** The columns of a row, none left out: the compiler sees to it. */
export function columnsOf<Row>(named: Record<keyof Row & string, true>): readonly string[] {
  return Object.keys(named);
}

interface WholeTable {
  /** As the migrations name it. */
  readonly table: string;
  /** As the rows of `ports.ts` name them. */
  readonly columns: readonly string[];
  /** Only rows in which this column is null. */
  readonly where?: string;
  readonly order: readonly string[];
}

/** The same as CamelCasePlugin makes of it. */
function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
