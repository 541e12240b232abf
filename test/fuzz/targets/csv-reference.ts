/** Records and fields of a CSV file, strictly by the grammar of RFC 4180 §2; throws for what it does not know. */
export function recordsOf(text: string): string[][] {
  const records: string[][] = [];
  let fields: string[] = [];
  for (let at = 0; at < text.length; ) {
    const quoted = text[at] === '"';
    const rest = text.slice(at);
    const match = (quoted ? /^"((?:[^"]|"")*)"/ : /^([^",\r\n]*)/).exec(rest);
    if (match === null) throw new Error('a field is not closed');
    fields.push(quoted ? (match[1] ?? '').replaceAll('""', '"') : (match[1] ?? ''));
    at += match[0].length;
    if (text[at] === ',') {
      at++;
      // A comma at the very end of a record stands before one more, empty field.
      if (text.startsWith('\r\n', at)) fields.push('');
      else continue;
    }
    if (!text.startsWith('\r\n', at)) throw new Error('a field is followed by something else than a comma or line end');
    at += 2;
    records.push(fields);
    fields = [];
  }
  return records;
}
