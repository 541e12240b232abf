import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { paper, ROOT, tableUnder } from './papers.ts';

const ROWS = tableUnder(paper('docs/operations.md'), 'When things break');
/** Fewer words than these could stand in any title. */
const LEAST = 12;

/** Titles of the tests of a file; `${…}` in them is left as it is written. */
function titlesOf(source: string): string[] {
  const titles = source.matchAll(
    /^\s*(?:test|it)\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/gm,
  );
  return [...titles].map(([, single, double, template]) => (single ?? double ?? template ?? '').replaceAll('\\', ''));
}

/** `[words of a title](path from docs/)` in a cell. */
function linksOf(cell: string): { words: string; file: string }[] {
  return [...cell.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)].map(([, words, path]) => ({
    words: words ?? '',
    file: join(ROOT, 'docs', path ?? ''),
  }));
}

test('each fault in docs/operations.md says what callers see, what is kept, what recovers and what to do', () => {
  assert.ok(ROWS.length >= 15, `only ${ROWS.length} rows were found`);
  for (const row of ROWS) {
    assert.equal(row.length, 6, `${row[0]}: six cells`);
    assert.deepEqual(
      row.filter((cell) => cell === ''),
      [],
      `${row[0]}: a cell is empty; "–" is for nothing`,
    );
  }
  const faults = ROWS.map(([fault]) => fault);
  assert.equal(new Set(faults).size, faults.length, 'a fault stands there twice');
});

test('each fault in docs/operations.md names a test that exists, in words of its title', () => {
  let count = 0;
  for (const [fault = '', ...cells] of ROWS) {
    const links = linksOf(cells.at(-1) ?? '');
    assert.ok(links.length > 0, `${fault}: no test is named`);
    for (const { words, file } of links) {
      assert.ok(existsSync(file), `${fault}: ${file} is not there`);
      assert.ok(words.length >= LEAST, `${fault}: "${words}" says too little to find a test by`);
      const found = titlesOf(readFileSync(file, 'utf8')).filter((title) => title.includes(words));
      assert.equal(found.length, 1, `${fault}: ${found.length} tests of ${file} have "${words}" in their title`);
      count++;
    }
  }
  assert.ok(count >= ROWS.length);
});
