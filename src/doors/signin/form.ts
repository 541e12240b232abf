/** Fields of a form, or of a query, each of them once. */
export type Fields = ReadonlyMap<string, string>;

const MOST_FIELDS = 32;

/** A form that is read by other rules somewhere else must not be read here: it is refused. */
export class FormFault extends Error {}

/**
 * Reads `application/x-www-form-urlencoded`. Stricter than the URL standard, which reads anything: broken escapes, bytes that are no
 * UTF-8, too many fields and a name that comes twice are a FormFault. A proxy, a provider and we could take different ones of two.
 */
export function readForm(text: string): Fields {
  const fields = new Map<string, string>();
  if (text === '') return fields;
  const pairs = text.split('&', MOST_FIELDS + 1);
  if (pairs.length > MOST_FIELDS) throw new FormFault('it has too many fields');
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = decoded(at < 0 ? pair : pair.slice(0, at));
    if (fields.has(name)) throw new FormFault('a field comes twice');
    fields.set(name, at < 0 ? '' : decoded(pair.slice(at + 1)));
  }
  return fields;
}

function decoded(text: string): string {
  // Without this, bytes beyond ASCII would be read as they come, and browsers always escape them.
  if (!/^[\x21-\x7e]*$/.test(text)) throw new FormFault('a character is not escaped');
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new FormFault('an escape is broken');
  }
}
