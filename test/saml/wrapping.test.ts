import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal, world } from './support.ts';
import { wrapped } from './wrapping.ts';

const { finish } = world();

for (const [name, xml] of wrapped()) {
  test(`wrapped: ${name}`, async () => {
    assert.match(xml, /admin/);
    assert.equal((await refusal(finish(xml))).code, 'response_invalid');
  });
}
