import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { importPolicy } from '../../src/policy/import/import.ts';
import type { Imported, ImportKind } from '../../src/policy/import/model.ts';
import { FIXTURES, fixture, translate } from './support.ts';

type Path = readonly (string | number)[];

/** An own walk of the input, by another road than the translators': the plain value of the YAML package. */
function leavesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return value === null ? [] : [path];
  const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.length === 0 ? [path] : entries.flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

function without(value: unknown, [head, ...rest]: Path): unknown {
  if (head === undefined || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    return value.flatMap((item, i) => (i !== head ? [item] : rest.length === 0 ? [] : [without(item, rest)]));
  }
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      if (key !== head) return [[key, inner]];
      return rest.length === 0 ? [] : [[key, without(inner, rest)]];
    }),
  );
}

/** The same document with another value of the same type at one leaf. */
function altered(value: unknown, [head, ...rest]: Path): unknown {
  if (head === undefined) {
    if (typeof value === 'number') return value / 2;
    if (typeof value === 'boolean') return !value;
    return typeof value === 'string' ? `${value}x` : value;
  }
  if (Array.isArray(value)) return value.map((item, i) => (i === head ? altered(item, rest) : item));
  return Object.fromEntries(
    Object.entries(value as object).map(([key, inner]) => [key, key === head ? altered(inner, rest) : inner]),
  );
}

function show(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** A note for exactly this place, or one that says of a place around it that all of it is left out or became something else. */
function isNoted({ notes }: Imported, path: Path): boolean {
  const whole = path.map((_, i) => show(path.slice(0, i + 1)));
  const own = whole.at(-1);
  return notes.some((note) => note.path === own || (note.severity !== 'check' && whole.includes(note.path)));
}

/** Whether the document reads otherwise when it is this value: another policy, configuration or note. */
function changes(kind: ImportKind, value: unknown, before: Imported): boolean {
  const result = importPolicy(kind, { text: JSON.stringify(value), file: 'x' });
  return !result.ok || JSON.stringify(result) !== JSON.stringify(before);
}

/** Settings that say what would be so without them. Listed by hand: everything else must show. */
const SAYS_NOTHING_NEW: Readonly<Record<ImportKind, readonly string[]>> = {
  litellm: [],
  'claude-gateway': ['managed.policies[2].match'],
  portkey: [],
};

for (const [kind, file] of FIXTURES) {
  test(`${kind}: every setting is translated or noted; none is dropped in silence`, () => {
    const value: unknown = parse(fixture(file));
    const before = translate(kind, JSON.stringify(value));
    const leaves = leavesOf(value);
    assert.ok(leaves.length > 50, `${leaves.length} settings`);
    const silent = leaves.filter((path) => {
      if (isNoted(before, path)) return false;
      return !changes(kind, without(value, path), before) && !changes(kind, altered(value, path), before);
    });
    const named = silent.map(show).filter((path) => !SAYS_NOTHING_NEW[kind].includes(path));
    assert.deepEqual(named, []);
  });

  test(`${kind}: a setting that nobody knows is noted wherever it is put`, () => {
    const value: unknown = parse(fixture(file));
    for (const path of mappingsOf(value)) {
      const text = JSON.stringify(withSetting(value, path));
      const result = translate(kind, text);
      assert.ok(isNoted(result, [...path, 'never_heard_of']), show(path));
    }
  });
}

function mappingsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  const inner = entries.flatMap(([key, child]) => mappingsOf(child, [...path, key]));
  return Array.isArray(value) ? inner : [path, ...inner];
}

function withSetting(value: unknown, [head, ...rest]: Path): unknown {
  if (head === undefined) return { ...(value as object), never_heard_of: 17 };
  if (Array.isArray(value)) return value.map((item, i) => (i === head ? withSetting(item, rest) : item));
  const entries = Object.entries(value as object);
  return Object.fromEntries(entries.map(([key, inner]) => [key, key === head ? withSetting(inner, rest) : inner]));
}
