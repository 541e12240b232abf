/** Budgets and rates in front of the real Claude Code: what a developer reads when one is used up, what waits, and what the journal says. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { installClaude, makeDesk, read, runTurn, type Turn } from './client.ts';
import { dayOf, type GovernedHouse, type Key, nextMonth, openGovernedHouse, send } from './house.ts';

/** The first turn of a session is about 49 KB: 12,200 tokens, written to the cache for about $0.06; $0.16 are held for it. */
const POLICY = `
time_zone: UTC
teams:
  platform: { members: [capped-in-team@example.com] }
access:
  - { allow: "*", to: everyone }
rates:
  - { for: busy@example.com, concurrent: 1 }
  - { for: counting@example.com, count_tokens: 20/min }
budgets:
  - { for: session@example.com, limit: 0.30 USD/month, when_spent: "Ask in #claude-budget." }
  - { for: small@example.com, limit: 0.05 USD/month, when_spent: "Ask in #claude-budget." }
  - { for: [capped@example.com, capped-in-team@example.com], limit: 0.20 USD/month, at_cap: end, when_spent: "Ask in #claude-budget." }
  - { each: service, limit: 1 USD/month, hold: strict }
  - { each: team, limit: 100 USD/month, hold: strict }
`;
/** Counts that are over the rate wait up to a minute, and the client with them. */
const COUNTING_MS = 150_000;

const resets = `; it resets on ${dayOf(nextMonth())}`;

let binary: string;
let house: GovernedHouse;
/** `/context` under a tight rate of counts: runs beside the other tests, because it may wait. */
let counting: { readonly key: Key; readonly turn: Promise<Turn> };

before(async () => {
  binary = installClaude();
  house = await openGovernedHouse(POLICY);
  const key = await house.person('counting@example.com');
  const turn = runTurn(binary, { url: house.url, key: key.secret, prompt: '/context', patience: COUNTING_MS });
  counting = { key, turn };
});

after(async () => {
  await counting?.turn;
  await house?.close();
});

test('P2: a budget that is spent in the middle of a session: answered twice, then one request that is blocked, and the developer reads what to do', async () => {
  const key = await house.person('session@example.com');
  const desk = makeDesk();
  const turn = (prompt: string, args: readonly string[] = []) =>
    runTurn(binary, { url: house.url, key: key.secret, prompt, args, desk });
  try {
    const first = await turn('hello');
    assert.equal(first.exitCode, 0, first.stdout + first.stderr);
    // 15,000 tokens of output: 30 cents. What runs when the budget is passed is finished.
    const second = await turn('[[sim:huge 60000]]', ['--continue']);
    assert.equal(second.exitCode, 0, second.stdout + second.stderr);
    const third = await turn('and now?', ['--continue']);
    assert.equal(third.exitCode, 1);
    assert.equal(
      read(third),
      `API Error: Request rejected (429) · The budget of $0.30 a month for you is spent${resets}. Ask in #claude-budget. (Gatehouse record rec_…)`,
    );
  } finally {
    desk.remove();
  }
  const { intents, refusals } = await house.records(key);
  const sessions = [...intents, ...refusals].map(({ client }) => (client as { session: string }).session);
  assert.deepEqual([intents.length, refusals.length, new Set(sessions).size], [2, 1, 1]);
  assert.partialDeepStrictEqual(refusals[0], { code: 'budget_spent', status: 429, rule: 'budgets[0]' });

  const { status, headers, text } = await send(house.url, key, { body: { model: 'claude-haiku-5-5' } });
  assert.equal(status, 429);
  assert.equal(JSON.parse(text).error.type, 'billing_error');
  assertBlocked(headers);
});

/** The headers of a block, by which a client that is signed in shows it; the fraction is what was spent of the limit. */
function assertBlocked(headers: Readonly<Record<string, string | string[] | undefined>>): void {
  const prefix = 'anthropic-ratelimit-unified-';
  const unified = Object.entries(headers).filter(([name]) => name.startsWith(prefix));
  const found = Object.fromEntries(unified.map(([name, value]) => [name.slice(prefix.length), value]));
  const { 'overage-utilization': used, ...others } = found;
  const reset = String(nextMonth().getTime() / 1000);
  assert.deepEqual(others, {
    status: 'rejected',
    reset,
    'overage-reset': reset,
    'overage-surpassed-threshold': '1',
    'overage-period': 'monthly',
    'overage-disabled-reason': 'org_spend_cap_reached',
  });
  assert.ok(Number(used) > 1, String(used));
  assert.equal(headers['x-should-retry'], 'false');
  assert.match(String(headers['retry-after']), /^[1-9]\d*$/);
}

test('P2: a budget with too little left for one turn: the developer reads what the turn costs and what is left', async () => {
  const key = await house.person('small@example.com');
  const turn = await runTurn(binary, { url: house.url, key: key.secret, prompt: 'hello' });
  assert.equal(turn.exitCode, 1);
  assert.equal(
    read(turn),
    `API Error: Request rejected (429) · This call is expected to cost $0.16, and of the budget of $0.05 a month for you only $0.05 is left${resets}. Ask for less output (max_tokens), or send less. Ask in #claude-budget. (Gatehouse record rec_…)`,
  );
  const { intents, refusals } = await house.records(key);
  assert.deepEqual(
    [intents.length, refusals.map(({ code, rule }) => [code, rule])],
    [0, [['budget_short', 'budgets[1]']]],
  );
});

test('P2: a strict budget holds the most a turn can cost: blocked with the client’s 128,000 tokens of output, answered with fewer', async () => {
  const key = await house.service('pipeline');
  const blocked = await runTurn(binary, { url: house.url, key: key.secret, prompt: 'hello' });
  assert.equal(blocked.exitCode, 1);
  assert.match(
    read(blocked),
    /^API Error: Request rejected \(429\) · This call could cost \$3\.\d\d, and of the budget of \$1\.00 a month for this service only \$1\.00 is left; it resets on \w{3} 1\. Ask for less output \(max_tokens\), or send less\. Ask your platform team\. \(Gatehouse record rec_…\)$/,
  );
  const env = { CLAUDE_CODE_MAX_OUTPUT_TOKENS: '1000' };
  const passed = await runTurn(binary, { url: house.url, key: key.secret, prompt: 'hello', env });
  assert.equal(passed.exitCode, 0, passed.stdout + passed.stderr);
  const { intents, refusals } = await house.records(key);
  assert.deepEqual(
    [intents.map((intent) => intent.max_tokens), refusals.map(({ code, rule }) => [code, rule])],
    [[1000], [['budget_short', 'budgets[3]']]],
  );
});

for (const { who, title } of [
  { who: 'capped@example.com', title: 'an answer that passes the cap of its budget is ended' },
  { who: 'capped-in-team@example.com', title: 'so it is where a strict budget of its team counts it as well' },
]) {
  test(`P2: ${title}, the client’s second try is refused, and the developer reads which budget`, async () => {
    const key = await house.person(who);
    // Would cost more than twice the budget.
    const turn = await runTurn(binary, { url: house.url, key: key.secret, prompt: '[[sim:long 16000 0]]' });
    assert.equal(turn.exitCode, 1, turn.stdout.slice(0, 500));
    assert.match(
      read(turn),
      /^API Error: Request rejected \(429\) · The budget of \$0\.20 a month for you is spent; it resets on \w{3} 1\. Ask in #claude-budget\. \(Gatehouse record rec_…\)$/,
    );
    const { outcomes, refusals } = await house.records(key);
    assert.equal(outcomes.length, 1);
    assert.partialDeepStrictEqual(outcomes[0], {
      result: 'cut',
      code: 'budget_ended',
      levels: { transport: 'cut', protocol: 200 },
    });
    const { micros } = outcomes[0]!.cost as { micros: number };
    // Ended when it was spent: not a step before, and at the piece of the stream that passed it, which the network cuts.
    assert.ok(micros >= 200_000 && micros < 300_000, String(micros));
    assert.deepEqual(
      refusals.map(({ code, rule }) => [code, rule]),
      [['budget_spent', 'budgets[2]']],
    );
  });
}

test('a rate is waited out: the client is told when to come back, comes back, and the developer only reads the answer', async () => {
  const key = await house.person('busy@example.com');
  const other = new AbortController();
  const body = {
    model: 'claude-haiku-5-5',
    stream: true,
    messages: [{ role: 'user', content: '[[sim:stall 60000]]' }],
  };
  const held = send(house.url, key, { body, signal: other.signal }).catch(() => 'hung up');
  await house.records(key, ({ intents }) => intents.length === 1);
  const running = runTurn(binary, { url: house.url, key: key.secret, prompt: 'hello' });
  await house.records(key, ({ refusals }) => refusals.length > 0);
  other.abort();
  assert.equal(await held, 'hung up');
  const turn = await running;
  assert.equal(turn.exitCode, 0, turn.stdout + turn.stderr);
  assert.match(turn.stdout, /^Simulated answer from claude-opus-5-5/);
  const { outcomes, refusals } = await house.records(key);
  assert.ok(refusals.length <= 2, String(refusals.length));
  for (const refusal of refusals)
    assert.partialDeepStrictEqual(refusal, { code: 'rate_limited', status: 429, rule: 'rates[0]' });
  assert.equal(outcomes.at(-1)?.result, 'ok');
});

test('a rate of counts: /context shows the context all the same, and counts on its own what was refused', async () => {
  const { stdout, stderr, exitCode } = await counting.turn;
  assert.equal(exitCode, 0, stdout + stderr);
  assert.match(stdout, /^## Context Usage\n/);
  assert.match(stdout, /\| System tools \| [\d.]+k \|/);
  const { outcomes, refusals } = await house.records(counting.key);
  assert.ok(
    outcomes.length >= 20 && outcomes.every(({ action, result }) => action === 'model.count' && result === 'ok'),
  );
  assert.ok(refusals.length > 0);
  for (const refusal of refusals)
    assert.partialDeepStrictEqual(refusal, { action: 'model.count', status: 429, rule: 'rates[1]' });
});
