/** Traffic of the shapes that the real client and provider send, through the real door, both ways (P4). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type SimulatedUpstream, startSimulatedUpstream } from '../../src/upstream/simulated/server.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { raw } from '../support/raw.ts';

let gateway: TestGateway;
let simulated: SimulatedUpstream;
before(async () => {
  simulated = await startSimulatedUpstream({ requiredKey: 'provider-secret' });
  gateway = await startTestGateway({ upstream: simulated.url });
});
after(async () => {
  await gateway.close();
  await simulated.close();
});

const cached = { cache_control: { type: 'ephemeral' } };
const text = fc.string({ unit: 'grapheme', maxLength: 60 });
/** Every kind of block the client is known to send, and one nobody knows yet. */
const block = fc.oneof(
  text.map((value) => ({ type: 'text', text: value, ...cached })),
  text.map((value) => ({ type: 'thinking', thinking: value, signature: 'Eo8CCkYIBxgCKkD/+=' })),
  fc.constant({ type: 'redacted_thinking', data: 'EmwKAhgBEgy3va3pzix/LafPsn4a' }),
  text.map((value) => ({
    type: 'tool_use',
    id: 'toolu_01',
    name: 'mcp__github__search',
    input: { q: value },
    caller: { type: 'direct' },
  })),
  text.map((value) => ({ type: 'tool_result', tool_use_id: 'toolu_01', content: value, is_error: false, ...cached })),
  fc.constant({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } }),
  fc.constant({
    type: 'document',
    source: { type: 'text', media_type: 'text/plain', data: 'x' },
    citations: { enabled: true },
  }),
  fc.constant({ type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'x' } }),
  fc.constant({
    type: 'web_search_tool_result',
    tool_use_id: 'srvtoolu_1',
    content: [{ type: 'web_search_result', url: 'https://example.com', encrypted_content: 'abc' }],
  }),
  fc.constant({ type: 'container_upload', file_id: 'file_1' }),
  fc.jsonValue({ maxDepth: 2 }).map((value) => ({ type: 'block_of_the_future', value })),
);

/** The body of a turn in the client's own key order; the second message has the role `system`. */
const turn = fc
  .record({
    blocks: fc.array(block, { minLength: 1, maxLength: 6 }),
    prompt: text,
    future: fc.jsonValue({ maxDepth: 2 }),
  })
  .map(({ blocks, prompt, future }) => ({
    model: 'claude-opus-5-5',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: '<system-reminder>context</system-reminder>' },
          { type: 'text', text: prompt },
        ],
      },
      { role: 'system', content: [{ type: 'text', text: 'mid-conversation', ...cached }] },
      { role: 'assistant', content: blocks },
      { role: 'user', content: 'hello' },
    ],
    system: [
      { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.330.abc; cc_entrypoint=sdk-cli;' },
      { type: 'text', text: 'You are a helper.', ...cached },
    ],
    tools: [
      { name: 'Bash', description: 'run', input_schema: { type: 'object', properties: {} } },
      { name: 'late', description: '', input_schema: {}, defer_loading: true },
    ],
    metadata: { user_id: '{"device_id":"00","account_uuid":"","session_id":"s"}' },
    max_tokens: 128000,
    thinking: { type: 'adaptive', display: 'omitted' },
    context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
    safeguards: [{ type: 'dangerous_tool_use', classifier_context: { permission_mode: 'default', cwd: '/home/x' } }],
    output_config: { effort: 'medium' },
    future_field: future,
    stream: true,
  }));

test("P4: turns of the real client's shape reach the provider byte for byte, and its stream comes back byte for byte", async () => {
  await fc.assert(
    fc.asyncProperty(turn, fc.constantFrom(0, 1, 2), async (body, spaces) => {
      const bytes = JSON.stringify(body, null, spaces);
      const direct = await raw(simulated.url, { body: bytes, headers: { authorization: 'Bearer provider-secret' } });
      const through = await raw(gateway.url, { path: '/v1/messages?beta=true', body: bytes });
      assert.ok(simulated.received.at(-1)?.body.equals(Buffer.from(bytes)));
      assert.equal(through.status, direct.status);
      assert.ok(through.body.equals(withIdsOf(through.body, direct.body)));
    }),
    { numRuns: 40, seed: 11 },
  );
});

/** The simulated provider counts its prompt cache, so a second sight of a prompt reports other cache numbers: they are not compared. */
function withIdsOf(through: Buffer, direct: Buffer): Buffer {
  const usage = /"usage":\{[^}]*\{[^}]*\}[^}]*\}/g;
  const seen = through.toString().match(usage) ?? [];
  let at = 0;
  return Buffer.from(direct.toString().replace(usage, (own) => seen[at++] ?? own));
}

test('P4: a stream and a document full of what nobody knows yet come back byte for byte', async () => {
  for (const stream of [true, false]) {
    const body = JSON.stringify({
      model: 'claude-opus-5-5',
      max_tokens: 500,
      stream,
      messages: [{ role: 'user', content: '[[sim:unknown-fields]]' }],
    });
    const direct = await raw(simulated.url, { body, headers: { authorization: 'Bearer provider-secret' } });
    const through = await raw(gateway.url, { body });
    assert.equal(through.status, 200);
    assert.ok(through.body.equals(direct.body), `stream: ${stream}`);
  }
});
