/** The real Claude Code, headless, through a real Gatehouse, to the simulated provider: what the developer reads and what the journal says. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readRecords } from '../../src/journal/read.ts';
import type { JournalRecord } from '../../src/journal/records.ts';
import { verifyJournal } from '../../src/journal/verify.ts';
import { createLogger } from '../../src/kernel/log.ts';
import { type RunningGatehouse, startGatehouse } from '../../src/main.ts';
import { type Admin, adminOf, claim } from '../../test/support/house.ts';
import { CLAUDE_VERSION, installClaude, runTurn } from './client.ts';

let binary: string;
let folder: string;
let gatehouse: RunningGatehouse;
let admin: Admin;
let person: string;

before(async () => {
  binary = installClaude();
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-e2e-'));
  gatehouse = await startGatehouse({ demo: true, port: 0, data: folder, log: createLogger({ level: 'error' }) });
  admin = adminOf(gatehouse.url, (await claim(gatehouse)).token);
  person = String((await admin.call('POST', '/api/people', { email: 'dev@example.com' })).id);
});

after(async () => {
  await gatehouse?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

async function newKey(): Promise<{ id: string; secret: string }> {
  const made = await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'e2e' });
  return { id: String((made.key as { id: string }).id), secret: String(made.secret) };
}

async function recordsOf(key: string): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const { record } of readRecords(join(folder, 'journal'), 'main'))
    if (record.key === key) records.push(record);
  return records;
}

/** The records of a key once every intent has its outcome. */
async function settled(
  key: string,
): Promise<{ intents: JournalRecord[]; outcomes: JournalRecord[]; refusals: JournalRecord[] }> {
  for (let i = 0; i < 100; i++) {
    const records = await recordsOf(key);
    const of = (kind: string) => records.filter((record) => record.kind === kind);
    if (of('intent').length === of('outcome').length)
      return { intents: of('intent'), outcomes: of('outcome'), refusals: of('refusal') };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('an intent got no outcome');
}

test('a text turn: the developer reads the answer, the journal says who, with what and how much', async () => {
  const key = await newKey();
  const turn = await runTurn(binary, { url: gatehouse.url, key: key.secret, prompt: 'Say hello to the gatehouse' });
  assert.equal(turn.exitCode, 0, turn.stdout + turn.stderr);
  assert.match(turn.stdout, /Simulated answer/);
  const { intents, outcomes } = await settled(key.id);
  assert.equal(intents.length, 1);
  assert.partialDeepStrictEqual(intents[0], {
    who: person,
    kind: 'intent',
    action: 'model.call',
    model: 'claude-opus-5-5',
    stream: true,
    target: { upstream: 'simulated', simulated: true },
  });
  const client = intents[0]?.client as { user_agent: string; session: string };
  assert.ok(client.user_agent.startsWith(`claude-cli/${CLAUDE_VERSION} `));
  assert.match(client.session, /^[0-9a-f-]{36}$/);
  assert.partialDeepStrictEqual(outcomes[0], {
    result: 'ok',
    model_used: 'claude-opus-5-5',
    levels: { transport: 'complete', protocol: 200, semantic: 'end_turn' },
  });
  const usage = outcomes[0]?.usage as { output_tokens: number } | undefined;
  assert.ok(usage !== undefined && usage.output_tokens > 0);
});

test('a tool turn: the tool runs on the laptop and its result comes back through the gateway, one record pair a request', async () => {
  const key = await newKey();
  const turn = await runTurn(binary, {
    url: gatehouse.url,
    key: key.secret,
    prompt: '[[sim:tool Bash {"command":"echo through-the-gate"}]]',
    tools: 'Bash(echo:*)',
  });
  assert.equal(turn.exitCode, 0, turn.stdout + turn.stderr);
  assert.match(turn.stdout, /through-the-gate/);
  const { outcomes } = await settled(key.id);
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.levels as { semantic: string }).semantic),
    ['tool_use', 'end_turn'],
  );
});

test('a sub-agent: its calls are recorded in the same session, under its own agent id', async () => {
  const key = await newKey();
  const turn = await runTurn(binary, {
    url: gatehouse.url,
    key: key.secret,
    prompt: '[[sim:agent]]',
    tools: 'Task,Agent',
  });
  assert.equal(turn.exitCode, 0, turn.stdout + turn.stderr);
  const { intents } = await settled(key.id);
  const clients = intents.map((intent) => intent.client as { session: string; agent: string | null });
  assert.equal(new Set(clients.map(({ session }) => session)).size, 1);
  assert.ok(clients.some(({ agent }) => agent !== null));
  assert.ok(clients.some(({ agent }) => agent === null));
});

test('model discovery and the token count go through the gateway too, and are recorded as what they are', async () => {
  const key = await newKey();
  const turn = await runTurn(binary, {
    url: gatehouse.url,
    key: key.secret,
    prompt: '/context',
    env: { CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: '1' },
  });
  assert.equal(turn.exitCode, 0, turn.stdout + turn.stderr);
  const { outcomes } = await settled(key.id);
  const actions = new Set(outcomes.map((outcome) => outcome.action));
  assert.ok(actions.has('model.list'), [...actions].join());
  assert.ok(actions.has('model.count'), [...actions].join());
  assert.ok(outcomes.every((outcome) => outcome.result === 'ok'));
});

test('a wrong key: one request, and the developer reads what to do', async () => {
  const wrong = `${(await newKey()).secret.slice(0, -6)}000000`;
  const turn = await runTurn(binary, { url: gatehouse.url, key: wrong, prompt: 'hi' });
  assert.equal(turn.exitCode, 1);
  assert.match(
    turn.stdout,
    /^Failed to authenticate\. API Error: 401 The key in this call is not a Gatehouse key, or it was cut or mistyped\. Copy the whole key again; it starts with ghk_\. \(Gatehouse record rec_[0-9a-z]{26}\)/,
  );
});

test('P3: a key revoked while its stream runs: the stream ends, the retry is refused, the developer reads why', async () => {
  const key = await newKey();
  const turn = runTurn(binary, { url: gatehouse.url, key: key.secret, prompt: '[[sim:long 400 100]]' });
  let records: JournalRecord[] = [];
  for (let i = 0; i < 200 && records.length === 0; i++) {
    records = await recordsOf(key.id);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  // The stream has begun a little after its intent.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await admin.call('POST', `/api/keys/${key.id}/revoke`, { reason: 'leaked' });
  const { stdout, exitCode } = await turn;
  assert.equal(exitCode, 1);
  assert.match(stdout, /This key was revoked/);
  const { outcomes, refusals } = await settled(key.id);
  assert.partialDeepStrictEqual(outcomes[0], { result: 'cut', code: 'revoked_while_running' });
  assert.ok(refusals.length >= 1 && refusals.every((refusal) => refusal.code === 'credential_revoked'));
});

test('an overloaded provider: the client retries as it does without a gateway, each try is recorded', async () => {
  const key = await newKey();
  const turn = await runTurn(binary, { url: gatehouse.url, key: key.secret, prompt: '[[sim:status 529]]' });
  assert.equal(turn.exitCode, 1);
  assert.match(turn.stdout, /529/);
  const { outcomes } = await settled(key.id);
  assert.equal(outcomes.length, 3);
  for (const outcome of outcomes) {
    assert.partialDeepStrictEqual(outcome, { result: 'error', code: 'overloaded_error', levels: { protocol: 529 } });
  }
});

test('an error in the middle of the stream: the provider words reach the developer, both tries are recorded', async () => {
  const key = await newKey();
  const turn = await runTurn(binary, { url: gatehouse.url, key: key.secret, prompt: '[[sim:midstream-error]]' });
  assert.equal(turn.exitCode, 1, turn.stdout);
  const { outcomes } = await settled(key.id);
  assert.ok(outcomes.length >= 2);
  assert.partialDeepStrictEqual(outcomes[0], {
    result: 'error',
    code: 'overloaded_error',
    levels: { protocol: 200, semantic: 'error' },
  });
});

test('after all that the trail verifies, and names nobody', async () => {
  const report = await verifyJournal({ dir: join(folder, 'journal') });
  assert.deepEqual(
    report.writers.flatMap((writer) => writer.problems),
    [],
  );
  const lines: string[] = [];
  for await (const { line } of readRecords(join(folder, 'journal'), 'main')) lines.push(line.toString());
  assert.ok(!lines.join('\n').includes('dev@example.com'));
});
