/**
 * Writes docs/configuration.md and docs/gatehouse.example.yaml from the configuration's schema: `node scripts/config-doc.ts`. A test
 * fails when one is not up to date.
 */
import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { z } from 'zod';
import { gatehouseConfig } from '../src/config.ts';
import { formatBytes, formatDuration } from '../src/kernel/units.ts';

/** A key of the configuration, as both papers show it. */
interface Key {
  /** Section, or null for a key that stands by itself. */
  readonly section: string | null;
  readonly name: string;
  readonly type: string;
  /** As it is written in a file. */
  readonly value: string;
  readonly description: string;
}

interface Section {
  readonly name: string;
  readonly description: string;
  /** One without a section where the name is itself the key. */
  readonly keys: readonly Key[];
}

/** JSON Schema as Zod writes it, as far as it is read here. */
interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly format?: string;
  readonly anyOf?: readonly Node[];
}

/** Every section with its keys, in the order of the schema. */
function sections(schema: z.ZodType): Section[] {
  const input = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node;
  return Object.entries(input.properties ?? {}).map(([name, node]) => {
    const description = described(node, name);
    const own = schemaOf(schema, name);
    if (node.properties === undefined) return { name, description, keys: [keyOf({ section: null, name, node, own })] };
    const keys = Object.entries(node.properties).map(([key, child]) =>
      keyOf({ section: name, name: key, node: child, own: schemaOf(own, key) }),
    );
    return { name, description, keys };
  });
}

function keyOf(parts: { section: string | null; name: string; node: Node; own: z.ZodType }): Key {
  const { section, name, node, own } = parts;
  const place = section === null ? name : `${section}.${name}`;
  const unit = unitOf(own);
  const fallback = own.parse(undefined);
  if (fallback === undefined) throw new Error(`${place} has no default`);
  if (unit !== null) {
    const text = unit.write(Number(fallback));
    if (own.parse(text) !== fallback) throw new Error(`${place}: ${text} does not read back as its default`);
    return { section, name, type: unit.name, value: text, description: described(node, place) };
  }
  return { section, name, type: typeOf(node), value: stringify(fallback).trim(), description: described(node, place) };
}

const UNITS = [
  { name: 'duration', probe: '1 min', gives: 60_000, write: formatDuration },
  { name: 'size', probe: '1 MiB', gives: 1024 * 1024, write: formatBytes },
] as const;

/** Durations and sizes are strings that a transformation reads: a probe tells which of the two a key is. */
function unitOf(schema: z.ZodType): (typeof UNITS)[number] | null {
  return UNITS.find(({ probe, gives }) => schema.safeParse(probe).data === gives) ?? null;
}

function typeOf(node: Node): string {
  if (node.enum !== undefined) return `one of ${node.enum.map((word) => `\`${word}\``).join(', ')}`;
  if (node.type === 'array') return `list of ${node.items?.type ?? 'values'}s`;
  if (node.type === 'integer') {
    const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = node;
    const most = maximum === Number.MAX_SAFE_INTEGER ? ' or more' : ` to ${maximum}`;
    return minimum === Number.MIN_SAFE_INTEGER ? 'whole number' : `whole number, ${minimum}${most}`;
  }
  if (node.format === 'uri') return 'http or https address';
  if (node.anyOf !== undefined)
    return node.anyOf.map((form) => (form.type === 'null' ? '`null`' : typeOf(form))).join(' or ');
  if (node.type === undefined) throw new Error('a key has no type');
  return node.type;
}

function described(node: Node, place: string): string {
  if (node.description === undefined) throw new Error(`${place} has no description`);
  return node.description;
}

/** The schema of a key, below its wrappers (default, prefault). */
function schemaOf(schema: z.ZodType, name: string): z.ZodType {
  let inner: unknown = schema;
  while (!(inner instanceof z.ZodObject)) {
    const unwrap = (inner as { unwrap?: () => unknown }).unwrap;
    if (unwrap === undefined) throw new Error(`${name} stands in no object`);
    inner = unwrap.call(inner);
  }
  return inner.shape[name] as z.ZodType;
}

const NOTICE = 'Generated from the schema by `node scripts/config-doc.ts`: edit the schema, not this file.';

/** docs/configuration.md. */
export function renderPage(): string {
  const out = ['# Configuration', '', `<!-- ${NOTICE} -->`, '', ...INTRODUCTION, ''];
  for (const { name, description, keys } of sections(gatehouseConfig)) {
    const [only] = keys;
    out.push(
      `## \`${name}\``,
      '',
      ...(only?.section === null ? [] : [description, '']),
      '| key | type | default | meaning |',
      '|---|---|---|---|',
    );
    for (const key of keys) {
      const path = key.section === null ? key.name : `${key.section}.${key.name}`;
      out.push(`| \`${path}\` | ${cell(key.type)} | \`${cell(key.value)}\` | ${cell(key.description)} |`);
    }
    out.push('');
  }
  return `${out.join('\n').trimEnd()}\n`;
}

const INTRODUCTION = [
  'Gatehouse reads one YAML (or JSON) file: the one named with `--config`, else `gatehouse.yaml` in the folder it is started in,',
  'else none. Every key has a default, so an empty file is a valid one. A key that is not known is an error, and so is a value that',
  'does not fit: the message names file, line and column and, where a known word is near, suggests it. `gatehouse check` reads the',
  'file and says what is wrong without starting anything.',
  '',
  'Durations and sizes are written with their unit (`30 s`, `15 min`, `24 h`, `14 days`; `64 MiB`, `2 GB`): a bare number is',
  'refused. Decimal units count in powers of 1000, binary ones (`KiB`, `MiB`, `GiB`) in powers of 1024. Secrets never stand in the',
  'file: `upstream.key` is a reference, `env:NAME` or `file:/path`.',
  '',
  'Most installations set three keys:',
  '',
  '```yaml',
  'listen:',
  '  hosts: [gatehouse.example.com]',
  'journal:',
  '  checkpoints: [/mnt/evidence/gatehouse]',
  'upstream:',
  '  key: file:/run/secrets/anthropic',
  '```',
  '',
  'A complete file with every default is [gatehouse.example.yaml](gatehouse.example.yaml).',
];

/** A pipe or newline would break the table; angle brackets would vanish in it. */
function cell(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;').trim();
}

/** docs/gatehouse.example.yaml: every key with its default. */
export function renderExample(): string {
  const out = ["# Every key of Gatehouse's configuration with its default.", `# ${NOTICE.replaceAll('`', '')}`, ''];
  for (const { name, description, keys } of sections(gatehouseConfig)) {
    out.push(...comment(description, ''));
    const [only] = keys;
    if (only?.section === null) out.push(`${name}: ${only.value}`);
    else {
      out.push(`${name}:`);
      for (const key of keys) out.push(...comment(key.description, '  '), `  ${key.name}: ${key.value}`);
    }
    out.push('');
  }
  return `${out.join('\n').trimEnd()}\n`;
}

/** Comment lines of at most 110 characters. */
function comment(text: string, indent: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length > 110) lines.push(`${indent}# ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

if (import.meta.main) {
  writeFileSync(new URL('../docs/configuration.md', import.meta.url), renderPage());
  writeFileSync(new URL('../docs/gatehouse.example.yaml', import.meta.url), renderExample());
}
