import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { titlesOf } from '../architecture/citations.ts';
import { paper, ROOT, tableUnder } from './papers.ts';

const FOLDER = 'test/pains/';
const ROWS = tableUnder(paper('README.md'), 'Bugs of others that Gatehouse is proven not to have');
/** Fewer words than these could stand in any title. */
const LEAST = 12;
/** What is spelled as `repository#number`, and a security advisory. */
const REPORT =
  /^https:\/\/github\.com\/([\w.-]+\/[\w.-]+)\/(?:(?:issues|pull)\/(\d+)|security\/advisories\/(GHSA(?:-\w{4}){3}))$/;

/** `[words](target)` in a cell. */
function linksOf(cell: string): { words: string; target: string }[] {
  return [...cell.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)].map(([, words, target]) => ({
    words: words ?? '',
    target: target ?? '',
  }));
}

const titlesIn = (file: string): string[] => titlesOf(file, paper(file)).map(({ text }) => text);

test('each row of the bugs of others says one, and links every report of it by repository and number', () => {
  assert.ok(ROWS.length >= 30, `only ${ROWS.length} rows were found`);
  for (const [pain = '', reports = '', proof = '', ...more] of ROWS) {
    assert.ok(pain.length >= LEAST && proof !== '' && more.length === 0, pain);
    const links = linksOf(reports);
    assert.ok(links.length > 0, `${pain}: no report is linked`);
    for (const { words, target } of links) {
      const [, repository, number, advisory] = REPORT.exec(target) ?? [];
      assert.ok(repository !== undefined, `${pain}: ${target} is no report`);
      const expected = number === undefined ? advisory : `${repository}#${number}`;
      assert.equal(words, expected, `${pain}: ${target}`);
    }
    const rest = reports.replaceAll(/\[[^\]]+\]\([^)]+\)/g, '').replaceAll(/[,\s]/g, '');
    assert.equal(rest, '', `${pain}: "${rest}" is no link`);
  }
  const pains = ROWS.map(([pain]) => pain);
  assert.equal(new Set(pains).size, pains.length, 'one stands there twice');
});

test('each row of the bugs of others names tests that exist, in words of their titles', () => {
  for (const [pain = '', , proof = ''] of ROWS) {
    const links = linksOf(proof);
    assert.ok(links.length > 0, `${pain}: no test is named`);
    for (const { words, target } of links) {
      assert.ok(target.startsWith(FOLDER) && existsSync(join(ROOT, target)), `${pain}: ${target} is not there`);
      assert.ok(words.length >= LEAST, `${pain}: "${words}" says too little to find a test by`);
      const found = titlesIn(target).filter((title) => title.includes(words));
      assert.equal(found.length, 1, `${pain}: ${found.length} tests of ${target} have "${words}" in their title`);
    }
  }
});

test('each test of test/pains stands in the table', () => {
  const named = ROWS.flatMap(([, , proof = '']) => linksOf(proof));
  const files = readdirSync(join(ROOT, FOLDER)).filter((name) => name.endsWith('.test.ts'));
  assert.ok(files.length > 10);
  for (const name of files) {
    for (const title of titlesIn(FOLDER + name)) {
      const found = named.some(({ words, target }) => target === FOLDER + name && title.includes(words));
      assert.ok(found, `${name}: "${title}" is not in the table`);
    }
  }
});
