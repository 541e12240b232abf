import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { GrantRow, StopRow } from '../../src/store/ports.ts';
import { startTestGateway, type TestGateway, until } from '../support/gateway.ts';
import { governanceOf, KEY, OPEN_POLICY, PERSON, partyRow } from '../support/governance.ts';
import { CALL, delta, MESSAGE_START, type RawReply, raw, STREAM_CALL } from '../support/raw.ts';

async function start(t: TestContext, policy: string | null, extra: Parameters<typeof governanceOf>[1] = {}) {
  const gateway = await startTestGateway({ governance: governanceOf(policy, extra) });
  t.after(() => gateway.close());
  return gateway;
}

const asking = (model: string, more: object = {}): string =>
  JSON.stringify({ model, max_tokens: 16, messages: [{ role: 'user', content: 'hi' }], ...more });

function message(reply: RawReply): string {
  return JSON.parse(reply.body.toString()).error.message;
}

test('P8: without a policy nothing is allowed, and the refusal says so', async (t) => {
  const gateway = await start(t, null);
  const reply = await raw(gateway.url, { body: CALL });
  assert.equal(reply.status, 451);
  assert.match(message(reply), /^No policy is in force, so nothing is allowed\./);
  assert.equal((await raw(gateway.url, { method: 'GET', path: '/v1/models' })).status, 451);
  assert.equal(gateway.double.begun(), 0);
  assert.equal(gateway.journal.of('refusal')[0]?.code, 'no_policy');
});

test('P8: deny wins over allow, whatever the order; the refusal names the rule and its reason', async (t) => {
  const gateway = await start(
    t,
    `
access:
  - { deny: claude-opus-*, to: everyone, because: "too dear for this quarter" }
  - { allow: "*", to: everyone }`,
  );
  const reply = await raw(gateway.url, { body: asking('claude-opus-5-5') });
  assert.equal(reply.status, 451);
  assert.match(message(reply), /Policy does not allow claude-opus-5-5: .*too dear for this quarter/);
  assert.equal(reply.headers['x-should-retry'], 'false');
  const [refusal] = gateway.journal.of('refusal');
  assert.equal(refusal?.rule, 'access[0]');
  assert.match(String(refusal?.day), /^20\d\d-\d\d-\d\d$/, 'a refusal is booked as a call is');
  assert.equal((await raw(gateway.url, { body: CALL })).status, 200);
  assert.equal(gateway.journal.of('intent').length, 1);
});

test('a model outside the ceiling is refused with the models that are allowed', async (t) => {
  const gateway = await start(t, 'allowedModels: [claude-sonnet-4-5, claude-haiku-4-5]');
  const reply = await raw(gateway.url, { body: asking('claude-opus-5-5') });
  assert.equal(reply.status, 451);
  assert.match(message(reply), /claude-sonnet-4-5.*claude-haiku-4-5/);
  assert.equal((await raw(gateway.url, { body: asking('claude-sonnet-4-5-20250929') })).status, 200);
});

test('an ask waits for an approval: with a grant in force the call passes, and the record names the grant', async (t) => {
  const policy = 'access: [ { ask: claude-fable-*, to: everyone }, { allow: "*", to: everyone } ]';
  const gateway = await start(t, policy);
  const refused = await raw(gateway.url, { body: asking('claude-fable-5-2') });
  assert.equal(refused.status, 451);
  assert.match(message(refused), /needs an approval/);
  const now = Date.now();
  const grant: GrantRow = {
    ...({ id: 'gra_9', kind: 'approval', scope: 'person', subject: PERSON, models: 'claude-fable-*' } as const),
    ...{ micros: null, startsAt: now - 1, endsAt: now + 60_000, reason: 'r', actor: 'per_x', createdAt: now },
    revokedAt: null,
  };
  gateway.put(governanceOf(policy, { grants: [grant] }));
  assert.equal((await raw(gateway.url, { body: asking('claude-fable-5-2') })).status, 200);
  assert.equal(gateway.journal.of('intent').map(({ decision }) => (decision as { rule: string }).rule)[0], 'gra_9');
  gateway.put(governanceOf(policy, { grants: [{ ...grant, models: 'claude-opus-*' }] }));
  assert.equal((await raw(gateway.url, { body: asking('claude-fable-5-2') })).status, 451);
});

test('a policy that observes refuses nothing and records what it would have refused; keys are checked all the same', async (t) => {
  const gateway = await start(t, 'mode: observe\naccess: [ { deny: claude-sonnet-*, to: everyone } ]');
  assert.equal((await raw(gateway.url, { body: CALL })).status, 200);
  assert.deepEqual(gateway.journal.of('intent')[0]?.observed, [{ code: 'not_permitted', rule: 'access[0]' }]);
  assert.equal((await raw(gateway.url, { body: CALL, headers: { authorization: 'Bearer nobody' } })).status, 401);
  assert.match(gateway.metrics.render(), /gatehouse_observed_total\{code="not_permitted"\} 1/);
});

const SERVER_SIDE: readonly (readonly [string, object])[] = [
  ['web_search', { tools: [{ type: 'web_search_20260318', name: 'web_search' }] }],
  ['web_fetch', { tools: [{ name: 'x' }, { type: 'web_fetch_20250910', name: 'web_fetch', max_uses: 1 }] }],
  ['code_execution', { tools: [{ type: 'code_execution_20260521', name: 'code_execution' }] }],
  ['remote_mcp', { mcp_servers: [{ type: 'url', url: 'https://evil.example', name: 'x' }] }],
  ['remote_mcp', { tools: [{ type: 'mcp_toolset', mcp_server_name: 'x' }] }],
  ['container', { container: 'container_1' }],
  ['container', { container: { skills: [] } }],
  ['thread', { thread: { type: 'continue', id: 'thr_1' } }],
  ['default_fallbacks', { fallbacks: 'default' }],
  ['some_new_tool', { tools: [{ type: 'some_new_tool_20270101', name: 'x' }] }],
  [
    'url_source',
    { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'https://x' } }] }] },
  ],
  ['files', { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'file', file_id: 'f' } }] }] }],
  ['files', { messages: [{ role: 'user', content: [{ type: 'container_upload', file_id: 'f' }] }] }],
  [
    'url_source',
    {
      messages: [
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 't',
              content: [
                {
                  type: 'document',
                  source: { type: 'content', content: [{ type: 'image', source: { type: 'url', url: 'https://x' } }] },
                },
              ],
            },
          ],
        },
      ],
    },
  ],
];

test('P8: what the provider would run or fetch itself is closed unless named, wherever in the request it stands', async (t) => {
  const gateway = await start(t, 'access: [ { allow: "*", to: everyone } ]');
  for (const [capability, body] of SERVER_SIDE) {
    for (const path of ['/v1/messages', '/v1/messages/count_tokens']) {
      const reply = await raw(gateway.url, { path, body: asking('claude-sonnet-5-5', body) });
      assert.equal(reply.status, 451, `${capability} ${path} ${reply.body}`);
      assert.ok(message(reply).includes(`does not allow ${capability} (run by the provider)`), message(reply));
    }
  }
  assert.equal(gateway.double.begun(), 0);
  gateway.put(governanceOf(OPEN_POLICY));
  for (const [, body] of SERVER_SIDE) {
    const reply = await raw(gateway.url, { body: asking('claude-sonnet-5-5', body) });
    assert.equal(reply.status, 200, JSON.stringify(body));
  }
});

test('tools that the client runs are no capability, and neither is anything a tool was given', async (t) => {
  const gateway = await start(t, 'access: [ { allow: "*", to: everyone } ]');
  const body = {
    tools: [
      { name: 'a', input_schema: {} },
      { type: 'custom', name: 'b', input_schema: { type: 'object' } },
      { type: 'bash_20250124', name: 'bash' },
      { type: 'text_editor_20250728', name: 'editor' },
      { type: 'tool_search_tool_regex_20251119', name: 'search' },
    ],
    mcp_servers: [],
    container: null,
    messages: [
      { role: 'user', content: 'hi' },
      {
        role: 'assistant',
        content: [{ type: 'tool_use', id: 't', name: 'a', input: { source: { type: 'url', url: 'https://x' } } }],
      },
    ],
  };
  assert.equal((await raw(gateway.url, { body: asking('claude-sonnet-5-5', body) })).status, 200);
});

test('P8: max_uses of a capability binds each tool to what the policy allows', async (t) => {
  const gateway = await start(
    t,
    `access: [ { allow: "*", to: everyone } ]
server_side: [ { allow: web_search, to: everyone, max_uses: 5 } ]`,
  );
  const search = (uses?: number) => ({
    tools: [
      { name: 'first', max_uses: 1 },
      { type: 'web_search_20260318', name: 'web_search', ...(uses === undefined ? {} : { max_uses: uses }) },
    ],
  });
  const status = async (uses?: number) =>
    (await raw(gateway.url, { body: asking('claude-sonnet-5-5', search(uses)) })).status;
  assert.equal(await status(5), 200);
  assert.equal(await status(6), 451);
  assert.equal(await status(), 451, 'a bound of another tool is no bound of this one');
});

test('P8: a model that may not be called may not answer as a fallback or give advice either', async (t) => {
  const gateway = await start(
    t,
    `access: [ { allow: claude-sonnet-*, to: everyone } ]
server_side: [ { allow: "*", to: everyone } ]`,
  );
  const fallback = asking('claude-sonnet-5-5', { fallbacks: [{ model: 'claude-opus-5-5' }] });
  const advisor = asking('claude-sonnet-5-5', {
    tools: [{ type: 'advisor_20260301', name: 'advisor', model: 'claude-opus-5-5' }],
  });
  for (const body of [fallback, advisor]) {
    const reply = await raw(gateway.url, { body });
    assert.equal(reply.status, 451);
    assert.match(message(reply), /claude-opus-5-5/);
  }
  assert.equal(
    (await raw(gateway.url, { body: asking('claude-sonnet-5-5', { fallbacks: [{ model: 'claude-sonnet-5' }] }) }))
      .status,
    200,
  );
});

test('what cannot be called is not listed', async (t) => {
  const gateway = await start(
    t,
    'access: [ { allow: claude-sonnet-*, to: everyone }, { deny: "*-4-5", to: everyone } ]',
  );
  const listing = {
    data: [
      { id: 'claude-opus-5-5' },
      { id: 'claude-sonnet-5-5', display_name: 'Sonnet' },
      { id: 'claude-sonnet-4-5' },
      {},
    ],
    has_more: true,
    last_id: 'claude-sonnet-4-5',
  };
  gateway.double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'x-kept': 'yes' });
    response.end(JSON.stringify(listing));
  };
  const reply = await raw(gateway.url, { method: 'GET', path: '/v1/models' });
  assert.deepEqual(JSON.parse(reply.body.toString()), {
    data: [{ id: 'claude-sonnet-5-5', display_name: 'Sonnet' }],
    has_more: true,
    last_id: 'claude-sonnet-4-5',
  });
  assert.equal(reply.headers['x-kept'], 'yes');
  assert.equal((await raw(gateway.url, { method: 'GET', path: '/v1/models/claude-opus-5-5' })).status, 451);
  gateway.put(governanceOf(OPEN_POLICY, { stops: [stopOf('model', 'claude-sonnet-*')] }));
  const rest = await raw(gateway.url, { method: 'GET', path: '/v1/models' });
  assert.deepEqual(JSON.parse(rest.body.toString()).data, [{ id: 'claude-opus-5-5' }], 'nor what is stopped');
});

const stopOf = (target: StopRow['target'], subject: string | null): StopRow => ({
  ...{ id: 'stp_1', target, subject, reason: 'a leak.', actor: 'per_x', createdAt: 0, liftedAt: null },
});

test('P3: a stop refuses at once, over every policy, and says why; lifted, everything works again', async (t) => {
  const gateway = await start(t, 'mode: observe');
  const session = { 'x-claude-code-session-id': 'session-1' };
  const call = () => raw(gateway.url, { body: CALL, headers: session });
  const stops: readonly StopRow[] = [
    stopOf('party', PERSON),
    stopOf('key', KEY),
    stopOf('session', 'session-1'),
    stopOf('model', 'claude-sonnet-*'),
    stopOf('upstream', 'double'),
    stopOf('everything', null),
  ];
  for (const stop of stops) {
    gateway.put(governanceOf('mode: observe', { stops: [stop] }));
    const reply = await call();
    assert.equal(reply.status, 423, stop.target);
    assert.match(message(reply), /was stopped: a leak\. Ask your platform team\./);
    gateway.put(governanceOf('mode: observe'));
    assert.equal((await call()).status, 200);
  }
  const others = [stopOf('session', 'session-2'), stopOf('model', 'claude-opus-*'), stopOf('party', 'per_other')];
  for (const stop of others) {
    gateway.put(governanceOf('mode: observe', { stops: [stop] }));
    assert.equal((await call()).status, 200, stop.target);
  }
});

/** A stream that runs; `reply` resolves when it has ended. */
async function runningStream(gateway: TestGateway): Promise<{ readonly reply: Promise<RawReply> }> {
  gateway.double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(MESSAGE_START + delta('going on'));
  };
  let reply = Promise.reject<RawReply>(new Error('not asked'));
  reply.catch(() => undefined);
  await new Promise<void>((started) => {
    reply = raw(gateway.url, {
      body: STREAM_CALL,
      onData: (chunk) => {
        if (chunk.toString().includes('going on')) started();
      },
    });
  });
  return { reply };
}

test('P3: a stop, a new deny and a lost team end the streams that run, each with what to do', async (t) => {
  const team = { id: 'tea_1', name: 'research', createdAt: 0 };
  const policy = (rule: string) => `teams: { research: {} }\naccess: [ ${rule} ]`;
  const member = { parties: [partyRow({ team: 'tea_1' })], teams: [team] };
  const open = governanceOf(policy('{ allow: "*", to: team research }'), member);
  const changes = [
    governanceOf(policy('{ allow: "*", to: team research }'), { ...member, stops: [stopOf('everything', null)] }),
    governanceOf(policy('{ allow: "*", to: team research }, { deny: claude-sonnet-*, to: everyone }'), member),
    governanceOf(policy('{ allow: "*", to: team research }'), { ...member, parties: [partyRow({ team: null })] }),
    governanceOf(null, member),
  ];
  for (const change of changes) {
    const gateway = await startTestGateway({ governance: open });
    t.after(() => gateway.close());
    const running = await runningStream(gateway);
    gateway.put(change);
    const ended = await running.reply;
    assert.match(ended.body.toString(), /event: error\n.*policy no longer allows it/);
  }
});

test('P3: a stop that comes while a body is still being read refuses the call when it is whole', async (t) => {
  const gateway = await start(t, OPEN_POLICY);
  const socket = connect(gateway.port, '127.0.0.1');
  t.after(() => socket.destroy());
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  const head = ['POST /v1/messages HTTP/1.1', `host: 127.0.0.1:${gateway.port}`, 'authorization: Bearer good'];
  const more = ['content-type: application/json', `content-length: ${Buffer.byteLength(CALL)}`, 'connection: close'];
  socket.write(`${[...head, ...more].join('\r\n')}\r\n\r\n${CALL.slice(0, 20)}`);
  await until(() => gateway.openCalls.count === 1);
  gateway.put(governanceOf(OPEN_POLICY, { stops: [stopOf('everything', null)] }));
  socket.write(CALL.slice(20));
  await until(() => answer.includes('\r\n\r\n'));
  assert.match(answer, /^HTTP\/1\.1 423 /);
  assert.equal(gateway.double.begun(), 0);
});

test('calls for which spending is not known yet are refused, and told to come again', async (t) => {
  const gateway = await startTestGateway({ services: { spendingUnknown: () => true } });
  t.after(() => gateway.close());
  const reply = await raw(gateway.url, { body: CALL });
  assert.equal(reply.status, 503);
  assert.equal(reply.headers['retry-after'], '1');
  assert.equal(gateway.double.begun(), 0);
});

test('P8: the spending of a budget for a fallback model must be known as well', async (t) => {
  const unknown = (facts: { model: string }) => facts.model === 'claude-opus-5-5';
  const gateway = await startTestGateway({ services: { spendingUnknown: unknown } });
  t.after(() => gateway.close());
  assert.equal((await raw(gateway.url, { body: CALL })).status, 200);
  const body = asking('claude-sonnet-5-5', { fallbacks: [{ model: 'claude-opus-5-5' }] });
  assert.equal((await raw(gateway.url, { body })).status, 503);
});

test('a model without a price is refused where the policy says so, else priced at the dearest and flagged', async (t) => {
  const refusing = await start(t, `${OPEN_POLICY}\nmodels: { unknown_price: refuse }`);
  const reply = await raw(refusing.url, { body: asking('claude-unheard-of') });
  assert.equal(reply.status, 451);
  assert.match(message(reply), /No price is known for claude-unheard-of/);
  const priced = await start(t, OPEN_POLICY);
  assert.equal((await raw(priced.url, { body: asking('claude-unheard-of') })).status, 200);
  assert.deepEqual(priced.journal.of('intent')[0]?.observed, [{ code: 'price_unknown', rule: 'models.unknown_price' }]);
  await until(() => priced.journal.of('outcome').length === 1);
  const [cost] = priced.journal.of('outcome').map((body) => body.cost as { micros: number; price: string });
  const { micros, price } = cost ?? { micros: 0, price: '' };
  assert.equal(price, 'unknown');
  assert.ok(micros >= 1);
});

test('rates: requests, token counts and open calls have limits of their own; retry-after is true to the second', async (t) => {
  const gateway = await start(
    t,
    `${OPEN_POLICY}\nrates: [ { each: person, requests: 2/min, count_tokens: 1/min, concurrent: 1 } ]`,
  );
  assert.equal((await raw(gateway.url, { body: CALL })).status, 200);
  assert.equal((await raw(gateway.url, { body: CALL })).status, 200);
  const third = await raw(gateway.url, { body: CALL });
  assert.equal(third.status, 429);
  assert.match(message(third), /^The limit of 2 requests a minute for you is reached\./);
  const wait = Number(third.headers['retry-after']);
  assert.ok(wait > 50 && wait <= 60, `${wait}`);
  assert.equal(third.headers['x-should-retry'], undefined, 'the client waits by itself');
  const count = () => raw(gateway.url, { path: '/v1/messages/count_tokens', body: CALL });
  assert.equal((await count()).status, 200);
  const counted = await count();
  assert.equal(counted.status, 429);
  assert.equal(counted.headers['x-should-retry'], 'false', 'the client goes on with estimates of its own');
  assert.equal(gateway.journal.of('refusal')[0]?.rule, 'rates[0]');
});
