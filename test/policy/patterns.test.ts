import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { covers, matches, modelPattern, overlap, undated } from '../../src/policy/patterns.ts';

const RUN = { seed: 20_261_124, numRuns: 3_000 };

test('patterns name what they say', () => {
  for (const [pattern, name, expected] of [
    ['claude-sonnet-4-5', 'claude-sonnet-4-5', true],
    ['claude-sonnet-4-5', 'claude-sonnet-4-5-20250929', true],
    ['claude-sonnet-4-5', 'claude-sonnet-4-5@20250929', true],
    ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5-20250929', true],
    ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5', false],
    ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5-20251001', false],
    ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5@20250929', false],
    ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5-20250929-20251001', false],
    ['claude-sonnet-4', 'claude-sonnet-4-5', false],
    ['claude-sonnet-4', 'claude-sonnet-4-5-20250929', false],
    ['claude-sonnet-4-5', 'claude-sonnet-4-5-2025092', false],
    ['claude-sonnet-4-5', 'claude-sonnet-4-5-202509290', false],
    ['claude-sonnet-4-5', 'claude-sonnet-4-5-99999999', false],
    ['claude-sonnet-4-5', 'Claude-Sonnet-4-5', false],
    ['claude-*', 'claude-', true],
    ['claude-*', 'claude-opus-5', true],
    ['claude-*', 'xclaude-opus-5', false],
    ['*-5', 'claude-opus-5-20260101', true],
    ['*-20260101', 'claude-opus-5-20260101', true],
    ['*', '', true],
    ['**', 'a', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['*ab*ab*', 'abab', true],
    ['*ab*ab*', 'ab', false],
    ['a*bc*d', 'abcbcd', true],
    ['a*bc*cd', 'abcd', false],
    ['claude-3.5', 'claude-3x5', false],
    ['[1m]', '1', false],
  ] as const) {
    assert.equal(matches(pattern, name), expected, `${pattern} ${name}`);
  }
});

test('a name loses the day of its snapshot and nothing else', () => {
  for (const [name, bare] of [
    ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5'],
    ['claude-sonnet-4-5@20250929', 'claude-sonnet-4-5'],
    ['claude-sonnet-4-5', 'claude-sonnet-4-5'],
    ['claude-20250929-x', 'claude-20250929-x'],
    ['claude20250929', 'claude20250929'],
  ] as const) {
    assert.equal(undated(name), bare);
  }
});

/** A matcher that tries everything: slow, and plain to see. */
function tried(pattern: string, name: string): boolean {
  if (pattern === '') return name === '';
  if (pattern[0] === '*') return tried(pattern.slice(1), name) || (name !== '' && tried(pattern, name.slice(1)));
  return pattern[0] === name[0] && tried(pattern.slice(1), name.slice(1));
}

const text = (letters: string) =>
  fc.array(fc.constantFrom(...letters), { maxLength: 7 }).map((signs) => signs.join(''));

test('matching agrees with a matcher that tries everything', () => {
  fc.assert(
    fc.property(text('ab*'), text('ab'), (pattern, name) => {
      assert.equal(matches(pattern, name), tried(pattern, name));
    }),
    RUN,
  );
});

const dated = fc.constantFrom('', '', '-20250929', '@20250929');
const patterns = fc.tuple(text('ab*'), dated).map((parts) => parts.join(''));

test('what a pattern covers is no more than it names, and patterns that share a name overlap', () => {
  const names = ['', 'a', 'b', 'ab', 'ba', 'aab', 'aba', 'bbaa'].flatMap((name) =>
    ['', '-20250929', '@20250929', '-20260101'].map((day) => name + day),
  );
  let covered = 0;
  let disjoint = 0;
  fc.assert(
    fc.property(patterns, patterns, (wide, narrow) => {
      if (covers(wide, narrow)) {
        covered++;
        for (const name of names)
          if (matches(narrow, name)) assert.ok(matches(wide, name), `${wide} ${narrow} ${name}`);
      }
      if (!overlap(wide, narrow)) {
        disjoint++;
        for (const name of names)
          assert.ok(!matches(wide, name) || !matches(narrow, name), `${wide} ${narrow} ${name}`);
      }
    }),
    RUN,
  );
  assert.ok(covered > 100 && disjoint > 100, `${covered} ${disjoint}`);
});

test('patterns overlap where there is a name for both, and only there', () => {
  for (const [a, b, expected] of [
    ['claude-*', '*-5', true],
    ['claude-opus-*', 'claude-sonnet-*', false],
    ['claude-sonnet-4', 'claude-sonnet-4-5', false],
    ['claude-sonnet-4-5', 'claude-sonnet-4-5-20250929', true],
    ['claude-sonnet-4-5@20250929', 'claude-sonnet-4-5-20250929', false],
    ['claude-sonnet-4-5', 'claude-sonnet-4-5-2025*', true],
    ['claude-sonnet-4-5', 'claude-sonnet-4-5-x*', false],
    ['a*b', 'a*c', false],
    ['a*b', '*', true],
  ] as const) {
    assert.equal(overlap(a, b), expected, `${a} ${b}`);
    assert.equal(overlap(b, a), expected, `${b} ${a}`);
  }
});

test('signs that other languages of patterns know are refused, not read in another way', () => {
  for (const pattern of ['claude-?', '!claude', '{a,b}', 'a|b', '^a$', 'a b', 'a,b', '', 'a\u200bb', 'claudé', '(a)']) {
    assert.equal(modelPattern.safeParse(pattern).success, false, pattern);
  }
  for (const pattern of ['*', 'us.anthropic.claude-opus-5-v1:0', 'claude-opus-5[1m]', 'vendor/claude@20260101']) {
    assert.equal(modelPattern.safeParse(pattern).success, true, pattern);
  }
});
