import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenCounts } from '../../src/projections/usage-fields.ts';
import { usageRows } from '../../src/projections/usage-query.ts';
import { openViews } from '../../src/projections/views.ts';
import { REPORTS } from './fixture.ts';

test('usage reports are read field by field, and what cannot be believed counts nothing', () => {
  for (const { usage, counts, metered } of REPORTS) {
    const read = tokenCounts(usage as never);
    const { inputTokens, cacheWrite5mTokens, cacheWrite1hTokens, cacheReadTokens, outputTokens, webSearches } = read;
    const fields = [inputTokens, cacheWrite5mTokens, cacheWrite1hTokens, cacheReadTokens, outputTokens, webSearches];
    assert.deepEqual(fields, counts, JSON.stringify(usage));
    assert.equal(read.whole, metered, JSON.stringify(usage));
  }
});

test('a usage query with a foreign dimension or bad days is refused', () => {
  const views = openViews(':memory:', assert.fail);
  assert.throws(() => usageRows(views, { by: 'planet' as never, from: '2026-01-01', to: '2026-01-02' }), RangeError);
  assert.throws(() => usageRows(views, { by: 'day', from: '1 May', to: '2026-01-02' }), RangeError);
  assert.deepEqual(usageRows(views, { by: 'day', from: '2026-01-01', to: '2026-01-02' }), []);
  views.close();
});
