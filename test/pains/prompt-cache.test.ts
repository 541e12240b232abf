import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { raw } from '../support/raw.ts';
import { start } from './support.ts';

const mark = '"cache_control":{"type":"ephemeral"}';
const hour = '"cache_control":{"ttl":"1h","type":"ephemeral","scope":"global"}';

/** A mark at every place where one may stand. */
const MARKED = `{"model":"claude-sonnet-4-5","max_tokens":32,${mark},
"system":[{"type":"text","text":"You are a helper.",${hour}},{"type":"text","text":"More.",${mark}}],
"tools":[{"name":"Read","input_schema":{"type":"object"},${mark}},{"name":"late","input_schema":{},"defer_loading":true,${hour}}],
"messages":[
{"role":"user","content":[{"type":"text","text":"hi",${mark}},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="},${mark}}]},
{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"Read","input":{},${mark}}]},
{"role":"user","content":[{"tool_use_id":"t1","type":"tool_result","content":[{"type":"text","text":"x",${mark}}],"is_error":false,${mark}},
{"type":"document","source":{"type":"text","media_type":"text/plain","data":"d"},${hour}}]},
{"role":"system","content":[{"type":"text","text":"mid-conversation",${mark}}]}]}`;

/** Paths of every cache_control in a value. */
function marks(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'cache_control' ? [`${path} ${JSON.stringify(inner)}`] : marks(inner, `${path}/${key}`),
  );
}

test('cache_control is kept wherever it stands: at the top, in system, tools, text, images, tool calls and their results', async (t) => {
  const gateway = await start(t);
  assert.equal((await raw(gateway.url, { body: MARKED })).status, 200);
  const sent = gateway.double.seen.at(-1)?.body.toString() ?? '';
  assert.equal(marks(JSON.parse(MARKED)).length, 12);
  assert.deepEqual(marks(JSON.parse(sent)), marks(JSON.parse(MARKED)));
  assert.equal(sent, MARKED);
});

test('the attribution line stays first, alone and as it was, so that the turns of a session share their prefix', async (t) => {
  const gateway = await start(t);
  /** As a provider that caches by prefix: reads what it has seen the hash of. */
  const cache = new Set<string>();
  gateway.double.answer = (seen, response) => {
    const text = seen.body.toString();
    const prefix = createHash('sha256')
      .update(text.slice(0, text.indexOf('"messages"')))
      .digest('hex');
    const usage = cache.has(prefix) ? { cache_read_input_tokens: 900 } : { cache_creation_input_tokens: 900 };
    cache.add(prefix);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({ type: 'message', model: 'claude-sonnet-4-5', usage: { ...usage, output_tokens: 1 } }),
    );
  };
  const line = 'x-anthropic-billing-header: cc_version=2.1.330.abc; cc_entrypoint=sdk-cli;';
  const turn = (said: string): string =>
    `{"model":"claude-sonnet-4-5","max_tokens":9,"system":[{"type":"text","text":"${line}"},{"type":"text","text":"You are a helper.",${mark}}],"messages":[{"role":"user","content":"${said}"}]}`;
  const read: unknown[] = [];
  for (const said of ['one', 'two', 'three']) {
    // Other callers' ids, traces and times differ from turn to turn; none of it may get into the body.
    const reply = await raw(gateway.url, { headers: { 'x-claude-code-session-id': said }, body: turn(said) });
    read.push(JSON.parse(reply.body.toString()).usage.cache_read_input_tokens ?? 0);
    const { system } = JSON.parse(gateway.double.seen.at(-1)?.body.toString() ?? '') as { system: object[] };
    assert.deepEqual(system[0], { type: 'text', text: line });
  }
  assert.deepEqual(read, [0, 900, 900]);
});
