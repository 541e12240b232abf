/** Control and direction-changing characters that could rewrite a terminal or a log line. Newlines and tabs included. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: matching control characters is the purpose
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff]/g;

/** Makes text from outside safe to print: every unsafe character becomes `\u{…}`. Cut to `max` characters. */
export function printable(text: string, max = 500): string {
  const safe = text.slice(0, max).replace(UNSAFE, (c) => `\\u{${c.charCodeAt(0).toString(16)}}`);
  return text.length > max ? `${safe}…` : safe;
}

/** A CSV field: quoted where needed, and a leading formula character is disarmed with an apostrophe (CWE-1236). */
export function csvField(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const disarmed = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(disarmed) ? `"${disarmed.replaceAll('"', '""')}"` : disarmed;
}

/** The form in which names that people type are compared: trimmed, lower case, NFC. */
export function fold(name: string): string {
  return name.trim().toLowerCase().normalize('NFC');
}
