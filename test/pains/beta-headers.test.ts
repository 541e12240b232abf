import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request } from 'undici';
import { raw } from '../support/raw.ts';
import { start } from './support.ts';

/** What a body may only hold together with its beta, and the provider's words for one without the other. */
const PAIRS: readonly (readonly [field: string, beta: string])[] = [
  ['"context_management"', 'context-management-2025-06-27'],
  ['"effort"', 'effort-2025-11-24'],
  ['"input_examples"', 'advanced-tool-use-2025-11-20'],
  ['"block_binding"', 'thinking-binding-controls-2026-08-01'],
  ['"diagnostics"', 'cache-diagnosis-2026-04-07'],
];
const BETAS = ['claude-code-20250219', 'interleaved-thinking-2025-05-14', ...PAIRS.map(([, beta]) => beta), 'x-2031-1'];

const BODY = `{"model":"claude-opus-5-5","max_tokens":128000,"stream":false,
 "messages":[{"role":"user","content":"hi"},{"role":"system","content":"mid-conversation"}],
 "tools":[{"name":"Bash","input_schema":{"type":"object"},"input_examples":[{"command":"ls"}],"defer_loading":true}],
 "context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},
 "thinking":{"type":"adaptive","block_binding":{"prefix_mismatch_behavior":"drop_block"}},
 "diagnostics":{"previous_message_id":null},"output_config":{"effort":"medium"},"field_of_2031":[1.0]}`;

test('a beta header and the body fields that need it arrive together, so the provider has nothing to refuse', async (t) => {
  const gateway = await start(t);
  gateway.double.answer = (seen, response) => {
    const betas = String(seen.headers['anthropic-beta'] ?? '').split(',');
    const alone = PAIRS.find(([field, beta]) => seen.body.includes(field) && !betas.includes(beta));
    response.writeHead(alone === undefined ? 200 : 400, { 'content-type': 'application/json' });
    response.end(
      alone === undefined ? '{"type":"message"}' : `{"error":"${alone[1]}: Extra inputs are not permitted"}`,
    );
  };
  const path = '/v1/messages?beta=true';
  // The provider of this test does refuse a body whose header was lost, or replaced by a gateway's own.
  for (const lost of ['', 'oauth-2025-04-20']) {
    const reply = await request(gateway.double.url + path, {
      method: 'POST',
      headers: { 'anthropic-beta': lost },
      body: BODY,
    });
    assert.equal(reply.statusCode, 400);
    await reply.body.dump();
  }
  for (const beta of [BETAS.join(','), BETAS.toReversed().join(',')]) {
    const reply = await raw(gateway.url, { path, headers: { 'anthropic-beta': beta }, body: BODY });
    assert.equal(reply.status, 200, reply.body.toString());
    const seen = gateway.double.seen.at(-1);
    assert.equal(seen?.headers['anthropic-beta'], beta, 'none is added, dropped or moved');
    assert.equal(seen?.body.toString(), BODY);
    assert.equal(seen?.url, path);
  }
});

test('headers by which the provider knows the client are on no list of ours: all of them pass', async (t) => {
  const gateway = await start(t);
  const own = {
    'User-Agent': 'claude-cli/2.1.330 (external, cli)',
    'X-App': 'cli',
    'Anthropic-Dangerous-Direct-Browser-Access': 'true',
    'Anthropic-Version': '2026-10-21',
    'X-Claude-Code-Session-Id': '0b1de7bd-0354-4889-8bd5-bd1f1c4d0512',
    'X-Claude-Code-Agent-Id': '0123456789abcdef0',
    'X-Stainless-Lang': 'js',
    'X-Stainless-Package-Version': '0.128.0',
    'X-Stainless-Timeout': '600',
    'Anthropic-Header-Of-2031': 'kept',
  };
  await raw(gateway.url, { headers: own, body: BODY });
  const { rawHeaders = [] } = gateway.double.seen.at(-1) ?? {};
  for (const [name, value] of Object.entries(own)) {
    const at = rawHeaders.findIndex((text, i) => i % 2 === 0 && text === name);
    assert.equal(rawHeaders[at + 1], value, name);
  }
});
