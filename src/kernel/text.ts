/**
 * Control, formatting and direction-changing characters, which could rewrite a terminal or a log line or hide in a name, and halves of
 * surrogate pairs. Newlines and tabs included.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const HALF_AT_END = /[\ud800-\udbff]$/;

/** Makes text from outside safe to print: every unsafe character becomes `\u{…}`. Cut to `max` characters. */
export function printable(text: string, max = 500): string {
  const cut = text.length > max ? text.slice(0, max).replace(HALF_AT_END, '') : text;
  const safe = cut.replace(UNSAFE, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
  return text.length > max ? `${safe}…` : safe;
}

/** What spreadsheets read as the beginning of a formula, in full width too, also behind a line feed. */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/** A CSV field: quoted where needed, and a leading formula character is disarmed with an apostrophe (CWE-1236). */
export function csvField(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const disarmed = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(disarmed) ? `"${disarmed.replaceAll('"', '""')}"` : disarmed;
}

/** The form in which names that people type are compared: trimmed, lower case, NFC. */
export function fold(name: string): string {
  return name.trim().toLowerCase().normalize('NFC');
}
