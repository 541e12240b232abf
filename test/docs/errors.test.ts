import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ERRORS_PAGE, errorsPage } from '../../scripts/errors-doc.ts';
import { ERRORS } from '../../src/kernel/errors.ts';

const page = readFileSync(ERRORS_PAGE, 'utf8');

/** The rows about codes, read from the page alone. */
function rows(): string[][] {
  return page
    .split('\n')
    .filter((line) => /^\| `\w+` \|/.test(line))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| |[`]|\s*\|$/g, '').trim()));
}

test('docs/errors.md lists exactly the codes, with their status, type and sentences', () => {
  const listed = rows();
  assert.deepEqual(listed.map(([code]) => code).sort(), Object.keys(ERRORS).sort());
  for (const [code = '', status, type, again, sentence, remedy] of listed) {
    const entry = ERRORS[code as keyof typeof ERRORS];
    assert.deepEqual(
      { status, type, again, sentence, remedy },
      {
        status: String(entry.status),
        type: entry.type,
        again: entry.retry ? 'yes' : 'no',
        sentence: entry.sentence,
        remedy: entry.remedy,
      },
      code,
    );
  }
});

test('docs/errors.md is up to date', () => {
  assert.equal(page, errorsPage(), 'run node scripts/errors-doc.ts');
});

test('no status is used whose message Claude Code replaces, save where the protocol demands it', () => {
  const lost = Object.entries(ERRORS).filter(([, { status }]) => [403, 422, 529].includes(status));
  assert.deepEqual(lost, []);
});
