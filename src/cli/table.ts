export interface Column {
  readonly title: string;
  /** Numbers stand right. */
  readonly right?: boolean;
  /** Shrinks first when the terminal is too narrow; without it the column keeps its width. */
  readonly shrinks?: boolean;
}

const GAP = '  ';
const NARROWEST = 8;

/**
 * Aligned lines under their titles. `width` is the terminal's, or null to cut nothing (a pipe keeps every character). Cells
 * must be safe to print.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | null,
): string[] {
  const widths = columns.map((column, index) =>
    Math.max(lengthOf(column.title), ...rows.map((row) => lengthOf(row[index] ?? ''))),
  );
  if (width !== null) shrink(columns, widths, width);
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, index) => fit(cells[index] ?? '', widths[index] ?? 0, column.right === true))
      .join(GAP)
      .trimEnd();
  return [line(columns.map((column) => column.title.toUpperCase())), ...rows.map(line)];
}

function shrink(columns: readonly Column[], widths: number[], width: number): void {
  const total = (): number => widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1);
  while (total() > width) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      const mine = widths[index] ?? 0;
      if (column.shrinks && mine > NARROWEST && mine > (widths[widest] ?? 0)) widest = index;
    }
    if (widest === -1) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

function fit(text: string, width: number, right: boolean): string {
  const characters = [...text];
  const cut = characters.length > width ? `${characters.slice(0, width - 1).join('')}…` : text;
  const space = ' '.repeat(Math.max(0, width - lengthOf(cut)));
  return right ? space + cut : cut + space;
}

function lengthOf(text: string): number {
  return [...text].length;
}
