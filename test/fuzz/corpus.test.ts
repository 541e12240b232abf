import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CORPUS, corpusOf } from './engine/corpus.ts';
import { failureOf, fuzz, kindOf } from './engine/fuzz.ts';
import { TARGETS } from './targets/index.ts';

/** Runs a test gives a target beyond its corpus: enough to notice a property that broke. `npm run fuzz` gives it minutes. */
const RUNS: Readonly<Record<string, number>> = {
  routing: 128,
  policy: 128,
  imports: 128,
  journal: 128,
  tamper: 192,
  sse: 192,
  'saml-answer': 256,
};

after(async () => {
  for (const target of TARGETS) await target.close?.();
});

for (const target of TARGETS) {
  test(`fuzz target ${target.name}: its seeds and what was ever found hold, and so does what mutation makes of them`, async () => {
    for (const seed of target.seeds) await target.run(Buffer.from(seed as string));
    const open = new Set<string>();
    for (const { name, input } of corpusOf(target.name)) {
      const error = await failureOf(target, input);
      if (name.startsWith('open-')) {
        assert.notEqual(error, null, `${name} holds now: call it case-…`);
        open.add(kindOf(error));
      } else assert.equal(error, null, `${name}: ${error}`);
    }
    const found: unknown[] = [];
    await fuzz(target, {
      seed: 20_261_125,
      done: (runs) => runs >= (RUNS[target.name] ?? 640),
      onFailure: (input, error) => {
        if (!open.has(kindOf(error))) found.push({ input: input.toString('latin1'), error });
      },
    });
    assert.deepEqual(found, []);
  });
}

test('the corpus is small, and every folder of it has a target', () => {
  const names = readdirSync(CORPUS);
  assert.deepEqual(
    names.filter((name) => !TARGETS.some((target) => target.name === name)),
    [],
  );
  const sizes = names.flatMap((name) =>
    readdirSync(join(CORPUS, name)).map((file) => statSync(join(CORPUS, name, file)).size),
  );
  assert.ok(sizes.length > 0 && sizes.reduce((sum, size) => sum + size, 0) < 200_000);
  assert.equal(new Set(TARGETS.map(({ name }) => name)).size, TARGETS.length);
});

test('docs/fuzzing.md names every target and who may be hostile to it', () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'fuzzing.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `([\w-]+)` \| [^|]+ \| ([\w, ]+) \|/gm)].map(([, name, hostile]) => [
    name,
    hostile,
  ]);
  assert.deepEqual(
    rows,
    TARGETS.map(({ name, hostile }) => [name, hostile.join(', ')]),
  );
});
