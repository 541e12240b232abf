import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { directivesIn, wordsOf } from '../../src/upstream/simulated/directive.ts';

test('directives are found in order, with their arguments', () => {
  assert.deepEqual(directivesIn('a [[sim:cut]] b [[sim:status 529 times=2]] c'), [
    { name: 'cut', args: '', raw: '[[sim:cut]]' },
    { name: 'status', args: '529 times=2', raw: '[[sim:status 529 times=2]]' },
  ]);
});

test('JSON arguments may hold brackets, quotes and escapes', () => {
  const text = '[[sim:tool Bash {"a":[["]]"]],"b":"}\\"]]"}]] after';
  assert.deepEqual(directivesIn(text), [
    { name: 'tool', args: 'Bash {"a":[["]]"]],"b":"}\\"]]"}', raw: text.slice(0, -' after'.length) },
  ]);
});

test('a directive inside another belongs to the outer one', () => {
  assert.deepEqual(directivesIn('[[sim:agent Say "hi [[sim:tool Bash {"command":"ls"}]]]]'), [
    {
      name: 'agent',
      args: 'Say "hi [[sim:tool Bash {"command":"ls"}]]',
      raw: '[[sim:agent Say "hi [[sim:tool Bash {"command":"ls"}]]]]',
    },
  ]);
});

test('what is not closed or has no name is no directive', () => {
  for (const text of [
    '',
    'plain',
    '[[sim:cut]',
    '[[sim:cut',
    '[[sim:]]',
    '[[sim: cut]]',
    '[[sim:Cut]]',
    '[[ sim:cut]]',
  ]) {
    assert.deepEqual(directivesIn(text), [], text);
  }
  assert.deepEqual(directivesIn('[[sim:cut'.repeat(200_000)), []);
});

test('any JSON object survives as the argument of a tool', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (input, tail) => {
      const found = directivesIn(`[[sim:tool T ${JSON.stringify(input)}]]${tail}`)[0];
      assert.equal(found?.args, `T ${JSON.stringify(input)}`);
    }),
    { seed: 7, numRuns: 300 },
  );
});

test('words are split into positional ones and options', () => {
  const { positional, options } = wordsOf('529  retry-after=1\nextra a=b=c =x');
  assert.deepEqual(positional, ['529', 'extra', '=x']);
  assert.deepEqual(
    [...options],
    [
      ['retry-after', '1'],
      ['a', 'b=c'],
    ],
  );
});
