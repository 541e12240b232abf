import assert from 'node:assert/strict';
import { test } from 'node:test';
import { delta, raw } from '../support/raw.ts';
import {
  answers,
  call,
  charges,
  HAIKU,
  MESSAGE_STOP,
  messageDelta,
  messageStart,
  SONNET,
  start,
  streams,
} from './support.ts';

test('tokens written to the cache are charged once, and a stream costs what the same answer in one piece does', async (t) => {
  const gateway = await start(t);
  // The numbers of the report, at the same list prices: 3 × $3 + 12304 × $3.75 + 550 × $15 a million. It was billed at $0.091311.
  const usage = { input_tokens: 3, cache_creation_input_tokens: 12304, cache_read_input_tokens: 0, output_tokens: 550 };
  answers(gateway, usage, SONNET);
  await raw(gateway.url, { body: call(SONNET) });
  streams(
    gateway,
    messageStart({ ...usage, output_tokens: 1 }, SONNET),
    messageDelta({ output_tokens: 550 }),
    MESSAGE_STOP,
  );
  await raw(gateway.url, { body: call(SONNET, { stream: true }) });
  assert.deepEqual(await charges(gateway, 2), [54_399, 54_399]);
});

test('tokens read from the cache cost the cache price and are no input, under list and under contract prices', async (t) => {
  const usage = {
    input_tokens: 5,
    cache_creation_input_tokens: 32_435,
    cache_read_input_tokens: 66_360,
    output_tokens: 5120,
  };
  const list = await start(t);
  answers(list, usage, SONNET);
  await raw(list.url, { body: call(SONNET) });
  // 5 × $3 + 32435 × $3.75 + 66360 × $0.30 + 5120 × $15 a million, rounded up to a whole micro-dollar.
  assert.deepEqual(await charges(list, 1), [Math.ceil(15 + 121_631.25 + 19_908 + 76_800)]);
  const contract = await start(t, `prices: [ { models: ${SONNET}, cache_read: 0.20 } ]`);
  answers(contract, usage, SONNET);
  await raw(contract.url, { body: call(SONNET) });
  assert.deepEqual(await charges(contract, 1), [Math.ceil(15 + 121_631.25 + 13_272 + 76_800)]);
});

test('cache writes for an hour and for five minutes have their own prices', async (t) => {
  const gateway = await start(t);
  const cache_creation = { ephemeral_5m_input_tokens: 1000, ephemeral_1h_input_tokens: 2000 };
  const usage = { input_tokens: 0, cache_creation_input_tokens: 3000, cache_creation, output_tokens: 0 };
  answers(gateway, usage, SONNET);
  await raw(gateway.url, { body: call(SONNET) });
  streams(gateway, messageStart(usage, SONNET), messageDelta({ output_tokens: 0 }), MESSAGE_STOP);
  await raw(gateway.url, { body: call(SONNET, { stream: true }) });
  // 1000 × $3.75 + 2000 × $6 a million.
  assert.deepEqual(await charges(gateway, 2), [15_750, 15_750]);
});

test('a stream that begins with a usage of zero, or of nothing, is charged what its end reports', async (t) => {
  const gateway = await start(t);
  const end = { input_tokens: 1000, cache_read_input_tokens: 2000, output_tokens: 300 };
  for (const begin of [{ input_tokens: 0, output_tokens: 0 }, {}]) {
    streams(gateway, messageStart(begin), delta('words'), messageDelta(end), MESSAGE_STOP);
    const reply = await raw(gateway.url, { body: call(HAIKU, { stream: true }) });
    assert.equal(reply.status, 200);
  }
  // 1000 × $1 + 2000 × $0.10 + 300 × $5 a million.
  assert.deepEqual(await charges(gateway, 2), [2700, 2700]);
});

test('counts in a stream are running totals: none is added twice, and a later null or zero takes none back', async (t) => {
  const gateway = await start(t);
  const begin = messageStart({ input_tokens: 1000, cache_read_input_tokens: 2000, output_tokens: 10 });
  const total = 1000 + 200 + 300 * 5;
  const ends: readonly object[] = [
    { output_tokens: 300 },
    { input_tokens: 1000, cache_read_input_tokens: 2000, output_tokens: 300 },
    { input_tokens: null, cache_read_input_tokens: null, output_tokens: 300 },
    { input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 300 },
  ];
  for (const end of ends) {
    streams(gateway, begin, messageDelta({ output_tokens: 40 }), delta('x'), messageDelta(end), MESSAGE_STOP);
    await raw(gateway.url, { body: call(HAIKU, { stream: true }) });
  }
  assert.deepEqual(
    await charges(gateway, ends.length),
    ends.map(() => total),
  );
});
