import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Double } from '../support/double.ts';
import { startTestGateway, type TestGateway, until } from '../support/gateway.ts';
import { governanceOf, KEY, OPEN_POLICY, PERSON, partyRow } from '../support/governance.ts';
import { delta, MESSAGE_START, type RawReply, raw } from '../support/raw.ts';

const HAIKU = 'claude-haiku-4-5';

/** Haiku 4.5: $1 input, $2 one-hour write, $5 output a million; ×1.1 is not sold for it. Prices are those of the published list. */
function call(maxTokens: number, extra: object = {}): string {
  return JSON.stringify({
    model: HAIKU,
    max_tokens: maxTokens,
    messages: [{ role: 'user', content: 'hi' }],
    ...extra,
  });
}

/** An answer that used so many tokens. */
function used(input: number, output: number): string {
  const usage = { input_tokens: input, output_tokens: output };
  return JSON.stringify({ id: 'msg_1', type: 'message', model: HAIKU, stop_reason: 'end_turn', usage });
}

async function start(t: TestContext, budgets: string): Promise<TestGateway> {
  const gateway = await startTestGateway({
    limits: { perCaller: 1000, total: 1000 },
    governance: governanceOf(`${OPEN_POLICY}\ntime_zone: UTC\nbudgets: ${budgets}`),
  });
  t.after(() => gateway.close());
  return gateway;
}

function charged(gateway: TestGateway): number {
  return gateway.journal.of('outcome').reduce((sum, body) => sum + Number((body.cost as { micros: number }).micros), 0);
}

function answers(double: Double, text: string): void {
  double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(text);
  };
}

test('P2: the attack: hundreds of calls at once on a nearly spent strict budget never pass it', async (t) => {
  // 3 cents. Each call holds at most (bytes + 2000) × $2 + 500 × $5 a million ≈ 0.67 cents, and costs 0.35.
  const gateway = await start(t, '[ { each: person, limit: 0.03 USD/day, hold: strict } ]');
  let wave = 0;
  gateway.double.answer = async (_seen, response) => {
    wave++;
    await new Promise((resolve) => setTimeout(resolve, 5 + (wave % 7)));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(used(1000, 500));
  };
  const statuses: number[] = [];
  for (let round = 0; round < 6; round++) {
    const replies = await Promise.all(Array.from({ length: 60 }, () => raw(gateway.url, { body: call(500) })));
    statuses.push(...replies.map(({ status }) => status));
  }
  await until(() => gateway.journal.of('intent').length === gateway.journal.of('outcome').length);
  const passed = statuses.filter((status) => status === 200).length;
  assert.equal(statuses.length, 360);
  assert.equal(charged(gateway), passed * 3500, 'each costs 1000 × $1 + 500 × $5 a million');
  assert.ok(charged(gateway) <= 30_000, `${charged(gateway)} of 30000`);
  assert.ok(passed >= 4, 'and the budget is used: four calls fit at any order');
  assert.deepEqual([...new Set(statuses)].sort(), [200, 429]);
});

test('P2: the attack on a budget by estimate: what passes it is no more than the overshoot that the metric shows', async (t) => {
  const gateway = await start(t, '[ { each: person, limit: 0.10 USD/day } ]');
  let answered = 0;
  gateway.double.answer = async (_seen, response) => {
    const n = ++answered;
    await new Promise((resolve) => setTimeout(resolve, 5 + (n % 11)));
    response.writeHead(200, { 'content-type': 'application/json' });
    // One in ten costs far more than such calls usually do.
    response.end(n % 10 === 0 ? used(8000, 500) : used(1000, 500));
  };
  const statuses: number[] = [];
  for (let round = 0; round < 6; round++) {
    const replies = await Promise.all(Array.from({ length: 60 }, () => raw(gateway.url, { body: call(500) })));
    statuses.push(...replies.map(({ status }) => status));
  }
  await until(() => gateway.journal.of('intent').length === gateway.journal.of('outcome').length);
  const { worst } = gateway.ledger.overshoot;
  // What is left can be less than a call is expected to cost, which is at most what the dear ones do: 10,500.
  assert.ok(charged(gateway) > 100_000 - 2 * 10_500, `the budget is used: ${charged(gateway)}`);
  assert.ok(charged(gateway) <= 100_000 + worst, `${charged(gateway)} with an overshoot of ${worst}`);
  assert.ok(worst < 60 * 10_500, 'and that is bounded by what calls in flight cost beyond what was held');
  assert.equal(statuses.at(-1), 429);
});

test('P2: with random hang-ups in the middle nothing passes a strict budget, and no room is lost for good', async (t) => {
  const gateway = await start(t, '[ { each: key, limit: 0.05 USD/month, hold: strict } ]');
  gateway.double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(MESSAGE_START.replace('claude-sonnet-5-5', HAIKU) + delta('word '.repeat(20)));
    // Never ends: only hanging up does.
  };
  const abort = async (): Promise<void> => {
    await raw(gateway.url, { body: call(200, { stream: true }), onData: (_chunk, destroy) => destroy() }).catch(
      () => undefined,
    );
  };
  for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 20 }, abort));
  await until(() => gateway.openCalls.count === 0);
  assert.ok(charged(gateway) <= 50_000);
  assert.equal(gateway.ledger.running, 0);
  const [position] = gateway.ledger.positions(
    () => 0,
    () => null,
  );
  assert.equal(position?.reserved ?? 0, 0);
  assert.equal(position?.spent, charged(gateway), 'what is spent is what the journal says');
});

test('P2: a thousand calls hung up right before the usage report are charged what was seen of them', async (t) => {
  const gateway = await start(t, '[ { each: person, limit: 100 USD/month } ]');
  const text = 'x'.repeat(300);
  gateway.double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(MESSAGE_START.replace('claude-sonnet-5-5', HAIKU) + delta(text));
  };
  const hangUp = async (): Promise<void> => {
    let all = '';
    await raw(gateway.url, {
      body: call(4000, { stream: true }),
      onData: (chunk, destroy) => {
        all += chunk.toString();
        if (all.includes(text)) destroy();
      },
    }).catch(() => undefined);
  };
  for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 50 }, hangUp));
  await until(() => gateway.journal.of('outcome').length === 1000);
  const costs = gateway.journal.of('outcome').map(({ cost }) => cost as { micros: number; basis: string });
  // Reported: 10 input, 5 cache reads. Seen: 300 bytes, a token for three. 10 × $1 + 5 × $0.10 + 100 × $5 a million.
  for (const { micros, basis } of costs) {
    assert.equal(basis, 'metered');
    assert.ok(micros >= 511, `${micros}`);
  }
});

test('a budget that is spent: the block is told verbatim, with the headers by which Claude Code shows it, and recorded', async (t) => {
  const gateway = await start(
    t,
    '[ { each: person, limit: 0.001 USD/month, when_spent: "Ask your team lead in #claude-budget." } ]',
  );
  answers(gateway.double, used(900, 100));
  assert.equal((await raw(gateway.url, { body: call(10) })).status, 200);
  const blocked = await raw(gateway.url, { body: call(10) });
  assert.equal(blocked.status, 429);
  const { error } = JSON.parse(blocked.body.toString());
  assert.equal(error.type, 'billing_error');
  assert.match(
    error.message,
    /^The budget of \$0\.001 a month for you is spent; it resets on \w{3} 1\. Ask your team lead in #claude-budget\. \(Gatehouse record rec_/,
  );
  const { headers } = blocked;
  assert.equal(headers['x-should-retry'], 'false');
  assert.equal(headers['anthropic-ratelimit-unified-status'], 'rejected');
  assert.equal(headers['anthropic-ratelimit-unified-overage-period'], 'monthly');
  assert.equal(headers['anthropic-ratelimit-unified-overage-disabled-reason'], 'org_spend_cap_reached');
  assert.equal(headers['anthropic-ratelimit-unified-overage-scope'], undefined, 'nobody shares it');
  // 900 × $1 + 100 × $5 a million are 1400 micro-dollars of 1000.
  assert.equal(headers['anthropic-ratelimit-unified-overage-utilization'], '1.4000');
  const reset = Number(headers['anthropic-ratelimit-unified-reset']);
  const now = new Date();
  assert.equal(reset * 1000, Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
  const [refusal] = gateway.journal.of('refusal');
  assert.equal(refusal?.code, 'budget_spent');
  assert.equal(refusal?.rule, 'budgets[0]');
});

test('on the way to the cap the answer says how much is used, and from a mark on that it is a warning', async (t) => {
  const gateway = await start(t, '[ { each: person, limit: 0.004 USD/month, warn: [50%, 90%] } ]');
  answers(gateway.double, used(400, 120));
  const seen: (string | undefined)[][] = [];
  for (let i = 0; i < 4; i++) {
    const { headers, status } = await raw(gateway.url, { body: call(10) });
    assert.equal(status, 200);
    const said = (name: string) => headers[`anthropic-ratelimit-unified-${name}`]?.toString();
    seen.push([said('status'), said('overage-utilization'), said('overage-surpassed-threshold')]);
  }
  // Each costs 400 × $1 + 120 × $5 a million = 1000 micro-dollars; the headers leave before the cost of their own call is known.
  assert.deepEqual(seen, [
    ['allowed', '0.0000', undefined],
    ['allowed', '0.2500', undefined],
    ['allowed_warning', '0.5000', '0.5'],
    ['allowed_warning', '0.7500', '0.5'],
  ]);
});

test('a zero cap blocks, a budget in observe mode only records, a grant gives more for its time', async (t) => {
  const zero = await start(t, '[ { each: person, limit: 0 USD/month } ]');
  answers(zero.double, used(1, 1));
  assert.equal((await raw(zero.url, { body: call(10) })).status, 429);
  assert.equal(zero.double.begun(), 0);

  const watched = await start(t, '[ { each: person, limit: 0 USD/month, mode: observe } ]');
  answers(watched.double, used(1, 1));
  assert.equal((await raw(watched.url, { body: call(10) })).status, 200);
  assert.deepEqual(watched.journal.of('intent')[0]?.observed, [{ code: 'budget_spent', rule: 'budgets[0]' }]);

  const now = Date.now();
  const grant = {
    id: 'gra_1',
    kind: 'budget',
    scope: 'person',
    subject: PERSON,
    models: null,
    micros: 1_000_000,
    startsAt: now - 1000,
    endsAt: now + 60_000,
    reason: 'release week',
    actor: 'per_x',
    createdAt: now,
    revokedAt: null,
  } as const;
  const policy = `${OPEN_POLICY}\nbudgets: [ { each: person, limit: 0 USD/month } ]`;
  zero.put(governanceOf(policy, { grants: [grant] }));
  assert.equal((await raw(zero.url, { body: call(10) })).status, 200);
  zero.put(governanceOf(policy, { grants: [{ ...grant, startsAt: now - 2000, endsAt: now - 1000 }] }));
  assert.equal((await raw(zero.url, { body: call(10) })).status, 429);
});

test('under a strict budget a call that nothing bounds is refused before it is sent', async (t) => {
  const gateway = await start(t, '[ { for: organization, limit: 1000 USD/month, hold: strict } ]');
  const body = JSON.stringify({ model: HAIKU, messages: [{ role: 'user', content: 'hi' }] });
  const compaction = call(10, { context_management: { edits: [{ type: 'compact_20260112' }] } });
  const searching = call(10, { tools: [{ type: 'web_search_20260318', name: 'web_search' }] });
  const advised = call(10, {
    tools: [{ type: 'advisor_20260301', name: 'advisor', model: 'claude-opus-5-5', max_uses: 1 }],
  });
  for (const unbounded of [body, compaction, searching, advised]) {
    const reply = await raw(gateway.url, { body: unbounded });
    assert.equal(reply.status, 451, unbounded);
    assert.match(reply.body.toString(), /cannot be bounded/);
  }
  assert.equal(gateway.double.begun(), 0);
  const bounded = call(10, { tools: [{ type: 'web_search_20260318', name: 'web_search', max_uses: 1 }] });
  assert.equal((await raw(gateway.url, { body: bounded })).status, 200);
});

for (const also of ['', ', { for: organization, limit: 50 USD/month, hold: strict }']) {
  const beside = also === '' ? '' : ', beside a strict budget that holds far more';
  test(`P2: where the policy ends answers at the cap, a running stream is ended with a readable error${beside}`, async (t) => {
    const own = '{ each: person, limit: 0.03 USD/month, at_cap: end, when_spent: "Ask Ada." }';
    const gateway = await start(t, `[ ${own}${also} ]`);
    gateway.double.answer = async (_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(MESSAGE_START.replace('claude-sonnet-5-5', HAIKU));
      // 3000 bytes are 1000 tokens, half a cent; the estimate held two cents.
      for (let i = 0; i < 200 && !response.destroyed; i++) {
        response.write(delta('x'.repeat(3000)));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      response.end();
    };
    const reply = await raw(gateway.url, { body: call(100_000, { stream: true }) });
    assert.equal(reply.status, 200);
    const last = reply.body.toString().split('\n\n').filter(Boolean).at(-1) ?? '';
    assert.match(last, /^event: error\n/);
    assert.match(last, /The budget of \$0\.03 a month for you was spent while this answer was running.* Ask Ada\./);
    await until(() => gateway.journal.of('outcome').length === 1);
    const [outcome] = gateway.journal.of('outcome');
    assert.equal(outcome?.result, 'cut');
    assert.equal(outcome?.code, 'budget_ended');
    const held = gateway.journal.of('extension').map(({ reserved }) => Number(reserved));
    assert.ok(also !== '' || held.length > 0, 'more is held as it goes on');
    assert.ok(
      held.every((amount, index) => amount > (held[index - 1] ?? 0)),
      'each holds more',
    );
    // It ends when its budget is spent, and not a step before.
    assert.ok(charged(gateway) >= 28_000, `${charged(gateway)}`);
  });
}

test('a call refused by a rate gives back the money it was about to hold', async (t) => {
  const gateway = await startTestGateway({
    governance: governanceOf(`${OPEN_POLICY}
budgets: [ { each: person, limit: 1 USD/month } ]
rates: [ { each: model, requests: 1/min } ]`),
  });
  t.after(() => gateway.close());
  assert.equal((await raw(gateway.url, { body: call(10) })).status, 200);
  assert.equal((await raw(gateway.url, { body: call(10) })).status, 429);
  assert.equal(gateway.ledger.running, 0);
});

test('money is booked on one verified team: the first of the directory, or the one of its own that the caller names', async (t) => {
  const team = (id: string, name: string) => ({ id, name, createdAt: 0 });
  const policy = `${OPEN_POLICY}
teams:
  research: { members: [ada@example.com], cost_center: CC-1300 }
  payments: { cost_center: CC-1201 }
  secret: { cost_center: CC-9 }`;
  const directory = {
    parties: [partyRow({ team: 'tea_p' })],
    teams: [team('tea_p', 'payments'), team('tea_r', 'research'), team('tea_s', 'secret')],
  };
  const gateway = await startTestGateway({ governance: governanceOf(policy, directory) });
  t.after(() => gateway.close());
  const as = (name?: string): Promise<RawReply> =>
    raw(gateway.url, { body: call(10), headers: name === undefined ? {} : { 'x-gatehouse-team': name } });
  assert.equal((await as()).status, 200);
  assert.equal((await as('Research')).status, 200);
  const refused = await as('secret');
  assert.equal(refused.status, 451);
  assert.match(refused.body.toString(), /none of yours/);
  assert.equal((await as('nowhere')).status, 451);
  await until(() => gateway.journal.of('outcome').length === 2);
  assert.deepEqual(
    gateway.journal.of('outcome').map(({ team: booked, cost_center }) => [booked, cost_center]),
    [
      ['tea_p', 'CC-1201'],
      ['tea_r', 'CC-1300'],
    ],
  );
  assert.equal(gateway.double.begun(), 2);
  assert.ok(
    gateway.double.seen.every(({ headers }) => headers['x-gatehouse-team'] === undefined),
    'it stays here',
  );
  assert.equal(KEY, gateway.journal.of('intent')[0]?.key);
});

test("what the client's /usage shows: budgets in whole percents, the fullest first, and nothing to strangers", async (t) => {
  const gateway = await start(
    t,
    `
  - { for: organization, limit: 100 USD/week }
  - { each: person, limit: 0.01 USD/month }
  - { each: person, models: claude-opus-*, limit: 0.001 USD/month }
  - { each: service, limit: 1 USD/month }`,
  );
  answers(gateway.double, used(1000, 900));
  assert.equal((await raw(gateway.url, { body: call(10) })).status, 200);
  await until(() => gateway.journal.of('outcome').length === 1);
  const reply = await raw(gateway.url, { method: 'GET', path: '/api/oauth/usage' });
  assert.equal(reply.status, 200);
  assert.equal(reply.headers['cache-control'], 'no-store');
  const { extra_usage, limits } = JSON.parse(reply.body.toString());
  // 1000 × $1 + 900 × $5 a million are 5500 micro-dollars, over half a cent: shown as one.
  assert.deepEqual(extra_usage, {
    is_enabled: true,
    monthly_limit: 1,
    used_credits: 1,
    utilization: 55,
    currency: 'USD',
  });
  assert.deepEqual(
    limits.map(({ group, percent, severity, is_active }: Record<string, unknown>) => [
      group,
      percent,
      severity,
      is_active,
    ]),
    [
      ['monthly', 55, 'normal', true],
      ['weekly', 0, 'normal', false],
    ],
  );
  const stranger = await raw(gateway.url, {
    method: 'GET',
    path: '/api/oauth/usage',
    headers: { authorization: 'Bearer nobody' },
  });
  assert.equal(stranger.status, 401);
});
