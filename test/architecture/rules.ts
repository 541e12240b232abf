import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { crudeCount, type Import, importsOf } from './imports.ts';
import { type Token, tokenize } from './tokens.ts';

export const ROOT = join(import.meta.dirname, '..', '..');

const SERVICES = ['kernel', 'store', 'secrets', 'net', 'pricing', 'journal'];
const ALL = [
  'kernel',
  'policy',
  'rules',
  'guard',
  'pricing',
  'store',
  'net',
  'secrets',
  'journal',
  'identity',
  'limits',
  'upstream',
  'projections',
  'export',
  'clients',
  'steps',
  'pipeline',
  'doors',
  'main',
  'cli',
];

/** The design's table: which parts of the house each part may import. Its own files always. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  policy: ['kernel'],
  rules: ['kernel'],
  guard: ['kernel', 'rules'],
  pricing: ['kernel'],
  store: ['kernel'],
  net: ['kernel'],
  secrets: ['kernel', 'net'],
  journal: ['kernel', 'store', 'secrets'],
  identity: SERVICES,
  limits: SERVICES,
  upstream: SERVICES,
  projections: ['kernel', 'store', 'journal', 'pricing'],
  export: ['kernel', 'store', 'journal', 'secrets', 'net'],
  clients: ['kernel', 'policy', 'rules', 'journal', 'store'],
  steps: ['kernel', 'identity', 'policy', 'rules', 'guard', 'limits', 'upstream', 'journal', 'pricing'],
  // Beside its steps only the kernel, which has no domain words: a reader must see every step of the path in one place.
  pipeline: ['steps', 'kernel'],
  doors: ['kernel', 'pipeline'],
  main: ALL.filter((part) => part !== 'cli'),
  cli: ALL,
};

/** Doors take services by interface: their types, never the store's or a provider's. */
const TYPES_FOR_DOORS = ALL.filter((part) => !['store', 'upstream', 'main', 'cli'].includes(part));
/** Contracts: files of types that every part may speak of. */
const CONTRACTS = [
  /(?:^|\/)ports\.ts$/,
  /^src\/(?:policy|pricing)\/model\.ts$/,
  /^src\/journal\/(?:records|bodies)\.ts$/,
  /^src\/identity\/principal\.ts$/,
];
/** Pure parts: same answer for the same arguments, today and in a replay. */
const PURE = ['policy', 'rules', 'guard', 'pricing'];
const PURE_BUILTINS = ['node:crypto', 'node:util', 'node:buffer'];
/** The offline verifier, which imports only itself and what Node brings (P6). */
export const VERIFIER = /^src\/journal\/verify(?:-[a-z]+)*\.ts$/;
/** Packages that only one part may know, so that they can be replaced. */
const OWNERS: Readonly<Record<string, RegExp>> = {
  pino: /^src\/kernel\/log\.ts$/,
  kysely: /^src\/store\//,
  // Projections keep files of their own; the journal's lock is SQLite's, because Node has no file locks.
  'node:sqlite': /^src\/(?:store\/|projections\/|journal\/lock\.ts$)/,
  'openid-client': /^src\/identity\/oidc\//,
  '@node-saml/node-saml': /^src\/identity\/saml\//,
};

/** The part of the house a file belongs to, or null when the design does not know it. */
export function partOf(file: string): string | null {
  const [, first = '', second] = file.split('/');
  // Reading the whole configuration is part of putting the house together.
  if (second === undefined) return { 'main.ts': 'main', 'config.ts': 'main', 'pipeline.ts': 'pipeline' }[first] ?? null;
  return MAY_IMPORT[first] === undefined || first === 'pipeline' ? null : first;
}

/** A source file by its path from the root, with forward slashes. */
export interface Source {
  readonly file: string;
  readonly text: string;
}

/** All sources of the product. */
export function productSources(): Source[] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[cm]?[jt]sx?$/.test(name))
    .map((name) => `src/${name.split(sep).join('/')}`)
    .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));
}

export interface Checked {
  readonly imports: number;
  readonly faults: readonly string[];
}

/** Checks one source against every rule; `packages` are the run-time dependencies. A file that cannot be read is a fault. */
export function check({ file, text }: Source, packages: readonly string[]): Checked {
  const faults: string[] = [];
  try {
    const imports = importsOf(text);
    const seen = crudeCount(text);
    if (imports.length < seen)
      faults.push(`${file}: ${imports.length} imports were read, but there seem to be ${seen}`);
    for (const found of imports) {
      const fault = faultOf(file, found, packages);
      if (fault !== null) faults.push(`${file}:${found.line}: ${fault}`);
    }
    faults.push(...callFaults(file, tokenize(text), imports), ...ignoreFaults(file, text));
    return { imports: imports.length, faults };
  } catch (error) {
    return { imports: 0, faults: [`${file}: ${(error as Error).message}`] };
  }
}

function faultOf(file: string, found: Import, packages: readonly string[]): string | null {
  const part = partOf(file);
  if (part === null) return 'the design knows no part of the house for this file';
  if (VERIFIER.test(file) && !found.from.startsWith('node:') && !/^\.\/verify(?:-[a-z]+)*\.ts$/.test(found.from)) {
    return `the verifier shares no code with the writer: it may not import ${found.from}`;
  }
  return /^\.{0,2}\//.test(found.from) ? ownFault(file, part, found) : foreignFault(file, part, found, packages);
}

function ownFault(file: string, part: string, found: Import): string | null {
  const target = relative(ROOT, resolve(ROOT, dirname(file), found.from))
    .split(sep)
    .join('/');
  // The command line starts the launcher as a process of its own.
  if (part === 'cli' && found.form === 'file' && target === 'bin/gatehouse.cjs') return null;
  if (!target.startsWith('src/')) return `${found.from} is not part of the product`;
  const other = partOf(target);
  if (other === null) return `${target} belongs to no part of the house`;
  if (other === part) return null;
  if (PURE.includes(part) && found.names.includes('systemClock')) return `${part} has no clock of its own`;
  if (MAY_IMPORT[part]?.includes(other)) return null;
  if (found.typeOnly && CONTRACTS.some((contract) => contract.test(target))) return null;
  if (found.typeOnly && part === 'doors' && TYPES_FOR_DOORS.includes(other)) return null;
  return `${part} may not import ${other} (${target})`;
}

function foreignFault(file: string, part: string, found: Import, packages: readonly string[]): string | null {
  const name = found.from.startsWith('@')
    ? found.from.split('/').slice(0, 2).join('/')
    : (found.from.split('/')[0] ?? '');
  if (/^[a-z]+:/.test(found.from) && !found.from.startsWith('node:')) return `${found.from} is no module of ours`;
  if (isBuiltin(found.from)) {
    if (!found.from.startsWith('node:')) return `write node:${found.from}`;
    if (PURE.includes(part) && !PURE_BUILTINS.includes(found.from))
      return `${part} is pure: it may not import ${found.from}`;
  } else if (!packages.includes(name)) return `${name} is not a run-time dependency in package.json`;
  const owner = OWNERS[name] ?? OWNERS[found.from];
  return owner === undefined || owner.test(file) ? null : `${found.from} is not for this part of the house`;
}

function callFaults(file: string, tokens: readonly Token[], imports: readonly Import[]): string[] {
  const faults: string[] = [];
  const ownFetch = imports.some(({ from, names }) => from === 'undici' && names.includes('fetch'));
  const pure = PURE.includes(partOf(file) ?? '');
  for (const [i, token] of tokens.entries()) {
    const three = [tokens[i]?.text, tokens[i + 1]?.text, tokens[i + 2]?.text].join('');
    const at = `${file}:${token.line}`;
    if (!ownFetch && isGlobalFetch(tokens, i)) faults.push(`${at}: the global fetch; import it from undici`);
    if (three === 'process.getBuiltinModule') faults.push(`${at}: a module taken past the import rules`);
    const clock = /^(?:Date\.now|performance\.now|Math\.random|process\.\w+)$/.test(three) || three === 'newDate(';
    const bare = three === 'newDate(' && tokens[i + 3]?.text !== ')';
    if (pure && token.kind === 'word' && clock && !bare) faults.push(`${at}: a pure part may not use ${three}`);
  }
  return faults;
}

function isGlobalFetch(tokens: readonly Token[], i: number): boolean {
  if (tokens[i]?.kind !== 'word' || tokens[i]?.text !== 'fetch') return false;
  const before = tokens[i - 1]?.text ?? '';
  if (before === '.') return /^(?:globalThis|global|window|self)$/.test(tokens[i - 2]?.text ?? '');
  if (tokens[i + 1]?.text !== '(') return false;
  return !(/^(?:[{};,]|async|function)$/.test(before) && isDeclaration(tokens, i + 1));
}

/** True when what follows the matching bracket is a body or a type: a method that happens to be called fetch. */
function isDeclaration(tokens: readonly Token[], open: number): boolean {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    if (tokens[at]?.text === '(' && tokens[at]?.kind === 'mark') depth += 1;
    if (tokens[at]?.text === ')' && tokens[at]?.kind === 'mark') depth -= 1;
    if (depth === 0) return /^[{:]$/.test(tokens[at + 1]?.text ?? '');
  }
  return false;
}

const IMPORT_RULES = /noRestrictedImports|noRestrictedGlobals|noImportCycles|noPrivateImports|noUndeclaredDependencies/;

function ignoreFaults(file: string, text: string): string[] {
  return text.split('\n').flatMap((line, i) => {
    const silences = /biome-ignore/.test(line) && IMPORT_RULES.test(line);
    const wholesale = /biome-ignore(?:-all|-start)?\s+lint\s*:/.test(line) || /@ts-(?:ignore|nocheck)/.test(line);
    return silences || wholesale ? [`${file}:${i + 1}: a rule about imports or types is switched off`] : [];
  });
}

/** Run-time dependencies as package.json names them. */
export function runtimePackages(): string[] {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { dependencies: object };
  return Object.keys(manifest.dependencies);
}

/** Relative imports whose file does not exist. */
export function danglingImports({ file, text }: Source): string[] {
  return importsOf(text)
    .filter(({ from }) => from.startsWith('.') && !existsSync(resolve(ROOT, dirname(file), from)))
    .map(({ from, line }) => `${file}:${line}: ${from} does not exist`);
}
