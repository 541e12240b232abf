import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { crudeCount, importsOf } from './imports.ts';
import { check, danglingImports, productSources, ROOT, runtimePackages, VERIFIER } from './rules.ts';

const PACKAGES = ['zod', 'undici', 'pino', 'kysely', '@fastify/swagger'];
const faults = (file: string, text: string) => check({ file, text }, PACKAGES).faults;

test('every import in the product is one the design allows', () => {
  const sources = productSources();
  const packages = runtimePackages();
  const results = sources.map((source) => check(source, packages));
  assert.deepEqual(
    results.flatMap((result) => result.faults),
    [],
  );
  assert.ok(sources.length > 20, `only ${sources.length} sources were found`);
  assert.ok(results.reduce((sum, { imports }) => sum + imports, 0) > sources.length);
});

test('every relative import names a file that is there', () => {
  assert.deepEqual(productSources().flatMap(danglingImports), []);
});

test('P6: the offline verifier imports nothing but its own files and what Node brings', () => {
  const files = productSources().filter(({ file }) => VERIFIER.test(file));
  assert.ok(
    files.some(({ file }) => file === 'src/journal/verify.ts'),
    'src/journal/verify.ts is not there',
  );
  const from = new Set(files.flatMap(({ text }) => importsOf(text).map((found) => found.from)));
  assert.ok(from.size > 0);
  for (const name of from) assert.match(name, /^(?:node:[a-z/]+|\.\/verify(?:-[a-z]+)*\.ts)$/);
});

test('the web console is not there yet: with it come rules of its own', () => {
  assert.equal(existsSync(join(ROOT, 'console')), false);
});

test('imports are read in every form', () => {
  const text = `#!/usr/bin/env node
import a from './a.ts';
import type { B } from './b.ts';
import { type C, d as e } from "./c.ts";
import
  * as f
  from './f.ts';
import './g.ts';
export * from './h.ts';
export * as i from './i.ts';
export { j } from './j.ts';
export type { K } from './k.ts';
export type * from './l.ts';
const m = await import('./m.ts');
const n = require('./n.cjs');
const o = require.resolve('./o.cjs');
const p: typeof import('./p.ts') = import.meta.resolve('./q.ts');
new Worker(new URL('./r.ts', import.meta.url));
import s, { t } from './s.json' with { type: 'json' };
import type from './t.ts';
const u = \`\${await import(\`./u.ts\`)}\`;
const v = module.require('./v.cjs'), w = [...require('./w.cjs')];
import{x}from'./x.ts';import y from"./y.ts";
export const z = 1;
export { a, m };`;
  const found = importsOf(text);
  const types = found.filter(({ typeOnly }) => typeOnly).map(({ from }) => from);
  assert.equal(found.map(({ from }) => from.replace(/^\.\/|\.\w+$/g, '')).join(''), 'abcfghijklmnopqrstuvwxy');
  assert.deepEqual(types, ['./b.ts', './k.ts', './l.ts']);
});

test('comments, strings, templates, regular expressions and properties are no imports', () => {
  const text = `// import a from './a.ts'
/* import b from './b.ts' */
const c = "import d from './d.ts'"; const e = 'it\\'s require("x")';
const f = \`
import g from './g.ts' \${\`nested \${1} import('./h.ts')\`}\`;
const i = /import('j')/; const k = /[/'"]require("l")/g; const m = 4 / 2; const n = x.import('o') / y.require('p');
const q = { import: 1, require: 2, export: 3 }; import.meta.url; new URL('https://example.com/a.ts');
type R = { from: 'x' }; export const s = (from: string) => 's'; export type T = 'u'; export { c }; export default f;`;
  assert.deepEqual(importsOf(text), []);
});

test('what the design forbids is found', () => {
  const forbidden: [string, string][] = [
    ['src/kernel/a.ts', `import { x } from '../store/b.ts';`],
    ['src/kernel/a.ts', `export * from '../journal/b.ts';`],
    ['src/kernel/a.ts', `export type { X } from '../journal/b.ts';`],
    ['src/policy/a.ts', `const x = await import('../store/b.ts');`],
    ['src/policy/a.ts', `import { readFileSync } from 'node:fs';`],
    ['src/pricing/a.ts', `import { systemClock } from '../kernel/clock.ts';`],
    ['src/guard/a.ts', `const at = Date.now();`],
    ['src/guard/a.ts', `const at = new Date();`],
    ['src/store/a.ts', `import '../net/b.ts';`],
    ['src/store/a.ts', `import type { X } from '../journal/segment.ts';`],
    ['src/net/a.ts', `import x from '../secrets/b.ts';`],
    ['src/journal/a.ts', `import x from '../identity/b.ts';`],
    ['src/journal/a.ts', `import { isId } from '../identity/principal.ts';`],
    ['src/policy/a.ts', `import { ACTIONS } from '../journal/bodies.ts';`],
    ['src/identity/a.ts', `import x from '../upstream/b.ts';`],
    ['src/projections/a.ts', `new Worker(new URL('../limits/b.ts', import.meta.url))`],
    ['src/steps/a.ts', `import x from '../store/b.ts';`],
    ['src/pipeline.ts', `import x from './journal/b.ts';`],
    ['src/doors/messages/a.ts', `import x from '../../store/sqlite/b.ts';`],
    ['src/doors/messages/a.ts', `import type { X } from '../../upstream/b.ts';`],
    ['src/doors/messages/a.ts', `import { x } from '../../identity/b.ts';`],
    ['src/doors/messages/a.ts', `import { type X } from '../../identity/b.ts';`],
    ['src/main.ts', `import x from './cli/b.ts';`],
    ['src/main/state.ts', `import x from '../cli/b.ts';`],
    ['src/steps/a.ts', `import x from '../main/paths.ts';`],
    ['src/steps/a.ts', `import x from '../main.ts';`],
    ['src/steps/a.ts', `import x from '../../test/b.ts';`],
    ['src/elsewhere/a.ts', `import x from '../kernel/b.ts';`],
    ['src/kernel/a.ts', `import x from '../elsewhere/b.ts';`],
    ['src/steps/a.ts', `import { pino } from 'pino';`],
    ['src/steps/a.ts', `import { DatabaseSync } from 'node:sqlite';`],
    ['src/steps/a.ts', `import fc from 'fast-check';`],
    ['src/steps/a.ts', `import x from '@fastify/helmet';`],
    ['src/steps/a.ts', `import fs from 'fs';`],
    ['src/steps/a.ts', `import x from 'https://example.com/x.js';`],
    ['src/journal/verify.ts', `import { x } from './chain.ts';`],
    ['src/journal/verify-chain.ts', `import type { X } from './records.ts';`],
    ['src/journal/a.ts', `import { DatabaseSync } from 'node:sqlite';`],
    ['src/steps/a.ts', `const fs = process.getBuiltinModule('node:fs');`],
    ['src/steps/a.ts', `const x = require('../store/b.ts');`],
  ];
  for (const [file, text] of forbidden) assert.equal(faults(file, text).length, 1, `${file}: ${text}`);
});

test('what the design allows is not', () => {
  const allowed: [string, string][] = [
    ['src/store/ports.ts', `import type { Role } from '../identity/principal.ts';`],
    ['src/store/ports.ts', `import type { JsonObject } from '../journal/records.ts';`],
    ['src/steps/a.ts', `import type { Store } from '../store/ports.ts';`],
    ['src/steps/a.ts', `import { x } from '../journal/b.ts'; import { y } from './c.ts';`],
    ['src/pipeline.ts', `import { admit } from './steps/admit.ts'; import { Refusal } from './kernel/errors.ts';`],
    ['src/doors/messages/a.ts', `import type { X } from '../../identity/b.ts'; import { y } from '../hosts.ts';`],
    ['src/policy/a.ts', `import { createHash } from 'node:crypto'; const d = new Date(at);`],
    ['src/policy/a.ts', `import type { Clock } from '../kernel/clock.ts';`],
    ['src/config.ts', `import { x } from './doors/config.ts';`],
    ['src/main/state.ts', `import { x } from '../store/sqlite/b.ts'; import y from '../config.ts';`],
    ['src/cli/a.ts', `import { main } from '../main.ts'; import s from '@fastify/swagger';`],
    ['src/kernel/log.ts', `import { pino } from 'pino';`],
    ['src/store/sqlite/a.ts', `import { DatabaseSync } from 'node:sqlite'; import { Kysely } from 'kysely';`],
    ['src/journal/verify.ts', `import { createHash } from 'node:crypto'; import { x } from './verify-chain.ts';`],
  ];
  for (const [file, text] of allowed) assert.deepEqual(faults(file, text), [], `${file}: ${text}`);
});

test('an import that cannot be read is a fault, never silence', () => {
  for (const text of [
    `await import(name);`,
    'await import(`./$' + '{name}.ts`);',
    `await import('./a' + '.ts');`,
    `require(name);`,
    `import x = require('./a.ts');`,
    `const a = 'not closed`,
    'const a = `not ${closed`',
    `/* not closed`,
    `const a = /not closed`,
  ]) {
    assert.equal(faults('src/steps/a.ts', text).length, 1, text);
  }
});

test('the crude count sees what a broken reader would miss', () => {
  const text = `import a from './a.ts';
import {
  b,
} from './b.ts';
import './c.ts';
export * from './d.ts';
export type { E } from './e.ts';
const f = await import('./f.ts');
const g = require('./g.cjs');
// import('./not.ts')
 * import x from './not.ts'
const h = 'h';`;
  assert.equal(crudeCount(text), 7);
  assert.match(faults('src/steps/a.ts', 'const a = `\nimport b from "./b.ts";\n`;')[0] ?? '', /0 imports were read/);
});

test('the global fetch is found, fetch from undici and methods of that name are left alone', () => {
  for (const text of [
    `await fetch('x');`,
    `const r = ok ? await fetch(a) : b;`,
    `if (x) { fetch(a) }`,
    `globalThis.fetch('x');`,
    `const f = globalThis.fetch;`,
    `go(fetch(x));`,
  ]) {
    assert.equal(faults('src/steps/a.ts', text).length, 1, text);
  }
  for (const text of [
    `import { fetch } from 'undici'; await fetch('x');`,
    `client.fetch('x');`,
    `interface A { fetch(url: string): Promise<void>; }`,
    `class A { async fetch(url: string) { return url; } }`,
    `// fetch('x')`,
  ]) {
    assert.deepEqual(faults('src/steps/a.ts', text), [], text);
  }
});

test('switching off a rule about imports or types is found', () => {
  for (const line of [
    '// biome-ignore lint/style/noRestrictedGlobals: because',
    '// biome-ignore-all lint/suspicious/noImportCycles: because',
    '// biome-ignore lint: everything',
    '// @ts-ignore',
    '// @ts-nocheck',
  ]) {
    assert.equal(faults('src/steps/a.ts', line).length, 1, line);
  }
  assert.deepEqual(faults('src/steps/a.ts', '// biome-ignore lint/suspicious/noControlCharactersInRegex: purpose'), []);
});
