import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLError,
} from 'yaml';
import { printable } from '../text.ts';

/** Keys and indices from the root of the document. */
export type ConfigPath = readonly (string | number)[];

/** One thing that is wrong with a configuration file. Never carries a value from the file: it could be a secret. */
export interface ConfigProblem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** `upstream.key`, `rules[2].name`; empty for the file as a whole. */
  readonly path: string;
  /** A sentence without its full stop. */
  readonly message: string;
  readonly suggestion: string | null;
}

export interface Document {
  /** The plain value; an empty file is an empty mapping. */
  readonly value: unknown;
  /** Where a key or value stands; what is missing is placed at the nearest mapping or list around it. */
  place(path: ConfigPath, part: 'key' | 'value'): { readonly line: number; readonly column: number };
  /** True when something is written at this very path. */
  has(path: ConfigPath): boolean;
}

export type Parsed =
  | { readonly ok: true; readonly document: Document }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 64;
const MAX_PROBLEMS = 50;

/** The parser's codes in words of ours. Its own messages quote the file and speak to programmers. */
const SYNTAX: Partial<Record<YAMLError['code'], string>> = {
  BAD_INDENT: 'the indentation does not fit what stands above, or a bracket is not closed',
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " on one line; put text that contains one in quotes',
  BAD_COLLECTION_TYPE: 'a mapping and a list cannot be mixed here',
  BAD_DQ_ESCAPE: 'this text in double quotes contains a backslash that means nothing; write \\\\ for a backslash',
  BAD_PROP_ORDER: 'a tag or anchor stands in the wrong place',
  BAD_SCALAR_START: 'text cannot start with this character; put it in quotes',
  DUPLICATE_KEY: 'this key is given twice',
  KEY_OVER_1024_CHARS: 'this key is too long',
  MISSING_CHAR: 'something is missing here: a closing quote or bracket, or a space or comma',
  MULTIPLE_DOCS: 'a second document starts here; the file must hold one',
  MULTIPLE_TAGS: 'one value carries two tags',
  RESOURCE_EXHAUSTION: 'this is nested too deeply',
  TAB_AS_INDENT: 'a tab is used for indentation; use spaces',
  UNEXPECTED_TOKEN: 'this does not belong here; text with special characters needs quotes',
};

const PLAIN_TAG = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/;

/** `a.b[2]."odd key"`. */
export function showPath(path: ConfigPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const name = /^[\w-]+$/.test(part) ? part : JSON.stringify(printable(part, 64));
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

interface Offsets {
  readonly key: number;
  readonly value: number;
}

/** Walks the syntax tree once: refuses what a configuration has no use for, and notes where everything stands. */
class Walker {
  readonly faults: { readonly offset: number; readonly path: ConfigPath; readonly message: string }[] = [];
  readonly offsets = new Map<string, Offsets>();

  walk(node: unknown, path: ConfigPath, key: number): void {
    const at = startOf(node) ?? key;
    this.offsets.set(JSON.stringify(path), { key, value: at });
    // An alias can make a small file huge (the "billion laughs"), and what it means is not seen where it stands.
    if (isAlias(node)) this.#fault(at, path, 'references (*name) are not supported; write the value out');
    else if (path.length > MAX_DEPTH) this.#fault(at, path, 'this is nested too deeply');
    else if (hasOddTag(node)) this.#fault(at, path, 'tags (!name) are not supported');
    else if (isMap(node)) this.#map(node.items, path);
    else if (isSeq(node)) {
      for (const [i, item] of node.items.entries()) this.walk(item, [...path, i], startOf(item) ?? at);
    }
  }

  #map(items: readonly Pair[], path: ConfigPath): void {
    const seen = new Set<string>();
    for (const { key, value } of items) {
      const at = startOf(key) ?? 0;
      if (!isScalar(key) || hasOddTag(key) || key.value === null || key.value === '__proto__') {
        this.#fault(at, path, 'this cannot be a key');
        continue;
      }
      // The parser tells 1 from "1"; once loaded they are the same key, and the second would win silently.
      const name = String(key.value);
      if (seen.has(name)) this.#fault(at, [...path, name], 'this key is given twice');
      seen.add(name);
      this.walk(value, [...path, name], at);
    }
  }

  #fault(offset: number, path: ConfigPath, message: string): void {
    this.faults.push({ offset, path, message });
  }
}

function startOf(node: unknown): number | null {
  return (node as Partial<Node> | null)?.range?.[0] ?? null;
}

function hasOddTag(node: unknown): boolean {
  const tag = (node as Partial<Node> | null)?.tag;
  return tag !== undefined && !PLAIN_TAG.test(tag);
}

/** Reads one YAML 1.2 or JSON document of at most 1 MiB and 64 levels. Syntax is reported before anything else. */
export function parseConfig(text: string, file: string): Parsed {
  const lines = new LineCounter();
  const fail = (found: readonly { offset: number; path: ConfigPath; message: string }[]): Parsed => ({
    ok: false,
    problems: found.slice(0, MAX_PROBLEMS).map(({ offset, path, message }) => ({
      file,
      ...position(lines, offset),
      path: showPath(path),
      message,
      suggestion: null,
    })),
  });
  if (Buffer.byteLength(text) > MAX_BYTES) return fail([{ offset: 0, path: [], message: 'the file is over 1 MiB' }]);
  const doc = parseDocument(text, {
    ...{ lineCounter: lines, prettyErrors: false, version: '1.2', logLevel: 'error' },
    // Keys that are given twice are found below: the parser compares each with every other.
    uniqueKeys: false,
  });
  const errors = doc.errors.map(({ code, pos }) => ({
    offset: pos[0],
    path: [],
    message: SYNTAX[code] ?? 'this is not valid YAML',
  }));
  if (errors.length > 0) return fail(errors);
  // Under YAML 1.1 `no` is false and `<<` merges: the file would mean something else than it says.
  if (doc.directives?.yaml.version !== '1.2') return fail([{ offset: 0, path: [], message: 'only YAML 1.2 is read' }]);
  const walker = new Walker();
  walker.walk(doc.contents, [], startOf(doc.contents) ?? 0);
  if (walker.faults.length > 0) return fail(walker.faults);
  const value: unknown = doc.contents === null ? {} : doc.toJS();
  return {
    ok: true,
    document: {
      value: value ?? {},
      place: (path, part) => find(walker.offsets, lines, { path, part }),
      has: (path) => walker.offsets.has(JSON.stringify(path)),
    },
  };
}

function find(
  offsets: ReadonlyMap<string, Offsets>,
  lines: LineCounter,
  { path, part }: { readonly path: ConfigPath; readonly part: 'key' | 'value' },
) {
  const own = offsets.get(JSON.stringify(path));
  if (own !== undefined) return position(lines, own[part]);
  for (let length = path.length - 1; length >= 0; length--) {
    const outer = offsets.get(JSON.stringify(path.slice(0, length)));
    if (outer !== undefined) return position(lines, outer.key);
  }
  return { line: 1, column: 1 };
}

function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
