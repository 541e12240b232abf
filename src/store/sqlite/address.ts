/**
 * Punctuation that the local part of an address holds in practice (RFC 5322 §3.2.3 allows more). Counts only after a letter or
 * digit: the quote of `'ada@example.com'` belongs to the document, that of `o'ada@example.com` to a longer address. Bounded
 * by the length of a local part (RFC 5321 §4.5.3.1.1), so that a document of nothing but dots is not read again for every dot.
 */
const CONTINUED = String.raw`[\p{L}\p{N}\p{M}_][._+%&'-]{0,64}`;
const CONTINUES = String.raw`[\p{L}\p{N}\p{M}_]|(?:\.|-{1,63})[\p{L}\p{N}_]`;
/** The syntax characters of ECMA-262 §22.2.1, and the slash. */
const SYNTAX = /[\^$\\.*+?()[\]{}|/]/g;

/**
 * `text` with every whole occurrence of `address` replaced by `id`: in any letter case, composed or decomposed (NFC, NFD), and
 * never as a part of a longer address such as `not-ada@example.com` or `ada@example.com.au`.
 */
export function replaceAddress(text: string, address: string, id: string): string {
  const forms = new Set([address.normalize('NFC'), address.normalize('NFD')]);
  const wanted = [...forms].map((form) => form.replace(SYNTAX, String.raw`\$&`)).join('|');
  return text.replace(new RegExp(`(?<!${CONTINUED})(?:${wanted})(?!${CONTINUES})`, 'giu'), () => id);
}
