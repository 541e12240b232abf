import { isUtf8 } from 'node:buffer';
import { JsonScanError } from './json-scan/error.ts';
import { compileFields, type FieldNode, type FieldTree, lookalike } from './json-scan/fields.ts';
import { JsonLexer } from './json-scan/lexer.ts';
import { decodeNumber, decodeString } from './json-scan/value.ts';

export { JsonScanError };

export interface ScanOptions {
  /** Paths of the fields that are decided on: names joined by dots, `[]` for the items of an array, such as `tools[].type`. */
  readonly fields: readonly string[];
  /** Deepest nesting of objects and arrays that is accepted, for example 128. */
  readonly maxDepth: number;
  /** Most values that may be found; 100,000 unless told. Keeps a body of tiny items from growing in memory. */
  readonly maxFound?: number;
}

export type JsonKind = 'string' | 'number' | 'true' | 'false' | 'null' | 'object' | 'array';

export interface FoundValue {
  /** The path as it was asked for. */
  readonly path: string;
  readonly kind: JsonKind;
  /** Where the value stands: `body.slice(start, end)` is its JSON. */
  readonly start: number;
  readonly end: number;
  /** Decoded, for scalars; undefined for an object or array. */
  readonly value: string | number | boolean | null | undefined;
}

export interface ScanResult {
  readonly root: JsonKind;
  /** By path, in the order of the body; a path without a value is absent. */
  readonly found: ReadonlyMap<string, readonly FoundValue[]>;
  first(path: string): FoundValue | undefined;
}

/**
 * Checks that `body` is one JSON text (RFC 8259, UTF-8) and finds the wanted fields by position, without building the
 * document: time linear in the body, memory linear in what is found, no recursion.
 *
 * The body goes on to another parser unchanged. So whatever two parsers could read differently where a wanted field lives is
 * refused with `ambiguous`: invalid UTF-8, a wanted name twice or in a variant of case or spelling, half a surrogate pair
 * in any name or in a wanted value, a wanted number that not every parser reads alike.
 *
 * Throws JsonScanError for every refusal, and TypeError for a path of `options.fields` that is not one.
 */
export function scanJson(body: Uint8Array, options: ScanOptions): ScanResult {
  if (!isUtf8(body)) throw new JsonScanError('the body is not valid UTF-8', 0, true);
  return new Scan(body, options).run();
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** An open object or array. */
interface Frame {
  array: boolean;
  node: FieldNode | undefined;
  /** Its own entry, when it is itself wanted: the end is filled in when it closes. */
  entry: Mutable<FoundValue> | undefined;
  /** Tells this object from all others, for finding a name twice. */
  serial: number;
}

const treesByFields = new WeakMap<readonly string[], FieldTree>();

function treeOf(fields: readonly string[]): FieldTree {
  const known = treesByFields.get(fields);
  if (known !== undefined) return known;
  const tree = compileFields(fields);
  treesByFields.set(fields, tree);
  return tree;
}

class Scan {
  readonly #lexer: JsonLexer;
  readonly #options: ScanOptions;
  /** For every wanted name, the serial of the object in which it was last seen. */
  readonly #seen: Float64Array;
  readonly #found = new Map<string, FoundValue[]>();
  /** Frames are used again: only the first `#depth` are open. */
  readonly #frames: Frame[] = [];
  #depth = 0;
  #serial = 0;
  #count = 0;
  /** What the next value is, when it is wanted or has something wanted in it. */
  #target: FieldNode | undefined;

  constructor(body: Uint8Array, options: ScanOptions) {
    const tree = treeOf(options.fields);
    this.#lexer = new JsonLexer(body);
    this.#options = options;
    this.#seen = new Float64Array(tree.size);
    this.#target = tree.root;
  }

  run(): ScanResult {
    const lexer = this.#lexer;
    if (lexer.at(0) === 0xef) lexer.fail('the body begins with a byte order mark or another stray character');
    const root = kindAt(lexer.next());
    do {
      // A container that opens goes straight on to its first member; any other value is whole and may close containers.
      if (this.#begin()) continue;
      while (this.#depth > 0 && this.#ends());
    } while (this.#depth > 0);
    if (lexer.next() !== -1) lexer.fail('something follows the end of the JSON');
    const found = this.#found;
    return { root, found, first: (path) => found.get(path)?.[0] };
  }

  /** Takes one value; true when it is a container that now stands open with a member to come. */
  #begin(): boolean {
    const lexer = this.#lexer;
    const first = lexer.next();
    const start = lexer.pos;
    const path = this.#target?.path;
    if (first === 0x7b || first === 0x5b) return this.#open(first === 0x5b);
    if (first === 0x22) lexer.string();
    else if (first === 0x2d || (first >= 0x30 && first <= 0x39)) lexer.number();
    else if (first === 0x74) lexer.word('true');
    else if (first === 0x66) lexer.word('false');
    else if (first === 0x6e) lexer.word('null');
    else lexer.fail('a value is missing');
    if (path !== undefined)
      this.#keep({ path, kind: kindAt(first), start, end: lexer.pos, value: this.#decode(start) });
    return false;
  }

  #open(array: boolean): boolean {
    const lexer = this.#lexer;
    const node = this.#target;
    if (this.#depth >= this.#options.maxDepth)
      lexer.fail(`the JSON is nested deeper than ${this.#options.maxDepth} levels`);
    let entry: Mutable<FoundValue> | undefined;
    if (node?.path !== undefined) {
      entry = { path: node.path, kind: array ? 'array' : 'object', start: lexer.pos, end: lexer.pos, value: undefined };
      this.#keep(entry);
    }
    this.#serial++;
    const frame = this.#frames[this.#depth];
    if (frame === undefined) this.#frames.push({ array, node, entry, serial: this.#serial });
    else {
      frame.array = array;
      frame.node = node;
      frame.entry = entry;
      frame.serial = this.#serial;
    }
    this.#depth++;
    lexer.pos++;
    if (lexer.next() !== (array ? 0x5d : 0x7d)) {
      this.#member(array, node);
      return true;
    }
    this.#close(entry);
    return false;
  }

  #close(entry: Mutable<FoundValue> | undefined): void {
    this.#lexer.pos++;
    this.#depth--;
    if (entry !== undefined) entry.end = this.#lexer.pos;
  }

  /** Behind a value inside a container: true when the container ends here, false when a further member comes. */
  #ends(): boolean {
    const lexer = this.#lexer;
    const { array, node, entry } = this.#frames[this.#depth - 1] as Frame;
    const byte = lexer.next();
    if (byte === (array ? 0x5d : 0x7d)) {
      this.#close(entry);
      return true;
    }
    if (byte !== 0x2c) lexer.fail('a comma or a closing bracket is missing');
    lexer.pos++;
    this.#member(array, node);
    return false;
  }

  /** Sets the target for the next value, and takes the name and the colon before it when this is an object. */
  #member(array: boolean, node: FieldNode | undefined): void {
    const lexer = this.#lexer;
    if (array) {
      this.#target = node?.item;
      return;
    }
    if (lexer.next() !== 0x22) lexer.fail('a name in quotes is missing');
    const start = lexer.pos;
    lexer.string();
    this.#target = undefined;
    if (node !== undefined && node.names.size > 0) this.#target = this.#match(node, start);
    // A name nobody asked for is only looked at when it could hold half a surrogate pair.
    else if (lexer.unicode) decodeString(lexer.bytes, { start, end: lexer.pos, escaped: true });
    if (lexer.next() !== 0x3a) lexer.fail('a colon is missing');
    lexer.pos++;
  }

  #match(node: FieldNode, start: number): FieldNode | undefined {
    const lexer = this.#lexer;
    const name = decodeString(lexer.bytes, { start, end: lexer.pos, escaped: lexer.escaped });
    const wanted = node.names.get(name);
    if (wanted === undefined) {
      const meant = lookalike(node, name);
      if (meant !== undefined) throw new JsonScanError(`a name is a variant of "${meant}"`, start, true);
      return undefined;
    }
    const { serial } = this.#frames[this.#depth - 1] as Frame;
    if (this.#seen[wanted.index] === serial)
      throw new JsonScanError(`"${name}" stands twice in one object`, start, true);
    this.#seen[wanted.index] = serial;
    return wanted;
  }

  #decode(start: number): FoundValue['value'] {
    const lexer = this.#lexer;
    const first = lexer.at(start);
    if (first === 0x22) return decodeString(lexer.bytes, { start, end: lexer.pos, escaped: lexer.escaped });
    if (first === 0x6e) return null;
    if (first === 0x74 || first === 0x66) return first === 0x74;
    return decodeNumber(lexer.bytes, start, lexer.pos);
  }

  #keep(value: FoundValue): void {
    if (++this.#count > (this.#options.maxFound ?? 100_000))
      this.#lexer.fail('the body holds too many deciding values');
    const list = this.#found.get(value.path);
    if (list === undefined) this.#found.set(value.path, [value]);
    else list.push(value);
  }
}

/** The kind of the value that begins with this byte. */
function kindAt(first: number): JsonKind {
  if (first === 0x7b) return 'object';
  if (first === 0x5b) return 'array';
  if (first === 0x22) return 'string';
  if (first === 0x74) return 'true';
  if (first === 0x66) return 'false';
  return first === 0x6e ? 'null' : 'number';
}
