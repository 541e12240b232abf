import { csvField } from '../kernel/text.ts';

/** Lines of CSV (RFC 4180) with CRLF; leading formula characters are disarmed. */
export function csvLines(rows: readonly (readonly (string | number | null)[])[]): string[] {
  return rows.map((row) => `${row.map(csvField).join(',')}\r\n`);
}
