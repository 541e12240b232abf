import { z } from 'zod';
import { nearest } from './config/distance.ts';
import { type ConfigPath, type ConfigProblem, type Document, parseConfig, showPath } from './config/document.ts';
import { alternatives, sentence } from './config/sentences.ts';
import { printable } from './text.ts';

export type { ConfigProblem } from './config/document.ts';

export interface ConfigSource<T> {
  /** YAML 1.2 or JSON. */
  readonly text: string;
  /** Name of the file, for messages only. */
  readonly file: string;
  /** Every mapping in it must be strict: a key that is not known is a mistake, never ignored. */
  readonly schema: z.ZodType<T>;
}

export type ConfigResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Where a key or list entry of a document stands, lines and columns from 1; null when it does not hold it. */
export type PlaceOf = (path: ConfigPath) => { readonly line: number; readonly column: number } | null;

export type PlacedResult<T> =
  | { readonly ok: true; readonly value: T; readonly place: PlaceOf }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

const MAX_PROBLEMS = 50;

/**
 * Loads a configuration: syntax first, then the schema, each fault with its place, a sentence and, where a known word is near, a
 * suggestion. Faults stand in the order of the file. No value of the file is ever quoted in a message.
 * @throws TypeError when the schema would ignore unknown keys
 */
export function loadConfig<T>(source: ConfigSource<T>): ConfigResult<T> {
  const loaded = loadPlaced(source);
  return loaded.ok ? { ok: true, value: loaded.value } : loaded;
}

/** The same, with the places of what was loaded, for faults that only show later. Throws as `loadConfig` does. */
export function loadPlaced<T>({ text, file, schema }: ConfigSource<T>): PlacedResult<T> {
  assertStrict(schema);
  const parsed = parseConfig(text, file);
  if (!parsed.ok) return parsed;
  const keys = new KeysOfLevels();
  const result = schema.safeParse(parsed.document.value, { error: (issue) => keys.note(issue), reportInput: true });
  if (result.success) {
    const { document } = parsed;
    return { ok: true, value: result.data, place: (path) => (document.has(path) ? document.place(path, 'key') : null) };
  }
  const found = result.error.issues.flatMap((issue) => faults(issue, [], keys));
  const problems = found.map((fault) => locate(fault, parsed.document, file));
  problems.sort((a, b) => a.line - b.line || a.column - b.column);
  return { ok: false, problems: problems.slice(0, MAX_PROBLEMS) };
}

/** `gatehouse.yaml:12:5: upstream.kay: unknown key. Did you mean "key"?` */
export function formatProblem(problem: ConfigProblem): string {
  const { file, line, column, path, message, suggestion } = problem;
  const hint = suggestion === null ? '' : ` Did you mean "${suggestion}"?`;
  return `${printable(file)}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}.${hint}`;
}

interface Fault {
  readonly path: ConfigPath;
  readonly part: 'key' | 'value';
  readonly message: string;
  readonly suggestion: string | null;
}

/** Remembers, while Zod reports unknown keys, which keys the schema knows there: the finished issue does not say. */
class KeysOfLevels {
  readonly #known = new WeakMap<object, readonly string[]>();

  note(issue: z.core.$ZodRawIssue): string {
    if (issue.code === 'unrecognized_keys' && issue.inst instanceof z.ZodObject) {
      this.#known.set(issue.keys, Object.keys(issue.inst.shape));
    }
    return sentence(issue);
  }

  of(keys: readonly string[]): readonly string[] {
    return this.#known.get(keys) ?? [];
  }
}

function faults(issue: z.core.$ZodIssue, above: ConfigPath, keys: KeysOfLevels): Fault[] {
  const path = [...above, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  const message = issue.message.replace(/\.$/, '');
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        return { path: [...path, key], part: 'key', message, suggestion: nearest(key, keys.of(issue.keys)) };
      });
    case 'invalid_value':
      return [{ path, part: 'value', message, suggestion: nearestValue(issue.input, issue.values) }];
    case 'invalid_key':
      return [{ path, part: 'key', message: issue.issues[0]?.message ?? message, suggestion: null }];
    case 'invalid_union':
      return unionFaults(issue, path, keys);
    default:
      return [{ path, part: 'value', message, suggestion: null }];
  }
}

/** Of a union's alternatives, the one that came nearest is explained: the one whose first fault lies deepest. */
function unionFaults(issue: z.core.$ZodIssueInvalidUnion, path: ConfigPath, keys: KeysOfLevels): Fault[] {
  const { options } = issue as { options?: readonly unknown[] };
  if (options !== undefined) {
    const given = (issue.input as Record<string, unknown> | null)?.[String(path.at(-1))];
    const message = given === undefined ? 'is required' : `must be ${alternatives(options)}`;
    return [{ path, part: 'value', message, suggestion: nearestValue(given, options) }];
  }
  // A form of another type altogether explains nothing where the type of one is right.
  const typed = issue.errors.filter(([first]) => first?.code !== 'invalid_type' || first.path.length > 0);
  const branches = (typed.length > 0 ? typed : issue.errors).map((errors) =>
    errors.flatMap((inner) => faults(inner, path, keys)),
  );
  const depth = (branch: readonly Fault[]) => Math.min(...branch.map((fault) => fault.path.length));
  const best = branches.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length)[0];
  if (best === undefined || best.length === 0) {
    return [{ path, part: 'value', message: 'fits none of the forms that are allowed here', suggestion: null }];
  }
  const same = branches.filter((branch) => branch.length === 1 && depth(branch) === path.length);
  if (same.length < branches.length || depth(best) > path.length) return best;
  const message = [...new Set(same.map((branch) => branch[0]?.message))].join(', or ');
  return [{ path, part: 'value', message, suggestion: best[0]?.suggestion ?? null }];
}

function nearestValue(input: unknown, values: readonly unknown[]): string | null {
  const words = values.filter((value) => typeof value === 'string');
  return typeof input === 'string' ? nearest(input, words) : null;
}

function locate({ path, part, message, suggestion }: Fault, document: Document, file: string): ConfigProblem {
  return { file, ...document.place(path, part), path: showPath(path), message: printable(message), suggestion };
}

const strict = new WeakSet<z.ZodType>();

/** A schema that strips unknown keys would let a misspelt restriction pass unseen. */
function assertStrict(schema: z.ZodType): void {
  if (strict.has(schema)) return;
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('properties' in node && 'type' in node && !('additionalProperties' in node)) {
      throw new TypeError(`schema ${path || '(root)'} ignores unknown keys: use z.strictObject`);
    }
    for (const [name, child] of Object.entries(node)) if (name !== 'default') walk(child, `${path}/${name}`);
  };
  walk(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), '');
  strict.add(schema);
}
