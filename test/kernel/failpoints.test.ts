import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { armFailpoints, FAILPOINTS, type Failpoint, failpoint } from '../../src/kernel/failpoints.ts';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));

function sources(): { name: string; text: string }[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('failpoints.ts'))
    .map((name) => ({ name, text: readFileSync(SRC + name, 'utf8') }));
}

test('every failpoint of the list stands in the code, once, and none arms itself there', () => {
  const used: string[] = [];
  for (const { name, text } of sources()) {
    for (const [, point = ''] of text.matchAll(/\bfailpoint\('([^']+)'\)/g)) used.push(point);
    assert.ok(!text.includes('armFailpoints'), `${name} arms failpoints: only tests may`);
  }
  assert.deepEqual(used.sort(), Object.keys(FAILPOINTS).sort());
});

test('a failpoint does nothing until it is armed, and nothing again once disarmed', () => {
  const hits: Failpoint[] = [];
  failpoint('outbox.read');
  const disarm = armFailpoints((name) => hits.push(name));
  failpoint('outbox.recorded');
  disarm();
  failpoint('outbox.read');
  assert.deepEqual(hits, ['outbox.recorded']);
});
