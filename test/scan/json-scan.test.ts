import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonScanError, scanJson } from '../../src/kernel/json-scan.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const scan = (text: string, ...fields: string[]) => scanJson(bytes(text), { fields, maxDepth: 32 });
const refusal = (text: string, ...fields: string[]): JsonScanError => {
  try {
    scan(text, ...fields);
  } catch (error) {
    assert.ok(error instanceof JsonScanError);
    return error;
  }
  return assert.fail(`accepted: ${text}`);
};

test('P4: finds values of every kind with their place', () => {
  const text = ' {"s":"a\\n\\u00e9","n":-12.5,"t":true,"f":false,"z":null,"o":{"k":[1]},"a":[ ]} ';
  const result = scan(text, 's', 'n', 't', 'f', 'z', 'o', 'a', 'absent');
  const seen = ['s', 'n', 't', 'f', 'z', 'o', 'a'].map((path) => {
    const value = result.first(path);
    assert.ok(value);
    return [value.kind, value.value, text.slice(value.start, value.end)];
  });
  assert.deepEqual(seen, [
    ['string', 'a\né', '"a\\n\\u00e9"'],
    ['number', -12.5, '-12.5'],
    ['true', true, 'true'],
    ['false', false, 'false'],
    ['null', null, 'null'],
    ['object', undefined, '{"k":[1]}'],
    ['array', undefined, '[ ]'],
  ]);
  assert.equal(result.root, 'object');
  assert.equal(result.first('absent'), undefined);
  assert.equal(result.found.has('absent'), false);
});

test('P4: follows dotted paths and array items, and only them', () => {
  const text =
    '{"tools":[{"type":"a","x":{"type":"no"}},[{"type":"no"}],7,{"type":"b"}],"metadata":{"user_id":"u"},"type":"no"}';
  const result = scan(text, 'tools', 'tools[].type', 'metadata.user_id');
  assert.deepEqual(
    result.found.get('tools[].type')?.map((value) => value.value),
    ['a', 'b'],
  );
  assert.equal(result.first('metadata.user_id')?.value, 'u');
  assert.equal(result.first('tools')?.kind, 'array');
});

test('P4: an object where a list was expected yields nothing below it', () => {
  const result = scan(
    '{"tools":{"type":"a"},"metadata":[{"user_id":"u"}]}',
    'tools',
    'tools[].type',
    'metadata.user_id',
  );
  assert.equal(result.first('tools')?.kind, 'object');
  assert.equal(result.first('tools[].type'), undefined);
  assert.equal(result.first('metadata.user_id'), undefined);
});

test('a root array and lists in lists have paths too', () => {
  assert.deepEqual(
    scan('[{"method":"a"},{"method":"b"}]', '[].method')
      .found.get('[].method')
      ?.map((value) => value.value),
    ['a', 'b'],
  );
  assert.equal(scan('{"a":[[1],[2]]}', 'a[][]').found.get('a[][]')?.length, 2);
});

test('offsets are bytes, also in a view that starts at an odd place', () => {
  const text = '{"é😀":"é","model":"ü"}';
  const whole = new Uint8Array(bytes(text).length + 7).fill(0x20);
  whole.set(bytes(text), 3);
  const view = whole.subarray(3, 3 + bytes(text).length);
  const value = scanJson(view, { fields: ['model'], maxDepth: 4 }).first('model');
  assert.equal(value?.value, 'ü');
  assert.equal(new TextDecoder().decode(view.slice(value?.start, value?.end)), '"ü"');
});

test('P4: the same name twice is ambiguous where it decides, and allowed elsewhere', () => {
  assert.equal(refusal('{"model":1,"model":1}', 'model').ambiguous, true);
  assert.equal(refusal('{"metadata":{},"metadata":{}}', 'metadata.user_id').ambiguous, true);
  assert.equal(refusal('{"tools":[{"type":1,"type":1}]}', 'tools[].type').ambiguous, true);
  scan('{"tools":[{"type":1},{"type":1}],"x":{"model":1,"model":2},"y":1,"y":2}', 'model', 'tools[].type');
  scan('{"a":{"b":1},"c":{"b":2}}', 'a.b', 'c.b');
});

test('P4: a variant names the field it could be taken for', () => {
  for (const name of [
    'Model',
    'MODEL',
    'model ',
    'mo\\u0000del',
    'model\\u0000x',
    'm\\u200bodel',
    'ｍodel',
    '\\u0009model',
    '𝐦𝐨𝐝𝐞𝐥',
  ]) {
    const error = refusal(`{"${name}":1}`, 'model');
    assert.equal(error.ambiguous, true);
    assert.equal(error.reason, 'a name is a variant of "model"');
    assert.equal(error.offset, 1);
  }
  assert.equal(refusal('{"inputresponses":1}', 'inputResponses').ambiguous, true);
  scan('{"models":1,"mode":1,"módel":1,"_model":1,"mod":{"Model":1},"":1}', 'model');
});

test('P4: decided numbers are those that every parser reads alike', () => {
  for (const number of [
    '0',
    '1',
    '-1',
    '32000',
    '9007199254740992',
    '-9007199254740992',
    '0.7',
    '1.0',
    '1e3',
    '1E-3',
    '12.50',
    '5e-324',
    '0.0',
  ])
    assert.equal(scan(`{"n":${number}}`, 'n').first('n')?.value, Number(number));
  for (const number of [
    ...[
      '9007199254740993',
      '-9007199254740993',
      '18446744073709551616',
      '1e16',
      '1e309',
      '-1e309',
      '1e-324',
      '-0',
      '-0.0',
    ],
    ...['0.1000000000000000055511151231257827', '9007199254740992.5', '1.00000000000000000001', `1${'0'.repeat(64)}`],
    ...[`0.${'0'.repeat(70)}1`, '123456789012345678'],
  ]) {
    const error = refusal(`{"n":${number}}`, 'n');
    assert.equal(error.ambiguous, true, number);
    scan(`{"n":${number}}`, 'other');
  }
});

test('depth is bounded exactly, and by the bound alone', () => {
  const nested = (open: string, close: string, depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;
  scan(nested('[', ']', 32), 'model');
  scan(nested('{"a":', '}', 32), 'model');
  assert.equal(refusal(nested('[', ']', 33), 'model').reason, 'the JSON is nested deeper than 32 levels');
  assert.equal(refusal(nested('{"a":', '}', 33), 'model').ambiguous, false);
  scanJson(bytes(nested('[', ']', 300_000)), { fields: [], maxDepth: 300_000 });
});

test('the number of found values is bounded', () => {
  const options = { fields: ['[]'], maxDepth: 2, maxFound: 3 };
  assert.equal(scanJson(bytes('[1,2,3]'), options).found.get('[]')?.length, 3);
  assert.throws(() => scanJson(bytes('[1,2,3,4]'), options), /too many deciding values/);
});

test('names of the language itself are plain names', () => {
  const result = scan(
    '{"__proto__":{"model":"x"},"constructor":"c","toString":1}',
    'model',
    '__proto__',
    'constructor',
  );
  assert.equal(result.first('model'), undefined);
  assert.equal(result.first('constructor')?.value, 'c');
  assert.equal(result.first('__proto__')?.kind, 'object');
  assert.equal(({} as { model?: unknown }).model, undefined);
});

test('a refusal says where and carries nothing of the body', () => {
  const error = refusal('{"model":"secret-value" "x"}', 'model');
  assert.equal(error.offset, 24);
  assert.equal(error.ambiguous, false);
  assert.ok(!`${error.message}${error.reason}`.includes('secret'));
  assert.equal(refusal('{"model":"secret').offset, 16);
});

test('hostile shapes of a megabyte are read to their end', () => {
  const size = 1_000_000;
  scan(`{"${'\\u0301\\u0316'.repeat(size / 12)}":1}`, 'model');
  scan(`{"${'\u0301'.repeat(size / 4)}${'\u0316'.repeat(size / 4)}":1}`, 'model');
  scan(`{"x":"${'\\n'.repeat(size / 2)}"}`, 'model');
  scan(`{"x":[${'"",'.repeat(size / 3)}0]}`, 'model');
  assert.equal(refusal(`{"n":${'0'.repeat(size)}}`, 'n').ambiguous, false);
  assert.equal(refusal(`{"n":1${'0'.repeat(size)}1}`, 'n').ambiguous, true);
  assert.equal(refusal(`{"${' '.repeat(size)}model":1}`, 'model').ambiguous, true);
});

test('a path of another shape is a mistake of the caller', () => {
  for (const path of ['', '.', 'a..b', 'a.', 'a[0]', '[]a', 'a b']) assert.throws(() => scan('{}', path), TypeError);
});
