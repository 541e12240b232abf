import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { importPolicy } from '../../src/policy/import/import.ts';
import { FIXTURES, fixture, places, translate } from './support.ts';

/** Every literal credential of the fixtures. */
const LITERALS = [
  /LITERAL/,
  /wJalrXUtn/,
  /hunter2/,
  /sk-1234/,
  /dbpass99/,
  /XXXXXXXX/,
  /literal-oidc-secret/,
  /abcdefghij/,
  /abcdef1234567890/,
  /a1b2c3/,
  /9z8y7x/,
];

for (const [kind, file] of FIXTURES) {
  test(`P5: ${kind}: no credential of the input is in what comes out`, () => {
    const out = JSON.stringify(translate(kind, fixture(file)));
    for (const literal of LITERALS) assert.doesNotMatch(out, literal);
  });

  test(`P5: ${kind}: a credential at any place, as value or as name, is never repeated`, () => {
    const canaries = [
      'sk-ant-api03-Canary7Canary7Canary7Canary7',
      'sk-Canary7Canary7',
      'postgres://gw:Canary7word@db/x',
      'eyJhbGciOiJIUzI1NiJ9.eyJDYW5hcnk3.Canary7Canary7',
      'Canary7a8b9c0d1e2f3a4b5c6d7e8f9',
      // Written as the name of a variable by mistake.
      'os.environ/Canary7a8b9c0d1e2f3a4b5c6d7e8f9',
    ];
    const value: unknown = parse(fixture(file));
    // Every place with some of the shapes: each shape everywhere would take five times as long and find nothing else.
    for (let n = 0; n < countOf(value); n++) {
      for (const canary of [canaries[n % 6], canaries[(n + 3) % 6], canaries[5]]) {
        const text = JSON.stringify(replaced(value, { left: n }, canary ?? ''));
        const result = importPolicy(kind, { text, file: 'x' });
        assert.doesNotMatch(JSON.stringify(result), /canary7/i, text.slice(0, 2000));
      }
    }
  });
}

/** Strings and names in the document. */
function countOf(value: unknown): number {
  if (typeof value === 'string') return 1;
  if (typeof value !== 'object' || value === null) return 0;
  const names = Array.isArray(value) ? 0 : Object.keys(value).length;
  return names + Object.values(value).reduce((sum: number, inner) => sum + countOf(inner), 0);
}

/** The document with the text at the string or name of this number. */
function replaced(value: unknown, at: { left: number }, put: string): unknown {
  if (typeof value === 'string') return at.left-- === 0 ? put : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => replaced(item, at, put));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [at.left-- === 0 ? put : key, replaced(inner, at, put)]),
  );
}

test('P5: a credential in the clear is noted with its place; a reference is not', () => {
  const notes = places(
    translate('litellm', 'general_settings:\n  master_key: my-plain-word\n  database_url: os.environ/DATABASE_URL\n'),
  );
  assert.ok(notes.includes('check general_settings.master_key'));
  assert.ok(!notes.includes('check general_settings.database_url'));
});

test('P5: a fault in the file does not repeat what stands there', () => {
  const text =
    'litellm_settings:\n  sk-ant-api03-Canary7Canary7: &a {}\n  x: *a\n  sk-Canary7Canary7: { "__proto__": 1 }\n';
  const result = importPolicy('litellm', { text, file: 'x' });
  assert.equal(result.ok, false);
  assert.doesNotMatch(JSON.stringify(result), /canary7/i);
});

test('P5: an address with a credential in it is not copied to the configuration', () => {
  for (const base of [
    'https://user:Canary7@proxy.example',
    'https://proxy.example/?key=Canary7',
    'javascript:Canary7',
  ]) {
    const text = JSON.stringify({
      model_list: [{ model_name: 'a', litellm_params: { model: 'anthropic/claude-opus-5-5', api_base: base } }],
    });
    const result = translate('litellm', text);
    assert.doesNotMatch(JSON.stringify(result), /canary7/i);
    assert.doesNotMatch(result.config ?? '', /url:/);
  }
});
