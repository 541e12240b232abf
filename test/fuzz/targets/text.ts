import assert from 'node:assert/strict';
import { csvLines } from '../../../src/cli/csv.ts';
import { table } from '../../../src/cli/table.ts';
import { maskSecrets, redact, safeText } from '../../../src/kernel/redact.ts';
import { printable } from '../../../src/kernel/text.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { recordsOf } from './csv-reference.ts';

/**
 * What may not reach a terminal or a log: control characters, format characters (which hide, join or turn text round: UAX #9), line
 * and paragraph separators.
 */
const ODD = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
/** Formulas for Excel, LibreOffice and Google Sheets, and the white space that they skip (CWE-1236, and OWASP's list of it). */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const SECRET = /gh[kao]_[0-9A-Za-z]{20,}|sk-ant-[\w-]{3,}/;

function runCsv(input: Uint8Array): void {
  const rows = Buffer.from(input)
    .toString()
    .split('\x1e')
    .map((row) => row.split('\x1f'));
  const lines = csvLines(rows);
  assert.ok(lines.every((line) => line.endsWith('\r\n')));
  const read = recordsOf(lines.join(''));
  assert.equal(read.length, rows.length, 'a reader of RFC 4180 sees another number of rows');
  for (const [i, cells] of read.entries()) {
    assert.equal(cells.length, rows[i]?.length, 'a reader of RFC 4180 sees another number of cells');
    for (const [j, cell] of cells.entries()) {
      const own = rows[i]?.[j] ?? '';
      assert.ok(!FORMULA.test(cell), 'a cell is a formula');
      assert.equal(cell, FORMULA.test(own) ? `'${own}` : own, 'a cell is not what was written');
    }
  }
}

function runTerminal(input: Uint8Array): void {
  const text = Buffer.from(input).toString();
  for (const shown of [printable(text), safeText(text), printable(text, 7)]) {
    assert.ok(!ODD.test(shown), 'a character that is not to be shown is shown');
    assert.ok(shown.isWellFormed(), 'half a character is shown');
  }
  assert.ok(!SECRET.test(safeText(text)), 'a credential is shown');
  assert.ok(!SECRET.test(maskSecrets(text)), 'a credential is shown');
  const [name = '', ...rest] = text.split('\x1f');
  const copy = JSON.stringify(redact({ [name]: rest, deep: { [name]: new Error(text) }, text }));
  assert.ok(!SECRET.test(copy), 'a credential is logged');
  assert.ok(!ODD.test(copy), 'a character that is not to be shown is shown');
  assert.ok(copy.length <= 200_000, 'a log line is too long');
}

function runTable(input: Uint8Array): void {
  const rows = Buffer.from(input)
    .toString()
    .split('\x1e')
    .map((row) => row.split('\x1f').map((cell) => printable(cell)));
  const columns = [
    { title: 'name', shrinks: true },
    { title: 'n', right: true },
    { title: 'what', shrinks: true },
  ];
  for (const width of [null, 20, 60, 1]) {
    const lines = table(columns, rows, width);
    assert.equal(lines.length, rows.length + 1, 'a row is not one line');
    const most = Math.max(...rows.map((row) => [...(row[1] ?? '')].length), 1);
    // Two columns shrink to eight characters each, the other keeps its own; two gaps of two.
    if (width !== null)
      assert.ok(
        lines.every((line) => [...line].length <= Math.max(width, 20 + most)),
        'a line is too wide',
      );
    if (width === null) {
      for (const [i, row] of rows.entries()) {
        for (const cell of row.slice(0, 3))
          assert.ok(lines[i + 1]?.includes(cell.trimEnd()), 'a pipe does not get every character');
      }
    }
  }
}

const SEEDS = [
  'name\x1f12\x1fwhat\x1ea,b\x1f"q"\x1f=1+1\x1e-2\x1f@x\x1f\t=x',
  '\u001b[2J\u202ereversed\u2066isolated\u200bhidden',
  'authorization: Bearer abcDEF123456\x1fghk_0123456789abcdefghijABCDEFGHIJ\x1fsk-ant-api03-abc',
  '-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----',
];
const TOKENS = [
  '\x1e',
  '\x1f',
  '=',
  '+',
  '@',
  '-',
  '\t',
  '\r',
  '\n',
  '"',
  '""',
  ',',
  "'",
  ';',
  '\uff1d',
  '\u001b]0;',
  '\u009b',
  '\u061c',
  '\u180e',
  '\u{e0041}',
  '\ufff9',
  '\u2028',
  'ghk_0123456789abcdefghij',
  'sk-ant-',
  'Bearer ',
  'Basic ',
  'password',
  'tokens',
  '=cmd|',
  '😀',
  'e\u0301',
  '字',
];
const one = (name: string, parses: string, run: (input: Uint8Array) => void): FuzzTarget => ({
  name,
  parses,
  run,
  hostile: ['caller', 'provider', 'file'],
  seeds: SEEDS,
  tokens: TOKENS,
});

export const csv = one('csv', 'src/cli/csv.ts', runCsv);
export const terminal = one('terminal', 'src/kernel/text.ts, src/kernel/redact.ts', runTerminal);
export const cliTable = one('table', 'src/cli/table.ts', runTable);
