/** What a policy allows, asks and denies, and what is stopped: what a developer reads in the real Claude Code, and what the journal says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { installClaude, makeDesk, read, runTurn } from './client.ts';
import { type GovernedHouse, type Key, openGovernedHouse } from './house.ts';

const POLICY = `
models:
  allowed: [claude-opus-5-5, claude-haiku-5-5, claude-fable-5-2]
access:
  - { allow: [claude-opus-*, claude-haiku-*], to: everyone }
  - { ask: claude-fable-*, to: everyone, because: "twice the price of Opus" }
  - { deny: claude-opus-*, to: denied@example.com, because: "Opus is kept for research" }
server_side:
  - { allow: web_search, to: searching@example.com }
  - { allow: web_search, to: bounded@example.com, max_uses: 3 }
`;

let binary: string;
let house: GovernedHouse;

before(async () => {
  binary = installClaude();
  house = await openGovernedHouse(POLICY);
});

after(() => house?.close());

const turnOf = (key: Key, prompt: string, args: readonly string[] = []) =>
  runTurn(binary, { url: house.url, key: key.secret, prompt, args });

test('P8: a model that is denied: one request, and the developer reads which rule, why and whom to ask; with another model the work goes on', async () => {
  const key = await house.person('denied@example.com');
  const turn = await turnOf(key, 'hi');
  assert.equal(turn.exitCode, 1);
  assert.equal(
    read(turn),
    'API Error: 451 Policy does not allow claude-opus-5-5: access[2] denies claude-opus-* to this person (Opus is kept for research). Ask your platform team for access. (Gatehouse record rec_…)',
  );
  const { intents, refusals } = await house.records(key);
  assert.deepEqual([intents.length, refusals.length], [0, 1]);
  assert.partialDeepStrictEqual(refusals[0], {
    code: 'not_permitted',
    status: 451,
    rule: 'access[2]',
    model: 'claude-opus-5-5',
  });
  assert.ok(turn.stdout.includes(`(Gatehouse record ${refusals[0]?.id})`));

  const other = await turnOf(key, 'Say hello', ['--model', 'haiku']);
  assert.equal(other.exitCode, 0, other.stdout + other.stderr);
  assert.partialDeepStrictEqual((await house.records(key)).intents[0], {
    model: 'claude-haiku-5-5',
    decision: { effect: 'allow', rule: 'access[0]' },
  });
});

test('a model that asks first: refused until somebody grants it, then it answers', async () => {
  const key = await house.person('asking@example.com');
  const refused = await turnOf(key, 'hi', ['--model', 'fable']);
  assert.equal(refused.exitCode, 1);
  assert.equal(
    read(refused),
    'API Error: 451 claude-fable-5-2 needs an approval: access[1] asks before it allows claude-fable-* to everyone (twice the price of Opus). Ask your platform team for one. (Gatehouse record rec_…)',
  );
  const grant = await house.admin.call('POST', '/api/grants', {
    kind: 'approval',
    for: 'asking@example.com',
    model: 'claude-fable-*',
    hours: '1 h',
    reason: 'a migration to plan',
  });
  const allowed = await turnOf(key, 'hi', ['--model', 'fable']);
  assert.equal(allowed.exitCode, 0, allowed.stdout + allowed.stderr);
  const { intents, refusals } = await house.records(key);
  assert.deepEqual(
    refusals.map(({ code, rule }) => [code, rule]),
    [['approval_required', 'access[1]']],
  );
  assert.equal(intents.length, 1);
  assert.partialDeepStrictEqual(intents[0], { model: 'claude-fable-5-2', decision: { rule: String(grant.id) } });
});

test('P8: a model outside the ceiling: the developer reads which there are', async () => {
  const key = await house.person('ceiling@example.com');
  const turn = await turnOf(key, 'hi', ['--model', 'claude-opus-4-6']);
  assert.equal(turn.exitCode, 1);
  assert.equal(
    read(turn),
    'API Error: 451 Policy does not allow claude-opus-4-6: models.allowed permits only claude-opus-5-5, claude-haiku-5-5, claude-fable-5-2. Ask your platform team for access. (Gatehouse record rec_…)',
  );
  const { intents, refusals } = await house.records(key);
  assert.deepEqual(
    [intents.length, refusals.map(({ code, rule }) => [code, rule])],
    [0, [['not_permitted', 'models.allowed']]],
  );
});

test('scripts that read JSON find the refusal as an error of the API, with its status and words', async () => {
  const key = await house.person('script@example.com');
  const turn = await turnOf(key, 'hi', ['--model', 'claude-opus-4-6', '--output-format', 'json']);
  assert.equal(turn.exitCode, 1);
  const told = JSON.parse(turn.stdout) as Record<string, unknown>;
  assert.partialDeepStrictEqual(told, {
    is_error: true,
    api_error_status: 451,
    api_error_type: 'permission_error',
    num_turns: 1,
    total_cost_usd: 0,
  });
  assert.match(String(told.result), /^API Error: 451 Policy does not allow claude-opus-4-6: /);
});

test('P8: the models a developer is offered are those that policy lets through', async () => {
  const key = await house.person('choosing@example.com');
  const desk = makeDesk();
  try {
    const env = { CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: '1' };
    const turn = await runTurn(binary, { url: house.url, key: key.secret, prompt: 'hi', desk, env });
    assert.equal(turn.exitCode, 0, turn.stdout + turn.stderr);
    const cached = JSON.parse(readFileSync(join(desk.config, 'cache', 'gateway-models.json'), 'utf8')) as {
      models: { id: string }[];
    };
    const offered = cached.models.map(({ id }) => id).sort();
    assert.deepEqual(offered, ['claude-fable-5-2', 'claude-haiku-5-5', 'claude-opus-5-5']);
  } finally {
    desk.remove();
  }
});

const SEARCH = '[[sim:tool WebSearch {"query":"gatehouses"}]]';
const search = (key: Key) => runTurn(binary, { url: house.url, key: key.secret, prompt: SEARCH, tools: 'WebSearch' });

test('P8: the web search of the client is a tool of the provider: closed, the model reads why, and the turn goes on', async () => {
  const key = await house.person('closed@example.com');
  const turn = await search(key);
  assert.equal(turn.exitCode, 0, turn.stdout + turn.stderr);
  assert.equal(
    read(turn),
    'Simulated answer: the tool failed with "API Error: 451 Policy does not allow web_search (run by the provider): no rule allows web_search to this person. Ask your platform team for access. (Gatehouse record rec_…)".',
  );
  const { intents, outcomes, refusals } = await house.records(key);
  assert.deepEqual(
    refusals.map(({ code, rule, detail }) => [code, rule, detail]),
    [['not_permitted', null, 'no rule allows web_search to this person']],
  );
  assert.equal(intents.length, 2);
  assert.ok(outcomes.every(({ result }) => result === 'ok'));
});

test('the web search of the client where policy opens it: a call of its own, recorded like any other', async () => {
  const key = await house.person('searching@example.com');
  const turn = await search(key);
  assert.equal(turn.exitCode, 0, turn.stdout + turn.stderr);
  assert.match(turn.stdout, /the tool said "Web search results for query: "gatehouses"/);
  const { intents, outcomes, refusals } = await house.records(key);
  assert.deepEqual([intents.length, refusals.length], [3, 0]);
  assert.ok(outcomes.every(({ result }) => result === 'ok'));
});

test('the web search of the client where policy bounds it lower than the client asks: the model reads the bound', async () => {
  const key = await house.person('bounded@example.com');
  const turn = await search(key);
  assert.equal(turn.exitCode, 0, turn.stdout + turn.stderr);
  assert.match(
    turn.stdout,
    /451 Policy does not allow web_search with 8 max_uses: it is allowed with max_uses up to 3\. Ask your platform team/,
  );
  const { refusals } = await house.records(key);
  assert.deepEqual(
    refusals.map(({ rule }) => rule),
    ['server_side[1]'],
  );
});

test('P3: a stop of everything while an answer runs and before a new turn: the developer reads its reason; lifted, it goes on', async () => {
  const key = await house.person('stopped@example.com');
  const running = turnOf(key, '[[sim:long 400 100]]');
  await house.records(key, ({ intents }) => intents.length === 1);
  // The stream has begun a little after its intent.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const stop = await house.admin.call('POST', '/api/stops', { target: 'everything', reason: 'A leak is looked into.' });
  const words =
    'API Error: 423 Everything was stopped: A leak is looked into. Ask your platform team. (Gatehouse record rec_…)';
  const cut = await running;
  assert.deepEqual([read(cut), cut.exitCode], [words, 1]);
  // The client sends the turn again without a stream after an error in its middle: refused as well, and only once.
  const first = await house.records(key);
  assert.equal(first.outcomes.length, 1);
  assert.partialDeepStrictEqual(first.outcomes[0], { result: 'cut', code: 'permission_ended' });
  assert.equal(first.refusals.length, 1);

  const fresh = await turnOf(key, 'hi');
  assert.deepEqual([read(fresh), fresh.exitCode], [words, 1]);
  const second = await house.records(key);
  assert.deepEqual(
    second.refusals.map(({ code, status, rule }) => [code, status, rule]),
    [
      ['stopped', 423, stop.id],
      ['stopped', 423, stop.id],
    ],
  );

  await house.admin.call('POST', `/api/stops/${stop.id}/lift`, { reason: 'it was none' });
  const after = await turnOf(key, 'hi');
  assert.equal(after.exitCode, 0, after.stdout + after.stderr);
});
