import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALGORITHMS } from '../../src/identity/oidc/algorithms.ts';
import { openToken } from '../../src/identity/oidc/jws.ts';
import { strictObject } from '../../src/identity/oidc/strict-json.ts';
import { checkAnswer } from '../../src/identity/saml/hygiene.ts';
import { readAnswer } from '../../src/identity/saml/refuse.ts';
import { scanJson } from '../../src/kernel/json-scan.ts';
import { safeText } from '../../src/kernel/redact.ts';
import { parseTraceparent, parseTracestate } from '../../src/kernel/trace.ts';
import { matches } from '../../src/policy/patterns.ts';
import { SseScanner } from '../../src/upstream/sse.ts';
import { Coverage } from './engine/coverage.ts';

const FIELDS = ['model', 'tools[].type', 'tools[]'];

function scan(text: string): void {
  try {
    scanJson(Buffer.from(text), { fields: FIELDS, maxDepth: 64, maxFound: 1_000_000 });
  } catch {
    // Refused bodies must be as cheap as accepted ones.
  }
}

/** Feeds a stream in chunks of one hundred bytes. */
function frame(text: string): void {
  const bytes = Buffer.from(text);
  const scanner = new SseScanner(() => undefined);
  for (let at = 0; at < bytes.length; at += 100) scanner.push(bytes.subarray(at, at + 100));
}

/** Refused ones must be as cheap as accepted ones, here too. */
function whatever(read: () => unknown): void {
  try {
    read();
  } catch {
    // It is the work that counts.
  }
}

const token = (text: string) => whatever(() => openToken(text, ALGORITHMS));
const RESPONSE = '<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol">';
const answer = (inside: string) =>
  whatever(() => checkAnswer(readAnswer('the answer', `${RESPONSE}${inside}</p:Response>`)));

/** Inputs of a size, each made to be dear for the parser that reads it. */
const DEAR: Readonly<Record<string, (size: number) => void>> = {
  'json: backslashes': (n) => scan(`["${'\\\\'.repeat(n)}"]`),
  'json: escapes in names': (n) => scan(`{${Array.from({ length: n / 10 }, (_, i) => `"\\u0061${i}":0`).join()}}`),
  'json: white space': (n) => scan(' '.repeat(n)),
  'json: digits': (n) => scan(`{"model":${'9'.repeat(n)}}`),
  'json: combining marks in a name': (n) => scan(`{"model${'\u0301'.repeat(n)}":1}`),
  'json: nulls in a name': (n) => scan(`{"m${'\\u0000'.repeat(n)}":1}`),
  'json: found values': (n) => scan(`{"tools":[${'{"type":"a"},'.repeat(n / 10)}0]}`),
  'json: open brackets': (n) => scan('['.repeat(n)),
  'json: siblings': (n) => scan(`[${'[],'.repeat(n)}0]`),
  'sse: one long line': (n) => frame(`data: ${'x'.repeat(n)}`),
  'sse: carriage returns': (n) => frame('\r'.repeat(n)),
  'sse: line feeds, and one return at the end': (n) => frame(`${'\n'.repeat(n)}\r`),
  'sse: many data lines': (n) => frame('data: x\n'.repeat(n)),
  'sse: byte order marks': (n) => frame('\ufeff'.repeat(n)),
  'trace: dashes': (n) => parseTraceparent('0-'.repeat(n)),
  'trace: members': (n) => parseTracestate('a=b,'.repeat(n)),
  'token: dots': (n) => token('.'.repeat(n)),
  'token: one long part': (n) => token(`eyJhbGciOiJSUzI1NiJ9.${'A'.repeat(n)}.AA`),
  'token: names of claims': (n) =>
    void strictObject(Buffer.from(`{${Array.from({ length: n / 10 }, (_, i) => `"\\u0061${i}":0`).join()}}`)),
  'saml: siblings': (n) => answer('<p:a/>'.repeat(n / 6)),
  'saml: ids': (n) => answer(Array.from({ length: n / 10 }, (_, i) => `<p:a ID="a${i}"/>`).join('')),
  'saml: references': (n) => answer('&amp;'.repeat(n / 5)),
  'saml: almost a tag': (n) => answer(`<${'a'.repeat(n)}`),
  'saml: white space in a tag': (n) => answer(`<p:a${' '.repeat(n)}b`),
  'saml: one long value': (n) => answer(`<p:a b="${'>'.repeat(n)}"/>`),
  'saml: declarations': (n) =>
    answer(Array.from({ length: n / 40 }, (_, i) => `<x xmlns:a${i}="urn:a${i}"/>`).join('')),
  'saml: open elements': (n) => answer('<p:a>'.repeat(n / 5)),
  'saml: signatures': (n) => answer('<s:Signature xmlns:s="http://www.w3.org/2000/09/xmldsig#"/>'.repeat(n / 60)),
  'text: almost secrets': (n) => safeText('Bearer eyJ-----BEGIN '.repeat(n / 10)),
  'patterns: stars': (n) => matches(`${'*a'.repeat(50)}b`, 'a'.repeat(n)),
};

test('time grows with the size of the input: twice the input is at most about twice the work, counted and not clocked', () => {
  const coverage = new Coverage('/src/');
  try {
    const cost = (run: (size: number) => void, size: number): number => {
      run(size);
      coverage.work();
      run(size);
      return coverage.work();
    };
    for (const [name, run] of Object.entries(DEAR)) {
      const [small, large] = [cost(run, 2_000), cost(run, 8_000)];
      assert.ok(small > 0, `${name}: nothing was counted`);
      assert.ok(large <= 4.5 * small + 200, `${name}: ${large} is more than 4 times ${small}`);
    }
  } finally {
    coverage.close();
  }
});

test('the measure of work sees what grows faster than its input', () => {
  const coverage = new Coverage('/test/fuzz/');
  try {
    const square = (size: number): void => {
      let steps = 0;
      for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) steps += (i ^ j) & 1;
      assert.ok(steps >= 0);
    };
    const cost = (size: number): number => {
      coverage.work();
      square(size);
      return coverage.work();
    };
    const [small, large] = [cost(100), cost(400)];
    assert.ok(large > 10 * small, `${large} against ${small}`);
  } finally {
    coverage.close();
  }
});
