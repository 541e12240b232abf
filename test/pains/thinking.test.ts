import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request } from 'undici';
import { event, raw } from '../support/raw.ts';
import { MESSAGE_STOP, messageDelta, messageStart, start } from './support.ts';

/** Signed blocks, spelled as no serialiser of ours would spell them: order of keys, escapes, numbers, white space. */
const SIGNED = [
  '{"type":"thinking","thinking":"caf\\u00e9 \\ud83d\\ude00 \\/ \\u003ctag\\u003e 🙂","signature":"Eo8CCkYIBxgCKkD\\/+="}',
  '{ "signature" : "zZ9+/==", "thinking" : "1.0 1e2 -0", "confidence":1.0, "budget":1E+2, "type":"thinking" }',
  '{"data":"EmwKAhgBEgy3va3pzix\\/LafPsn4a","type":"redacted_thinking","n":12345678901234567890}',
];

const TURN = `{"max_tokens":1e3, "model":"claude-sonnet-4-5","messages":[
  {"role":"user","content":"first"},
  {"role":"assistant","content":[${SIGNED.join(',\n')},{"type":"text","text":"ok"}]},
  {"role":"user","content":"second"}],"stream":false}`;

test('signed thinking in the history reaches the provider in the very bytes it signed', async (t) => {
  const gateway = await start(t);
  gateway.double.answer = (seen, response) => {
    const broken = SIGNED.find((block) => !seen.body.includes(block));
    response.writeHead(broken === undefined ? 200 : 400, { 'content-type': 'application/json' });
    response.end(broken === undefined ? '{"type":"message"}' : '{"error":"Invalid `signature` in `thinking` block"}');
  };
  // What the reports describe: a body that was parsed and written again no longer carries what was signed.
  const again = await request(gateway.double.url, { method: 'POST', body: JSON.stringify(JSON.parse(TURN)) });
  assert.equal(again.statusCode, 400);
  await again.body.dump();
  const reply = await raw(gateway.url, { body: TURN });
  assert.equal(reply.status, 200, reply.body.toString());
  assert.equal(gateway.double.seen.at(-1)?.body.toString(), TURN);
});

test('thinking and its signature in a stream reach the caller unchanged, wherever the pieces are cut', async (t) => {
  const gateway = await start(t);
  const deltas = SIGNED.map(
    (block) => `event: content_block_delta\ndata: {"index":0,"type":"content_block_delta","delta":${block}}\n\n`,
  );
  const stop = event('content_block_stop', { type: 'content_block_stop', index: 0 });
  const text = [messageStart({ input_tokens: 1 }), ...deltas, stop, messageDelta({ output_tokens: 9 }), MESSAGE_STOP];
  const bytes = Buffer.from(text.join(''));
  for (const size of [1, 7, 64, 8192]) {
    gateway.double.answer = async (_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      // A size of 7 cuts characters and escapes in the middle.
      for (let at = 0; at < bytes.length; at += size) {
        response.write(bytes.subarray(at, at + size));
        if (at % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    };
    const reply = await raw(gateway.url, { body: TURN.replace('"stream":false', '"stream":true') });
    assert.ok(reply.body.equals(bytes), `in pieces of ${size}`);
  }
});
