import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { corpusOf, keep, startsOf } from './engine/corpus.ts';
import { fuzz } from './engine/fuzz.ts';
import { minimised } from './engine/minimise.ts';
import { mutate } from './engine/mutate.ts';
import { randomOf } from './engine/random.ts';
import type { FuzzTarget } from './engine/target.ts';

/** A parser with a fault: a closing brace directly behind `"x"` is taken for a value. */
const planted: FuzzTarget = {
  name: 'planted',
  parses: 'nothing of ours',
  hostile: ['caller'],
  seeds: ['{"a":1,"b":[2,3],"c":"d"}'],
  tokens: ['"x"', '{}', ','],
  run(input) {
    if (Buffer.from(input).toString('latin1').includes('"x"}')) throw new Error(`taken at ${input.length}`);
  },
};

test('a planted fault is found, minimised and reported once, the same for the same seed', async () => {
  const hunt = async (): Promise<Buffer[]> => {
    const found: Buffer[] = [];
    const done = (runs: number): boolean => runs >= 20_000 || found.length > 0;
    const report = await fuzz(planted, { seed: 5, done, onFailure: (input) => found.push(input) });
    assert.equal(report.failures, 1);
    return found;
  };
  const [first] = await hunt();
  assert.equal(first?.toString(), '"x"}');
  assert.deepEqual(await hunt(), [first]);
});

test('mutation keeps to its bound, leaves its input alone and repeats itself for a seed', () => {
  const input = Buffer.from('event: a\ndata: {"b":12}\n\n');
  const before = Buffer.from(input);
  const made = (): Buffer[] => {
    const random = randomOf(9);
    const material = { random, others: [input, Buffer.from('other')], tokens: [Buffer.from('data:')], longest: 64 };
    return Array.from({ length: 500 }, () => mutate(input, material));
  };
  const all = made();
  assert.deepEqual(input, before);
  assert.ok(all.every((one) => one.length <= 64));
  assert.ok(new Set(all.map((one) => one.toString('latin1'))).size > 300);
  assert.deepEqual(made(), all);
  // Nothing to start from is a start as well.
  assert.ok(mutate(Buffer.alloc(0), { random: randomOf(1), others: [], tokens: [], longest: 8 }).length <= 8);
});

test('minimising keeps the failure and loses the rest', async () => {
  const fails = async (input: Uint8Array): Promise<boolean> => /k.*z/s.test(Buffer.from(input).toString());
  assert.equal((await minimised(Buffer.from('abck0123456789zxyz'), fails)).toString(), 'kz');
});

test('a kept input comes back byte for byte, as a start and as a regression', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-corpus-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const input = Buffer.from([0, 255, 10, 13]);
  const path = keep('planted', input, root);
  assert.equal(keep('planted', input, root), path);
  assert.deepEqual(
    corpusOf('planted', root).map((entry) => entry.input),
    [input],
  );
  assert.deepEqual(startsOf(planted, root), [Buffer.from(planted.seeds[0] as string), input]);
  assert.deepEqual(corpusOf('no such target', root), []);
});
