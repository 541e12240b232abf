import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROMISES, type PromiseEntry } from '../promises.ts';
import { allTitles, titlesOf } from './citations.ts';

test('the promises are numbered without gaps and each says something', () => {
  assert.deepEqual(
    PROMISES.map(({ id }) => id),
    Array.from({ length: 12 }, (_, i) => `P${i + 1}`),
  );
  for (const { name, sentence } of PROMISES) assert.ok(name.length > 3 && sentence.endsWith('.'));
});

test('every promise that a test title cites is one of ours', () => {
  const known = new Set(PROMISES.map(({ id }) => id));
  const unknown = allTitles().filter(({ cites }) => cites.some((id) => !known.has(id)));
  assert.deepEqual(
    unknown.map(({ file, line, text }) => `${file}:${line}: ${text}`),
    [],
  );
});

/** What is wrong with the table, given the ids that test titles cite. */
function faultsOf(promises: readonly PromiseEntry[], cited: ReadonlySet<string>): string[] {
  return promises.flatMap(({ id, name, since, begun }) => {
    const claims = since !== null || begun !== null;
    if (since !== null && begun !== null) return [`${id} (${name}) cannot be proven and merely begun`];
    if (claims && !cited.has(id)) return [`${id} (${name}) is marked as tested, but no test cites it`];
    if (!claims && cited.has(id)) return [`${id} (${name}) is cited by a test, but marked as not tested yet`];
    return [];
  });
}

test('what is said to be tested is cited by a test, and what is cited is said to be tested', () => {
  assert.deepEqual(faultsOf(PROMISES, new Set(allTitles().flatMap(({ cites }) => cites))), []);
});

test('a table that says too much or too little is found', () => {
  const promise = (id: string, since: string | null, begun: string | null) => ({
    id,
    name: '',
    sentence: '',
    since,
    begun,
  });
  const cited = new Set(['P1', 'P2']);
  assert.deepEqual(
    faultsOf([promise('P1', '1', null), promise('P2', null, 'x'), promise('P3', null, null)], cited),
    [],
  );
  for (const wrong of [
    promise('P1', null, null),
    promise('P3', '1', null),
    promise('P3', null, 'x'),
    promise('P1', '1', 'x'),
  ]) {
    assert.equal(faultsOf([wrong], cited).length, 1);
  }
});

test('titles are read from every form of test, and from nothing else', () => {
  const source = `
test('P1: a', () => {});
test.only("P2 and P3: b", () => {});
describe(\`P4: \${x}\`, () => { it('c (P5)', () => {}); });
await t.test('P6', { skip: true }, () => {});
const title = 'P7'; regex.test(title); // test('P8', …)
assert.equal(1, 1, 'P9'); helper("test('P10')");`;
  const titles = titlesOf('x.test.ts', source);
  assert.deepEqual(
    titles.flatMap(({ cites }) => cites),
    ['P1', 'P2', 'P3', 'P4', 'P5', 'P6'],
  );
  assert.equal(titles[0]?.line, 2);
});
