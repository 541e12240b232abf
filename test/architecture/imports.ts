import { type Token, tokenize } from './tokens.ts';

/** One place where a file takes something from another module. */
export interface Import {
  readonly from: string;
  readonly line: number;
  /** `import type` or `export type`: gone before the program runs. */
  readonly typeOnly: boolean;
  readonly form: 'import' | 'export' | 'side effect' | 'dynamic' | 'require' | 'file';
  /** Names brought in, as written; empty where the form has none. */
  readonly names: readonly string[];
}

/** Reads every import of a source text, in all forms. @throws Error for one whose module is not a plain string */
export function importsOf(text: string): Import[] {
  const tokens = tokenize(text);
  const found: Import[] = [];
  for (const [i, token] of tokens.entries()) {
    if (token.kind !== 'word' || isMember(tokens, i)) continue;
    const read = READERS.get(token.text)?.(tokens, i) ?? null;
    if (read !== null) found.push(read);
  }
  return found;
}

/** A rough count from the raw text that shares nothing with the reader: it may be too high only inside strings and comments. */
export function crudeCount(text: string): number {
  const statements = /^[ \t]*(?:import|export)\b(?!\s*\()(?:\s*|[^;'"`]*?\bfrom\s*)['"][^'"\n]+['"]/gm;
  const calls = /^(?![ \t]*(?:\/\/|\*|\/\*)).*?\b(?:import|require)\(\s*['"][^'"\n]+['"]/gm;
  return (text.match(statements) ?? []).length + (text.match(calls) ?? []).length;
}

type Reader = (tokens: readonly Token[], i: number) => Import | null;

/** A map: looked up by any word of a source, and `constructor` is one. */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['import', readImport],
  ['export', readExport],
  ['require', readRequire],
  ['URL', readFileUrl],
]);

/** `x.import`, `x?.require`, and names of properties such as `{ import: 1 }`. */
function isMember(tokens: readonly Token[], i: number): boolean {
  const before = tokens[i - 1]?.text;
  const after = tokens[i + 1];
  if (before === '.' && tokens[i - 2]?.text !== '.') return tokens[i - 2]?.text !== 'module';
  return after?.kind === 'mark' && after.text === ':';
}

function readImport(tokens: readonly Token[], i: number): Import | null {
  const next = tokens[i + 1];
  const line = tokens[i]?.line ?? 0;
  if (next?.text === '.' && next.kind === 'mark') return readMeta(tokens, i);
  if (next?.text === '(' && next.kind === 'mark') {
    return { from: plainText(tokens, i + 2), line, typeOnly: false, form: 'dynamic', names: [] };
  }
  if (next?.kind === 'string') return { from: next.text, line, typeOnly: false, form: 'side effect', names: [] };
  return readClause(tokens, i, 'import');
}

/** `import.meta.resolve('…')` names a module; `import.meta` alone does not. */
function readMeta(tokens: readonly Token[], i: number): Import | null {
  const resolves = tokens[i + 4]?.text === 'resolve' && tokens[i + 5]?.text === '(';
  if (!resolves) return null;
  return { from: plainText(tokens, i + 6), line: tokens[i]?.line ?? 0, typeOnly: false, form: 'dynamic', names: [] };
}

function readExport(tokens: readonly Token[], i: number): Import | null {
  const first = tokens[i + 1]?.text === 'type' ? tokens[i + 2] : tokens[i + 1];
  return first?.text === '{' || first?.text === '*' ? readClause(tokens, i, 'export') : null;
}

/** Everything up to `from '…'`. `{ type A }` counts as a value: under verbatimModuleSyntax the module is still loaded. */
function readClause(tokens: readonly Token[], i: number, form: 'import' | 'export'): Import | null {
  const line = tokens[i]?.line ?? 0;
  const after = tokens[i + 2];
  const typeOnly = tokens[i + 1]?.text === 'type' && after?.text !== 'from' && after?.text !== ',';
  const names: string[] = [];
  for (let at = i + 1; at < tokens.length; at++) {
    const token = tokens[at];
    const next = tokens[at + 1];
    if (token?.text === 'from' && next?.kind === 'string') return { from: next.text, line, typeOnly, form, names };
    const partOfClause = token?.kind === 'word' || token?.kind === 'string' || '{},*'.includes(token?.text ?? '?');
    // `export { a, b };` ends without a module; anything else that is no clause cannot be an import we know.
    if (!partOfClause) break;
    if (token?.kind === 'word' && token.text !== 'type' && token.text !== 'as') names.push(token.text);
    if (form === 'export' && token?.text === '}' && next?.text !== 'from') return null;
  }
  if (form === 'export') return null;
  throw new Error(`line ${line}: this import cannot be read`);
}

function readRequire(tokens: readonly Token[], i: number): Import | null {
  const resolve = tokens[i + 1]?.text === '.' && tokens[i + 2]?.text === 'resolve';
  const open = resolve ? i + 3 : i + 1;
  if (tokens[open]?.text !== '(') return null;
  return { from: plainText(tokens, open + 1), line: tokens[i]?.line ?? 0, typeOnly: false, form: 'require', names: [] };
}

/** `new URL('./worker.ts', import.meta.url)` loads a file just as an import does. */
function readFileUrl(tokens: readonly Token[], i: number): Import | null {
  const path = tokens[i + 2];
  const isFile = tokens[i - 1]?.text === 'new' && tokens[i + 1]?.text === '(' && path?.kind === 'string';
  if (!isFile || !/^\.{1,2}\/.*\.[cm]?[jt]s$/.test(path.text)) return null;
  return { from: path.text, line: tokens[i]?.line ?? 0, typeOnly: false, form: 'file', names: [] };
}

function plainText(tokens: readonly Token[], i: number): string {
  const token = tokens[i];
  const end = tokens[i + 1]?.text;
  const plain = token?.kind === 'string' || (token?.kind === 'template' && token.substituted !== true);
  if (token !== undefined && plain && (end === ')' || end === ',')) return token.text;
  throw new Error(`line ${token?.line ?? 0}: a module that is computed cannot be checked; name it in a plain string`);
}
