/** One `[[sim:NAME args]]` in a prompt: an order to the simulation. */
export interface Directive {
  readonly name: string;
  /** Everything after the name, trimmed. */
  readonly args: string;
  /** The directive as written; what `times=` counts by. */
  readonly raw: string;
}

const OPEN = '[[sim:';
/** Longest directive looked at, in characters. */
const LONGEST = 64 * 1024;

/**
 * The directives of a text, in order. JSON objects among the arguments may hold any bracket, and a directive may hold
 * another (a sub-agent's prompt); only the outer one counts. Reading stops at one that is not closed, so that a text of
 * nothing but openings cannot make this quadratic.
 */
export function directivesIn(text: string): Directive[] {
  const found: Directive[] = [];
  let from = text.indexOf(OPEN);
  while (from !== -1) {
    const end = endOf(text, from + OPEN.length);
    if (end === -1) break;
    const inner = /^([a-z][a-z-]*)(?:\s+([\s\S]*))?$/.exec(text.slice(from + OPEN.length, end));
    const name = inner?.[1];
    if (name !== undefined) {
      found.push({ name, args: inner?.[2]?.trim() ?? '', raw: text.slice(from, end + 2) });
    }
    from = text.indexOf(OPEN, end + 2);
  }
  return found;
}

/** Where the closing brackets stand, -1 when there are none. Quotes matter only inside braces: prose may hold a lone one. */
function endOf(text: string, start: number): number {
  let square = 0;
  let curly = 0;
  let quoted = false;
  const last = Math.min(text.length, start + LONGEST);
  for (let i = start; i < last; i++) {
    const c = text.charAt(i);
    if (quoted) {
      if (c === '\\') i++;
      else if (c === '"') quoted = false;
    } else if (c === '{') curly++;
    else if (curly > 0) {
      if (c === '"') quoted = true;
      else if (c === '}') curly--;
    } else if (c === '[') square++;
    else if (c === ']') {
      if (square === 0) return text.charAt(i + 1) === ']' ? i : -1;
      square--;
    }
  }
  return -1;
}

/** The arguments as words: `529 retry-after=1` is one positional word and one option. */
export interface Words {
  readonly positional: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

/** Splits arguments at white space into positional words and `key=value` options. */
export function wordsOf(args: string): Words {
  const positional: string[] = [];
  const options = new Map<string, string>();
  for (const word of args.split(/\s+/).filter((part) => part !== '')) {
    const equals = word.indexOf('=');
    if (equals > 0) options.set(word.slice(0, equals), word.slice(equals + 1));
    else positional.push(word);
  }
  return { positional, options };
}
