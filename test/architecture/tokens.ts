/** A token of TypeScript source: enough of a lexer to find imports and calls without being fooled by comments and strings. */
export interface Token {
  readonly kind: 'word' | 'string' | 'template' | 'number' | 'regex' | 'mark';
  /** The source text; for strings and templates without substitutions the text between the quotes. */
  readonly text: string;
  readonly line: number;
  /** A template that holds `${…}`; the code inside follows as tokens of its own. */
  readonly substituted?: boolean;
}

const WORD = /[\p{ID_Start}$_#@][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /(?:0[xob][\da-f_]+|\d[\d_]*(?:\.[\d_]*)?(?:e[+-]?\d+)?|\.\d[\d_]*(?:e[+-]?\d+)?)n?/iy;
/** After one of these words a slash starts a regular expression, not a division. */
const BEFORE_REGEX = new Set(
  'return typeof instanceof in of new delete void throw case do else yield await extends default'.split(' '),
);

class Lexer {
  readonly tokens: Token[] = [];
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads until the end, or inside a template until the closing brace of the substitution. */
  run(insideTemplate: boolean): void {
    let depth = 0;
    while (this.#at < this.#text.length) {
      const c = this.#text[this.#at] ?? '';
      if (insideTemplate && depth === 0 && c === '}') return;
      if (c === '{') depth += 1;
      if (c === '}') depth -= 1;
      this.#token(c);
    }
    if (insideTemplate) throw new Error(`line ${this.#line}: a template is not closed`);
  }

  #token(c: string): void {
    const two = this.#text.slice(this.#at, this.#at + 2);
    if (/\s/.test(c)) this.#skip(1);
    else if (two === '//' || (this.#at === 0 && two === '#!')) this.#skipTo('\n', false);
    else if (two === '/*') this.#skipTo('*/', true);
    else if (c === "'" || c === '"') this.#string(c);
    else if (c === '`') this.#template();
    else if (c === '/' && this.#regexMayStart()) this.#regex();
    else if (!this.#match('number', NUMBER) && !this.#match('word', WORD)) this.#push('mark', c, 1);
  }

  #match(kind: 'number' | 'word', pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#push(kind, match[0], match[0].length);
    return match !== null;
  }

  #push(kind: Token['kind'], text: string, length: number): void {
    this.tokens.push({ kind, text, line: this.#line });
    this.#skip(length);
  }

  #skip(length: number): void {
    for (let i = 0; i < length; i++) if (this.#text[this.#at + i] === '\n') this.#line += 1;
    this.#at += length;
  }

  #skipTo(end: string, required: boolean): void {
    const found = this.#text.indexOf(end, this.#at + 2);
    if (found < 0 && required) throw new Error(`line ${this.#line}: a comment is not closed`);
    this.#skip((found < 0 ? this.#text.length : found + end.length) - this.#at);
  }

  #string(quote: string): void {
    let end = this.#at + 1;
    while (this.#text[end] !== quote) {
      if (end >= this.#text.length || this.#text[end] === '\n')
        throw new Error(`line ${this.#line}: a string is not closed`);
      end += this.#text[end] === '\\' ? 2 : 1;
    }
    this.#push('string', this.#text.slice(this.#at + 1, end), end + 1 - this.#at);
  }

  #template(): void {
    const place = this.tokens.push({ kind: 'template', text: '', line: this.#line }) - 1;
    const line = this.#line;
    let text = '';
    let substituted = false;
    this.#skip(1);
    while (this.#text[this.#at] !== '`') {
      if (this.#at >= this.#text.length) throw new Error(`line ${line}: a template is not closed`);
      if (this.#text.startsWith('${', this.#at)) {
        substituted = true;
        this.#skip(2);
        this.run(true);
        this.#skip(1);
        text += '…';
        continue;
      }
      const length = this.#text[this.#at] === '\\' ? 2 : 1;
      text += this.#text.slice(this.#at, this.#at + length);
      this.#skip(length);
    }
    this.#skip(1);
    this.tokens[place] = { kind: 'template', text, line, substituted };
  }

  /** A slash after a value divides; after anything else it opens a regular expression. */
  #regexMayStart(): boolean {
    const last = this.tokens.at(-1);
    if (last === undefined) return true;
    if (last.kind === 'word') return BEFORE_REGEX.has(last.text);
    // `if (x) /re/` is read as a division: nobody writes it, and the formatter would put it into a block.
    return last.kind === 'mark' && last.text !== ')' && last.text !== ']' && last.text !== '}';
  }

  #regex(): void {
    let end = this.#at + 1;
    let inClass = false;
    for (; inClass || this.#text[end] !== '/'; end++) {
      const c = this.#text[end];
      if (c === undefined || c === '\n') throw new Error(`line ${this.#line}: a regular expression is not closed`);
      if (c === '\\') end += 1;
      else if (c === '[') inClass = true;
      else if (c === ']') inClass = false;
    }
    this.#push('regex', this.#text.slice(this.#at, end + 1), end + 1 - this.#at);
  }
}

/** Splits a source text into tokens. @throws Error naming the line when the text cannot be read */
export function tokenize(text: string): Token[] {
  const lexer = new Lexer(text);
  lexer.run(false);
  return lexer.tokens;
}
