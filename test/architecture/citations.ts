import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { ROOT } from './rules.ts';
import { type Token, tokenize } from './tokens.ts';

/** The title of one test, with the promises it cites. */
export interface Title {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  readonly cites: readonly string[];
}

const CALLS = new Set(['test', 'it', 'describe', 'suite']);

/** The titles in a test file: the first argument of `test`, `it`, `describe`, `suite`, `t.test`, `test.only` and the like. */
export function titlesOf(file: string, source: string): Title[] {
  const tokens = tokenize(source);
  return tokens.flatMap((token, i) => {
    if (token.kind !== 'word' || !CALLS.has(token.text)) return [];
    const modified = tokens[i + 1]?.text === '.' && /^(?:only|skip|todo)$/.test(tokens[i + 2]?.text ?? '');
    const title = argument(tokens, modified ? i + 3 : i + 1);
    if (title === null) return [];
    return [{ file, line: title.line, text: title.text, cites: title.text.match(/\bP\d+\b/g) ?? [] }];
  });
}

function argument(tokens: readonly Token[], open: number): Token | null {
  const first = tokens[open + 1];
  if (tokens[open]?.text !== '(' || first === undefined) return null;
  return first.kind === 'string' || first.kind === 'template' ? first : null;
}

/** The titles of every test in the repository. */
export function allTitles(): Title[] {
  return readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `test/${name.split(sep).join('/')}`)
    .flatMap((file) => titlesOf(file, readFileSync(join(ROOT, file), 'utf8')));
}
