import type { ConfigPath, Document } from '../../kernel/config/document.ts';
import { showPath } from '../../kernel/config/document.ts';
import { printable } from '../../kernel/text.ts';
import { isReference, isSecret, looksSecret } from './hidden.ts';
import type { ImportNote, Severity } from './model.ts';

type Tree = Readonly<Record<string, unknown>>;

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function idOf(path: ConfigPath): string {
  return JSON.stringify(path);
}

/** Why a setting has no counterpart, by its path without indices (`*` for any name), such as `litellm_settings.callbacks`. */
export type Explanations = ReadonlyMap<string, string>;

/** A parsed file that keeps account: what was not used or noted by the end is noted as untranslated. */
export class Source {
  readonly #document: Document;
  readonly #explanations: Explanations;
  readonly #handled = new Set<string>();
  readonly #notes: (ImportNote & { readonly column: number })[] = [];
  readonly #noted = new Set<string>();

  constructor(document: Document, explanations: Explanations) {
    this.#document = document;
    this.#explanations = explanations;
  }

  get root(): Entry {
    return new Entry(this, [], this.#document.value);
  }

  handle(path: ConfigPath): void {
    this.#handled.add(idOf(path));
  }

  /** Adds a note; the same one twice counts once. */
  note(severity: Severity, path: ConfigPath, message: string): void {
    const { line, column } = this.#document.place(path, 'key');
    const shown = showPath(path.map((part) => (typeof part === 'string' ? safeKey(part) : part)));
    const id = JSON.stringify([severity, shown, message]);
    if (this.#noted.has(id)) return;
    this.#noted.add(id);
    this.#notes.push({ severity, path: shown, line, column, message: printable(message) });
  }

  /** Every note, with those for what nobody looked at and for secrets in the clear, in the order of the file. */
  finish(): readonly ImportNote[] {
    this.#rest([], this.#document.value);
    this.#secrets([], this.#document.value);
    const sorted = this.#notes.toSorted((a, b) => a.line - b.line || a.column - b.column);
    return sorted.map(({ severity, path, line, message }) => ({ severity, path, line, message }));
  }

  #rest(path: ConfigPath, value: unknown): void {
    // An empty setting says nothing.
    if (this.#handled.has(idOf(path)) || value === null) return;
    const children = childrenOf(path, value);
    if (path.length > 0 && (children.length === 0 || this.#isWhole(path, value))) {
      const count = leaves(value);
      const size = count > 1 ? ` (${count} settings)` : '';
      this.note('untranslated', path, `${this.#explain(path) ?? 'has no counterpart in Gatehouse'}${size}`);
      return;
    }
    for (const [child, inner] of children) this.#rest(child, inner);
  }

  /** True where one note can stand for all that is inside: nothing of it was handled, and nothing has an explanation of its own. */
  #isWhole(path: ConfigPath, value: unknown): boolean {
    // A list of alike things reads better entry by entry, except plain values.
    if (path.length === 1 && isTree(value) && this.#explain(path) === null) return false;
    return childrenOf(path, value).every(([child, inner]) => {
      if (this.#handled.has(idOf(child)) || this.#explain(child) !== null) return false;
      return childrenOf(child, inner).length === 0 || this.#isWhole(child, inner);
    });
  }

  #explain(path: ConfigPath): string | null {
    const names = path.filter((part) => typeof part === 'string');
    if (typeof path.at(-1) === 'number') return null;
    const starred = [...names.slice(0, -1), '*'];
    return this.#explanations.get(names.join('.')) ?? this.#explanations.get(starred.join('.')) ?? null;
  }

  /** Independent of what was handled: no translator can forget a credential. */
  #secrets(path: ConfigPath, value: unknown): void {
    const name = path.findLast((part) => typeof part === 'string') ?? '';
    if (typeof value === 'string' && isSecret(String(name), value)) {
      this.note(
        'check',
        path,
        'a secret stands here in the clear and was not copied: rotate it, and keep the new one where an env: or file: reference finds it',
      );
    }
    if (typeof name === 'string' && path.at(-1) === name && looksSecret(name)) {
      this.note('check', path, 'the name of this setting looks like a secret and was not copied: rotate it');
    }
    for (const [child, inner] of childrenOf(path, value)) this.#secrets(child, inner);
  }
}

/** One place in the file. Reading a value of the expected form marks it as used. */
export class Entry {
  readonly path: ConfigPath;
  readonly value: unknown;
  readonly #source: Source;

  constructor(source: Source, path: ConfigPath, value: unknown) {
    this.#source = source;
    this.path = path;
    this.value = value;
  }

  get exists(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** What stands under this key; one whose value is undefined when there is nothing. */
  at(key: string): Entry {
    const value = isTree(this.value) && Object.hasOwn(this.value, key) ? this.value[key] : undefined;
    return new Entry(this.#source, [...this.path, key], value);
  }

  /** Entries of a list; of anything else none. */
  get items(): Entry[] {
    if (!Array.isArray(this.value)) return [];
    return this.value.map((item: unknown, i) => new Entry(this.#source, [...this.path, i], item));
  }

  /** Names and entries of a mapping; of anything else none. */
  get fields(): [string, Entry][] {
    return isTree(this.value) ? Object.keys(this.value).map((key) => [key, this.at(key)]) : [];
  }

  /** Marks this and all that is inside as dealt with. */
  use(): this {
    this.#source.handle(this.path);
    return this;
  }

  /** Text that is not empty, marked as used; else null. */
  text(): string | null {
    if (typeof this.value !== 'string' || this.value === '') return null;
    this.use();
    return this.value;
  }

  /** A finite number, also one in quotes, marked as used; else null. */
  number(): number | null {
    const { value } = this;
    const numeric = typeof value === 'string' && /^\s*\d[\d.eE+-]*\s*$/.test(value) ? Number(value) : value;
    if (typeof numeric !== 'number' || !Number.isFinite(numeric)) return null;
    this.use();
    return numeric;
  }

  /** True or false, marked as used; else null. */
  flag(): boolean | null {
    if (typeof this.value !== 'boolean') return null;
    this.use();
    return this.value;
  }

  /** A list of texts, or one text, marked as used; null for anything else. */
  texts(): string[] | null {
    const list = typeof this.value === 'string' ? [this.value] : this.value;
    if (!Array.isArray(list) || !list.every((item) => typeof item === 'string')) return null;
    this.use();
    return list;
  }

  /** Notes something about this place and marks it, with all that is inside, as dealt with. */
  note(severity: Severity, message: string): this {
    this.#source.note(severity, this.path, message);
    return this.use();
  }

  /** Notes something about this place; what is inside still has to be dealt with. */
  remark(severity: Severity, message: string): void {
    this.#source.note(severity, this.path, message);
  }

  /** An environment variable or file named here, as Gatehouse writes it (`env:NAME`), marked as used; null for anything else. */
  reference(): string | null {
    if (typeof this.value !== 'string' || !isReference(this.value) || looksSecret(this.value)) return null;
    const match = /^(?:os\.environ\/|\$\{?|env:)(\w+)\}?$/.exec(this.value);
    const file = /^(?:\$\{)?file:(\/[\w./-]+)\}?$/.exec(this.value);
    if (match === null && file === null) return null;
    this.use();
    return match === null ? `file:${file?.[1] ?? ''}` : `env:${match[1] ?? ''}`;
  }
}

function safeKey(key: string): string {
  return looksSecret(key) ? '…' : key;
}

function childrenOf(path: ConfigPath, value: unknown): [ConfigPath, unknown][] {
  if (Array.isArray(value)) return value.map((item: unknown, i) => [[...path, i], item]);
  return isTree(value) ? Object.keys(value).map((key) => [[...path, key], value[key]]) : [];
}

function leaves(value: unknown): number {
  const inner = childrenOf([], value);
  return inner.length === 0 ? 1 : inner.reduce((sum, [, child]) => sum + leaves(child), 0);
}
