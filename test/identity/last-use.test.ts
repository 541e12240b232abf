import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LastUse } from '../../src/identity/last-use.ts';

test('the newest use of each credential is kept until it was saved', () => {
  const uses = new LastUse();
  assert.deepEqual(uses.snapshot(), []);
  uses.touch('key_a', 10);
  uses.touch('key_b', 11);
  uses.touch('key_a', 12);
  uses.touch('key_a', 9);
  const first = uses.snapshot();
  assert.deepEqual(first, [
    ['key_a', 12],
    ['key_b', 11],
  ]);
  assert.deepEqual(uses.snapshot(), first, 'a failed save loses nothing');
  uses.touch('key_b', 20);
  uses.saved(first);
  assert.deepEqual(uses.snapshot(), [['key_b', 20]]);
});
