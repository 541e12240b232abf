import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonScanError, scanJson } from '../../src/kernel/json-scan.ts';
import { type Case, INVALID, NOT_UTF8, TWO_READINGS, VALID } from './json-cases.ts';
import { parsed } from './targets/json-reference.ts';

const DEPTH = 64;
const bytes = (text: string | Buffer): Buffer => Buffer.from(text as string);

function verdict(body: Buffer, fields: readonly string[] = []): 'accepted' | 'ambiguous' | 'malformed' {
  try {
    scanJson(body, { fields, maxDepth: DEPTH });
    return 'accepted';
  } catch (error) {
    assert.ok(error instanceof JsonScanError, String(error));
    return error.ambiguous ? 'ambiguous' : 'malformed';
  }
}

const each = (cases: readonly Case[], check: (body: Buffer, name: string) => void): void => {
  for (const [name, text] of cases) check(bytes(text), name);
};

test('P4: what RFC 8259 allows is accepted', () => {
  each(VALID, (body, name) => {
    assert.notEqual(parsed(body), undefined, `${name}: the table is wrong`);
    assert.equal(verdict(body), 'accepted', name);
  });
});

test('P4: what RFC 8259 does not allow is refused', () => {
  each(INVALID, (body, name) => {
    assert.equal(parsed(body), undefined, `${name}: the table is wrong`);
    assert.notEqual(verdict(body), 'accepted', name);
    assert.notEqual(verdict(body, ['a', '[]']), 'accepted', name);
  });
});

test('P4: bytes that are not UTF-8 are refused as ambiguous, wherever they stand', () => {
  each(NOT_UTF8, (body, name) => assert.equal(verdict(body), 'ambiguous', name));
});

test('P4: what parsers read in several ways is kept where nothing decides on it, and refused where something does', () => {
  each(TWO_READINGS, (value, name) => {
    for (const [body, path] of [
      [`{"a":${value}}`, 'a'],
      [`[${value}]`, '[]'],
      [`{"t":[{"a":${value}}]}`, 't[].a'],
    ] as const) {
      assert.equal(verdict(bytes(body)), 'accepted', name);
      assert.equal(verdict(bytes(body), ['other', path]), 'ambiguous', name);
    }
  });
});

test('depth is bounded without recursion: a hundred thousand levels are refused at the bound', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
    ['[{"":', '}]'],
  ] as const) {
    for (const text of [open.repeat(100_000), `${open.repeat(100_000)}1${close.repeat(100_000)}`]) {
      assert.throws(
        () => scanJson(bytes(text), { fields: ['a.a.a', '[][]'], maxDepth: DEPTH }),
        (error) => error instanceof JsonScanError && /nested deeper/.test(error.reason) && error.offset <= 400,
      );
    }
    assert.equal(verdict(bytes(`${open.repeat(32)}1${close.repeat(32)}`)), 'accepted');
  }
});

test('every text of the tables is told apart when it is cut short or goes on', () => {
  each([...VALID, ...TWO_READINGS], (body, name) => {
    for (let end = 0; end < body.length; end++) {
      const cut = body.subarray(0, end);
      if (verdict(cut) === 'accepted') assert.notEqual(parsed(cut), undefined, `${name} cut at ${end}`);
    }
    const more = Buffer.concat([body, bytes(' ]')]);
    assert.equal(verdict(more), 'malformed', name);
  });
});
