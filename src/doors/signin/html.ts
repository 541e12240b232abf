import { printable } from '../../kernel/text.ts';

/** Markup that is safe to send: made by `html` alone. */
export class Html {
  readonly #text: string;

  constructor(parts: readonly string[]) {
    this.#text = parts.join('');
  }

  toString(): string {
    return this.#text;
  }
}

/** What may stand in a template. Null and false leave nothing behind. */
export type Piece = string | number | Html | null | false | readonly Html[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  // Old browsers take a backtick for the quote of an attribute.
  '`': '&#96;',
};

/**
 * A page, or a part of one. Whatever is put in is text: it is escaped for the inside of elements and of quoted attributes, and
 * characters that hide or turn text around are shown by their number. Never put anything into a script, a style, the name of an
 * attribute, or an attribute without quotes.
 */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return new Html(strings.flatMap((text, i) => (i < pieces.length ? [text, shown(pieces[i] ?? null)] : [text])));
}

function shown(piece: Piece): string {
  if (piece === null || piece === false) return '';
  if (piece instanceof Html) return piece.toString();
  if (typeof piece === 'object') return piece.map(shown).join('');
  return printable(String(piece), Number.POSITIVE_INFINITY).replace(/[&<>"'`]/g, (c) => ENTITIES[c] ?? '');
}
