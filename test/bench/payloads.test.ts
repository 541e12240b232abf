import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replyBody, requestBody, STAMP_DIGITS, streamPieces } from '../../bench/payloads.ts';

test('bodies have the size they are named for, are JSON, and differ', () => {
  for (const kilobytes of [2, 120, 400]) {
    const body = requestBody({ kilobytes, stream: false, seed: 1 });
    const share = body.length / (kilobytes * 1024);
    assert.ok(share > 0.9 && share < 1.1, `${kilobytes} KB: ${body.length}`);
    const parsed = JSON.parse(body.toString('utf8'));
    assert.equal(parsed.stream, false);
    assert.ok(parsed.tools.length >= 2);
    assert.deepEqual(parsed.system[0].cache_control, { type: 'ephemeral' });
    assert.equal(parsed.messages[0].role, 'user');
    assert.notDeepEqual(body, requestBody({ kilobytes, stream: false, seed: 2 }));
    assert.deepEqual(body, requestBody({ kilobytes, stream: false, seed: 1 }));
  }
});

test('the answer has about 1.4 KB and says what it used', () => {
  const reply = replyBody();
  assert.ok(reply.length > 1300 && reply.length < 1600, `${reply.length}`);
  assert.equal(JSON.parse(reply.toString('utf8')).usage.output_tokens, 230);
});

test('a stream is made of whole events, from message_start to message_stop', () => {
  const { start, before, after, end } = streamPieces();
  const text = `${start}${before}${'7'.repeat(STAMP_DIGITS)}${after}${end}`;
  const events = text.split('\n\n').filter((part) => part !== '');
  const types = events.map((part) => {
    const [name = '', data = ''] = part.split('\n');
    const { type } = JSON.parse(data.replace(/^data: /, ''));
    assert.equal(name, `event: ${type}`);
    return type;
  });
  assert.deepEqual(types, [
    'message_start',
    'content_block_start',
    'content_block_delta',
    'content_block_stop',
    'message_delta',
    'message_stop',
  ]);
});
