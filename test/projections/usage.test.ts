import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usageRows } from '../../src/projections/usage-query.ts';
import { openViews } from '../../src/projections/views.ts';

test('a usage query with a foreign dimension or bad days is refused', () => {
  const views = openViews(':memory:', assert.fail);
  assert.throws(() => usageRows(views, { by: 'planet' as never, from: '2026-01-01', to: '2026-01-02' }), RangeError);
  assert.throws(() => usageRows(views, { by: 'day', from: '1 May', to: '2026-01-02' }), RangeError);
  assert.deepEqual(usageRows(views, { by: 'day', from: '2026-01-01', to: '2026-01-02' }), []);
  views.close();
});
