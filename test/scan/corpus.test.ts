import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { JsonScanError, type ScanOptions, scanJson } from '../../src/kernel/json-scan.ts';

// Files are named by what must happen to them: y_… is accepted, n_malformed_… and n_ambiguous_… are refused as such.
const FOLDER = new URL('corpus/', import.meta.url);
const FILES = readdirSync(FOLDER).filter((name) => /^[yn]_.*\.json$/.test(name));
const OPTIONS: ScanOptions = {
  fields: ['model', 'stream', 'max_tokens', 'temperature', 'tools', 'tools[].type', 'metadata.user_id'],
  maxDepth: 64,
};

function parses(body: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
    return true;
  } catch {
    return false;
  }
}

test('the corpus is there', () => {
  assert.ok(FILES.filter((name) => name.startsWith('y_')).length >= 25);
  assert.ok(FILES.filter((name) => name.startsWith('n_')).length >= 90);
});

for (const name of FILES) {
  const body = readFileSync(new URL(name, FOLDER));
  if (name.startsWith('y_')) {
    test(`P4: accepted: ${name}`, () => {
      scanJson(body, OPTIONS);
      assert.ok(parses(body), 'JSON.parse does not accept it, so the file is named wrongly');
    });
  } else {
    test(`P4: refused: ${name}`, () => {
      assert.throws(
        () => scanJson(body, OPTIONS),
        (error) =>
          error instanceof JsonScanError &&
          error.ambiguous === name.startsWith('n_ambiguous_') &&
          error.offset >= 0 &&
          error.offset <= body.length,
      );
      if (name.startsWith('n_malformed_') && !name.includes('depth_65')) assert.ok(!parses(body));
    });
  }
}
