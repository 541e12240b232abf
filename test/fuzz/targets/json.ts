import assert from 'node:assert/strict';
import { Refusal } from '../../../src/kernel/errors.ts';
import { JsonScanError, scanJson } from '../../../src/kernel/json-scan.ts';
import { fieldsIn } from '../../../src/steps/carry/body.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { names, parsed, type Value, valuesAt } from './json-reference.ts';
import { askedIn } from './server-side-reference.ts';

const PATHS = [
  'model',
  'stream',
  'max_tokens',
  'tools[].type',
  'tools[].max_uses',
  'metadata.user_id',
  'tools[]',
] as const;
const DEPTH = 24;

function runScan(input: Uint8Array): void {
  let found: ReturnType<typeof scanJson>;
  const value = parsed(input);
  try {
    found = scanJson(input, { fields: PATHS, maxDepth: DEPTH });
  } catch (error) {
    if (!(error instanceof JsonScanError)) throw error;
    assert.ok(error.offset >= 0 && error.offset <= input.length, 'the place is outside the body');
    const bound = /nested deeper/.test(error.reason);
    if (!error.ambiguous && !bound) assert.equal(value, undefined, 'what JSON.parse takes was called malformed');
    return;
  }
  assert.notEqual(value, undefined, 'what JSON.parse refuses was accepted');
  for (const path of PATHS) {
    const expected = valuesAt(value as Value, path);
    const own = found.found.get(path) ?? [];
    const text = (start: number, end: number): Value =>
      JSON.parse(Buffer.from(input.subarray(start, end)).toString()) as Value;
    assert.deepEqual(
      own.map(({ start, end }) => text(start, end)),
      expected,
      `${path} is not what JSON.parse finds`,
    );
    for (const [i, one] of own.entries()) {
      if (one.kind !== 'object' && one.kind !== 'array')
        assert.deepEqual(one.value, expected[i], `${path} is read otherwise`);
    }
  }
  checkNames(input);
}

/** Of an accepted body: where a name is decided on, no object has it twice or in other clothes. Read off the text, not off a parser's objects. */
function checkNames(input: Uint8Array): void {
  const wanted: Readonly<Record<string, readonly string[]>> = {
    '': ['model', 'stream', 'max_tokens', 'tools', 'metadata'],
    'tools[]': ['type', 'max_uses'],
    metadata: ['user_id'],
  };
  for (const { path, members } of names(Buffer.from(input).toString())) {
    for (const name of wanted[path] ?? []) {
      const alike = members.filter((member) => plain(member) === name);
      assert.ok(
        alike.length <= 1 && alike.every((member) => member === name),
        `"${name}" stands twice or in other clothes`,
      );
    }
  }
}

/** A name as the most forgiving reader sees it: in one case, without what cannot be seen, compatible characters as one. */
const plain = (name: string): string =>
  name
    .normalize('NFKC')
    .replace(/[\p{Cc}\p{Cf}\p{Z}]/gu, '')
    .toUpperCase()
    .toLowerCase();

const CODES = new Set(['request_malformed', 'request_ambiguous']);

function runRequest(input: Uint8Array): void {
  const value = parsed(input);
  let fields: ReturnType<typeof fieldsIn>;
  try {
    fields = fieldsIn(Buffer.from(input));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    assert.ok(CODES.has(error.code), `a body was refused as ${error.code}`);
    return;
  }
  assert.ok(value !== undefined && typeof value === 'object' && value !== null && !Array.isArray(value));
  assert.equal(fields.model, value.model);
  assert.match(fields.model ?? '', /^[\w.:@/+-]{1,256}$/);
  assert.equal(fields.stream, value.stream === true);
  const own = typeof value.max_tokens === 'number' ? value.max_tokens : null;
  assert.ok(own === null ? fields.maxTokens === null : (fields.maxTokens ?? -1) >= own, 'max_tokens is read too small');
  const asked = askedIn(value);
  for (const { capability, uses } of asked.capabilities) {
    const same = fields.serverSide.asked.filter((one) => one.capability === capability);
    assert.ok(same.length > 0, `${capability} is asked for and was not seen`);
    if (uses === null)
      assert.ok(
        same.some((one) => one.uses === null),
        `${capability} has no bound and was given one`,
      );
  }
  for (const model of asked.models) assert.ok(fields.serverSide.models.includes(model), 'a further model was not seen');
  if (asked.opaque) assert.ok(fields.serverSide.opaque, 'content whose tokens nothing bounds was not seen');
}

const REQUESTS = [
  '{"model":"claude-opus-5-5","max_tokens":16,"stream":true,"messages":[{"role":"user","content":"hi"}],"metadata":{"user_id":"x"}}',
  '{"model":"claude-opus-5-5","max_tokens":1e3,"tools":[{"type":"web_search_20260318","name":"web_search","max_uses":5},{"name":"mine","input_schema":{}}],"messages":[]}',
  '{"m\\u006fdel":"a","tools":[{"type":"custom"},{"type":null},[1],2],"messages":[{"content":[{"type":"image","source":{"type":"url","url":"x"}},{"type":"tool_result","content":[{"type":"document","source":{"type":"file"}}]}]}]}',
  '{"model":"b","fallbacks":[{"model":"c","max_tokens":20,"speed":"fast"}],"mcp_servers":[{"url":"x"}],"container":"y","context_management":{"edits":[{"type":"compact_1"}]},"speed":"fast"}',
  '{"model":"d","messages":[{"content":[{"type":"container_upload"},{"type":"web_fetch_result","content":{"content":{"type":"document","source":{"type":"url"}}}}]}],"fallbacks":"default"}',
];
const TOKENS = [
  '"model"',
  '"Model"',
  '"mode\\u006c"',
  '"stream"',
  '"max_tokens"',
  '"tools"',
  '"type"',
  '"max_uses"',
  '"metadata"',
  '"user_id"',
  '"messages"',
  '"content"',
  '"source"',
  '"url"',
  '"file"',
  '"fallbacks"',
  '"mcp_servers"',
  '"web_search_20260318"',
  '"__proto__"',
  '"constructor"',
  'true',
  'false',
  'null',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\\ud800',
  '\\udc00',
  '\\u0000',
  '1e400',
  '-0',
  '"model\\u0000"',
  '"ｍodel"',
  '[[[[[[[[[[',
  '{"a":',
];

export const jsonScan: FuzzTarget = {
  name: 'json-scan',
  parses: 'src/kernel/json-scan.ts',
  hostile: ['caller'],
  seeds: [
    ...REQUESTS,
    '{"model":"a","stream":true,"model":"b"}',
    '{"tools":[{"type":"a","t\\u0079pe":"b"}]}',
    '{"metadata":{"user_id":1,"USER_ID":2}}',
    '[[[[1,2.5e-3]]],"\\ud83d\\ude00é",{"":[]}]',
    ' null ',
  ],
  tokens: TOKENS,
  run: runScan,
};

export const request: FuzzTarget = {
  name: 'request',
  parses: 'src/steps/carry/body.ts, src/steps/server-side.ts',
  hostile: ['caller'],
  seeds: REQUESTS,
  tokens: TOKENS,
  run: runRequest,
};
