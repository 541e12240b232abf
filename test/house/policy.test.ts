/** Policies at a running gateway: applied, rolled back, explained, watched in a file. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { startDouble } from '../support/double.ts';
import { type Admin, claim, makeHouse, startChild } from '../support/house.ts';
import { delta, MESSAGE_START, raw, STREAM_CALL } from '../support/raw.ts';

const SONNET = 'access: [{ allow: claude-sonnet-5-5, to: everyone }]\n';

async function open(t: TestContext, policy: string | null) {
  const double = await startDouble();
  t.after(() => double.close());
  double.answer = (seen, response) => {
    if (!seen.body.includes('"stream":true')) {
      const usage = { input_tokens: 1, output_tokens: 1 };
      const { model } = JSON.parse(seen.body.toString()) as { model: string };
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ id: 'msg_1', type: 'message', model, usage }));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(MESSAGE_START);
    const timer = setInterval(() => response.write(delta('more')), 20);
    response.on('close', () => clearInterval(timer));
  };
  const house = makeHouse({ upstream: double.url, policy });
  t.after(() => house.remove());
  const child = await startChild(house);
  t.after(() => child.kill());
  const admin = await claim(child);
  await admin.call('POST', '/api/people', { email: 'dev@example.com' });
  const { secret } = await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'laptop' });
  const headers = { authorization: `Bearer ${secret}` };
  const call = async (model = 'claude-sonnet-5-5', more: object = {}) => {
    const body = JSON.stringify({ model, max_tokens: 16, messages: [{ role: 'user', content: 'hi' }], ...more });
    return raw(child.url, { body, headers });
  };
  return { house, child, admin, headers, call };
}

/** Status and body of what is refused, without throwing. */
async function refused(admin: Admin, path: string, body: object): Promise<{ status: number; text: string }> {
  const error = await admin.call('POST', path, body).then(
    () => null,
    (failure: Error) => failure,
  );
  const [, status = '0', text = ''] = / (\d{3}) (.*)$/s.exec(error?.message ?? '') ?? [];
  return { status: Number(status), text };
}

async function changes(admin: Admin): Promise<{ action: string; after: { revision?: number } }[]> {
  const { records } = await admin.call('GET', '/api/audit?kind=change&limit=200');
  const all = records as { action: string; after: { revision?: number } }[];
  return all.filter(({ action }) => action === 'policy.applied');
}

test('P8: nothing is allowed until a policy is applied; then it is, an invalid one changes nothing, and a rollback brings the old back', async (t) => {
  const { admin, call } = await open(t, null);
  const closed = await call();
  assert.equal(closed.status, 451);
  assert.match(closed.body.toString(), /No policy is in force/);
  const text = `${SONNET}teams: { research: {} }\nbudgets: [{ each: person, limit: 20 USD/month, hold: strict }]\n`;
  const applied = await admin.call('POST', '/api/policy/apply', { text, reason: 'first', expect: 0 });
  assert.deepEqual([applied.revision, applied.unchanged], [1, false]);
  assert.equal((await call()).status, 200, 'in force when the answer came, its budget known');
  assert.equal((await call('claude-opus-5-5')).status, 451);
  assert.equal((await changes(admin)).length, 1);
  const { teams } = await admin.call('GET', '/api/teams');
  assert.deepEqual(
    (teams as { name: string }[]).map(({ name }) => name),
    ['research'],
    'its teams are made',
  );

  const wrong = await refused(admin, '/api/policy/apply', { text: 'acces: []' });
  assert.equal(wrong.status, 400);
  assert.match(wrong.text, /1:1: unknown key\. Did you mean/);
  assert.equal((await call()).status, 200);
  assert.equal((await admin.call('GET', '/api/policy')).revision, 1);

  const stale = await refused(admin, '/api/policy/apply', { text: '{}', expect: 0 });
  assert.equal(stale.status, 409);
  await admin.call('POST', '/api/policy/apply', { text: '{}', expect: 1 });
  assert.equal((await call()).status, 451);
  const back = await admin.call('POST', '/api/policy/rollback', { revision: 1, reason: 'INC-42' });
  assert.equal(back.revision, 3);
  assert.equal((await call()).status, 200);
  const told = (await changes(admin)).map(({ after }) => after.revision).sort();
  assert.deepEqual(told, [1, 2, 3], 'one record for each change, none for what changed nothing');

  // Three calls of one token in and one out, at 2 and 10 dollars a million. A call is settled after its answer.
  let spent: unknown;
  for (let turn = 0; turn < 100 && spent !== '0.000036'; turn++) {
    const { budgets } = await admin.call('GET', '/api/budgets');
    spent = (budgets as { spent_usd: string }[])[0]?.spent_usd;
    await soon();
  }
  assert.equal(spent, '0.000036');
  const replay = (await admin.call('POST', '/api/policy/replay', { text: '{}' })) as {
    decisions: { seen: number; newly_refused: { calls: number } };
  };
  assert.deepEqual([replay.decisions.seen, replay.decisions.newly_refused.calls], [6, 3]);
  assert.equal((await changes(admin)).length, 3, 'a replay changes nothing');
});

test('P3: a deny that is applied while a stream runs ends it, and refuses the next call', async (t) => {
  const { admin, child, headers, call } = await open(t, null);
  await admin.call('POST', '/api/policy/apply', { text: SONNET });
  let begun = (): void => undefined;
  const first = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const running = raw(child.url, { body: STREAM_CALL, headers, onData: () => begun() });
  await first;
  const text = `${SONNET.trim().slice(0, -1)}, { deny: claude-sonnet-*, to: dev@example.com }]\n`;
  await admin.call('POST', '/api/policy/apply', { text, reason: 'INC-42' });
  assert.equal((await call()).status, 451);
  assert.match((await running).body.toString(), /event: error\ndata: .*policy no longer allows it/);
});

test('explain says what the gateway answers', async (t) => {
  const { admin, call } = await open(t, null);
  const text = [
    'models: { allowed: [claude-sonnet-5-5, claude-opus-5-5, claude-haiku-5-5] }',
    'access:',
    '  - { allow: claude-*, to: everyone }',
    '  - { ask: claude-opus-*, to: everyone }',
    '  - { deny: claude-haiku-*, to: dev@example.com }',
    'server_side: [{ allow: web_search, to: everyone, max_uses: 2 }]',
  ].join('\n');
  await admin.call('POST', '/api/policy/apply', { text });
  const explain = async (resource: object) => {
    const said = await admin.call('POST', '/api/policy/explain', { person: 'dev@example.com', ...resource });
    return said as { code: string | null; decision: { place: { path: string } | null }; approvals: unknown[] };
  };
  const answers = async (model: string, code: string | null, rule: string | null) => {
    const said = await explain({ model });
    assert.deepEqual([said.code, said.decision.place?.path ?? null], [code, rule], model);
    const answer = await call(model);
    assert.equal(answer.status, code === null ? 200 : 451, model);
    if (code === null) return;
    const { records } = await admin.call('GET', '/api/audit?kind=refusal&limit=1');
    const [refusal] = records as { code: string; rule: string | null }[];
    assert.deepEqual([refusal?.code, refusal?.rule], [code, rule], model);
  };
  await answers('claude-sonnet-5-5', null, 'access[0]');
  await answers('claude-haiku-5-5', 'not_permitted', 'access[2]');
  await answers('claude-opus-5-5', 'approval_required', 'access[1]');
  await answers('claude-fable-5-2', 'not_permitted', 'models.allowed');
  const grant = { kind: 'approval', for: 'dev@example.com', model: 'claude-opus-5-5', hours: '1 h', reason: 'SEC-214' };
  await admin.call('POST', '/api/grants', grant);
  await answers('claude-opus-5-5', null, 'access[1]');

  const tools = (type: string) => ({ tools: [{ type, name: 'tool', max_uses: 1 }] });
  assert.equal((await explain({ capability: 'web_search' })).code, null);
  assert.equal((await call('claude-sonnet-5-5', tools('web_search_20250305'))).status, 200);
  assert.equal((await explain({ capability: 'code_execution' })).code, 'not_permitted');
  assert.equal((await call('claude-sonnet-5-5', tools('code_execution_20250825'))).status, 451);
  await admin.call('POST', '/api/stops', { target: 'model', subject: 'claude-sonnet-*', reason: 'INC-42' });
  assert.equal((await explain({ model: 'claude-sonnet-5-5' })).code, 'stopped');
  assert.equal((await call()).status, 423);
});

test('P8: where a file is the source, it is changed there; a broken edit keeps what was in force and shows in the health', async (t) => {
  const { admin, house, call } = await open(t, SONNET);
  assert.equal((await call()).status, 200);
  const shown = await admin.call('GET', '/api/policy');
  assert.deepEqual([shown.source, shown.file, shown.author, shown.trouble], ['file', house.policyFile, 'file', null]);
  const refusal = await refused(admin, '/api/policy/apply', { text: '{}' });
  assert.equal(refusal.status, 409);
  assert.ok(refusal.text.includes(house.policyFile), refusal.text);

  writeFileSync(house.policyFile, `${SONNET.trim().slice(0, -1)}, { allow: claude-opus-5-5, to: everyone }]\n`);
  for (let turn = 0; turn < 200 && (await call('claude-opus-5-5')).status !== 200; turn++) await soon();
  assert.equal((await call('claude-opus-5-5')).status, 200);
  assert.equal((await admin.call('GET', '/api/policy')).revision, 2);

  writeFileSync(house.policyFile, 'access: [{ alow: claude-opus-5-5, to: everyone }]\n');
  let trouble: unknown = null;
  for (let turn = 0; turn < 200 && trouble === null; turn++) {
    await soon();
    ({ trouble } = await admin.call('GET', '/api/policy'));
  }
  assert.match(String(trouble), /policy\.yaml:1:\d+: access\[0\]/);
  const { warnings } = await admin.call('GET', '/api/health');
  assert.ok((warnings as string[]).some((warning) => warning.startsWith('The policy file is not in force')));
  assert.equal((await call('claude-opus-5-5')).status, 200, 'the last good one stays in force');
  assert.equal((await admin.call('GET', '/api/policy')).revision, 2);
});

function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}

test('a key of a person is for one of their own teams, by directory or policy, and calls are charged to it', async (t) => {
  const policy = `${SONNET}teams: { research: { members: [dev@example.com] }, payments: {}, secret: {} }\n`;
  const { admin, child } = await open(t, policy);
  await admin.call('POST', '/api/people/dev@example.com/team', { team: 'payments' });
  const wanted = (team: string) => ({ person: 'dev@example.com', label: team, team });
  const { status, text } = await refused(admin, '/api/keys', wanted('secret'));
  assert.equal(status, 409);
  assert.match(text, /not in that team/);
  const made = await admin.call('POST', '/api/keys', wanted('research'));
  const body = JSON.stringify({
    model: 'claude-sonnet-5-5',
    max_tokens: 16,
    messages: [{ role: 'user', content: 'hi' }],
  });
  assert.equal((await raw(child.url, { body, headers: { authorization: `Bearer ${made.secret}` } })).status, 200);
  const { rows } = (await admin.call('GET', '/api/usage?by=team')) as { rows: { name: string; calls: number }[] };
  assert.deepEqual(
    rows.map(({ name, calls }) => [name, calls]),
    [['research', 1]],
  );
});
