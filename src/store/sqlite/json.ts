/** Lists that a column holds as JSON text: PostgreSQL will, and SQLite has no other way. */

/** The text to store. */
export function listText(list: readonly string[]): string {
  return JSON.stringify(list);
}

/** The list that stands in `column`, which names the table too. Throws for anything else: half a list of groups could lose a rule. */
export function listOf(text: string, column: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new Error(
    `The store is damaged: ${column} holds no list of texts. Put back the newest backup: ` +
      'gatehouse restore <backup> --only store --force',
  );
}
