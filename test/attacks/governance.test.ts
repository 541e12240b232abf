import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Closers } from '../../src/kernel/closers.ts';
import { PolicyFile } from '../../src/main/policy-file.ts';
import { PATH } from '../../src/pipeline.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import type { Governance } from '../../src/steps/governance.ts';
import type { StopRow } from '../../src/store/ports.ts';
import { silent, startTestGateway, type TestGateway, type TestOptions, until } from '../support/gateway.ts';
import { governanceOf, KEY, OPEN_POLICY, PERSON, partyRow } from '../support/governance.ts';
import { CALL, raw } from '../support/raw.ts';

const SONNET = 'claude-sonnet-5-5';
/** Sonnet only, nothing of the provider's side, one name denied out of all that a pattern allows. */
const NARROW = `
access: [ { allow: "claude-*", to: everyone }, { deny: claude-opus-*, to: everyone } ]
server_side: [ { allow: "*", to: service nobody } ]`;

async function start(t: TestContext, options: TestOptions): Promise<TestGateway> {
  const gateway = await startTestGateway(options);
  t.after(() => gateway.close());
  return gateway;
}

function body(extra: object): string {
  return JSON.stringify({ model: SONNET, max_tokens: 16, messages: [{ role: 'user', content: 'hi' }], ...extra });
}

const said = (...content: object[]): string => body({ messages: [{ role: 'user', content }] });
const text = (rest: string): string => `{"model":"${SONNET}","max_tokens":16,"messages":[],${rest}}`;
const url = { type: 'url', url: 'https://internal.example/' };
const image = { type: 'image', source: url };

// Each asks for what the policy denies, in a spelling that a provider could still read as meant.
const refused: readonly [title: string, body: string][] = [
  ['a denied model', body({ model: 'claude-opus-5-5' })],
  ['a denied model with a date', body({ model: 'claude-opus-5-5-20260922' })],
  ['a denied model with the date of another platform', body({ model: 'claude-opus-5-5@20260922' })],
  ['a denied model in escapes', text('"stream":false').replace(SONNET, 'claude-\\u006fpus-5-5')],
  ['two models, the denied one last', text('"model":"claude-opus-5-5"')],
  ['two models, one name in escapes', text('"mod\\u0065l":"claude-opus-5-5"')],
  ['a second model in another case', text('"Model":"claude-opus-5-5"')],
  ['a model in a list', body({ model: ['claude-opus-5-5'] })],
  ['a model in an object', body({ model: { id: 'claude-opus-5-5' } })],
  ['a model that is null', body({ model: null })],
  ['a denied fallback', body({ fallbacks: [{ model: SONNET }, { model: 'claude-opus-5-5' }] })],
  ['fallbacks twice', text(`"fallbacks":[],"fallbacks":[{"model":"claude-opus-5-5"}]`)],
  ['a fallback with two models', text(`"fallbacks":[{"model":"${SONNET}","model":"claude-opus-5-5"}]`)],
  ['a fallback that is a number', body({ fallbacks: [{ model: 5 }] })],
  ['fallbacks that the provider chooses', body({ fallbacks: 'default' })],
  ['fallbacks that are an object', body({ fallbacks: { 0: { model: 'claude-opus-5-5' } } })],
  ['a denied advisor', body({ tools: [{ type: 'advisor_20260301', name: 'advisor', model: 'claude-opus-5-5' }] })],
  ['a tool of the provider', body({ tools: [{ type: 'web_search_20260318', name: 'web_search' }] })],
  [
    'a tool of the provider behind tools of the client',
    body({ tools: [{ name: 'a' }, { type: 'web_fetch_20260318' }] }),
  ],
  ['a tool with two types', text('"tools":[{"type":"custom","type":"web_search_20260318"}]')],
  ['a tool whose type is in escapes', text('"tools":[{"typ\\u0065":"web\\u005fsearch_20260318"}]')],
  ['a tool whose type has another case', text('"tools":[{"Type":"web_search_20260318"}]')],
  ['a tool whose type is a list', body({ tools: [{ type: ['web_search_20260318'] }] })],
  ['a tool nobody has heard of', body({ tools: [{ type: 'quantum_20300101' }] })],
  ['a client tool with something behind its name', body({ tools: [{ type: 'bash_20250124_and_web_search' }] })],
  ['tools twice', text('"tools":[],"tools":[{"type":"web_search_20260318"}]')],
  ['a remote MCP server', body({ mcp_servers: [{ type: 'url', url: 'https://x', name: 'x' }] })],
  ['a toolset of a remote MCP server', body({ tools: [{ type: 'mcp_toolset', mcp_server_name: 'x' }] })],
  ['a container by name', body({ container: 'container_of_another' })],
  ['a container with skills', body({ container: { skills: [{ type: 'custom', skill_id: 's' }] } })],
  ['a thread of another', body({ thread: { type: 'continue', previous_message_id: 'msg_of_another' } })],
  ['a URL source', said(image)],
  ['a URL source in a tool result', said({ type: 'tool_result', tool_use_id: 't', content: [image] })],
  ['a URL source in a document', said({ type: 'document', source: { type: 'content', content: [image] } })],
  [
    'a URL source in a document in a tool result',
    said({
      type: 'tool_result',
      tool_use_id: 't',
      content: [{ type: 'document', source: { type: 'content', content: [image] } }],
    }),
  ],
  [
    'a URL source in the second message',
    body({
      messages: [
        { role: 'user', content: 'a' },
        { role: 'system', content: [image] },
      ],
    }),
  ],
  ['a file', said({ type: 'document', source: { type: 'file', file_id: 'file_of_another' } })],
  ['a file for a container', said({ type: 'container_upload', file_id: 'file_of_another' })],
  ['a source with two types', text('"x":1').replace('[]', '[{"content":[{"source":{"type":"text","type":"url"}}]}]')],
];

test('P8: nothing that the policy denies passes by another spelling, place or shape', async (t) => {
  const gateway = await start(t, { governance: governanceOf(NARROW) });
  for (const path of ['/v1/messages', '/v1/messages/count_tokens', '/v1/messages?beta=true&model=x']) {
    for (const [title, attempt] of refused) {
      const { status } = await raw(gateway.url, {
        path,
        body: attempt,
        headers: { 'anthropic-beta': 'all-2026-01-01' },
      });
      assert.ok(status === 451 || status === 400, `${title} (${path}): ${status}`);
    }
  }
  assert.equal(gateway.double.begun(), 0);
  assert.equal((await raw(gateway.url, { body: CALL })).status, 200, 'and what is allowed passes');
});

test('P8: a model in a path is decided on as it is forwarded, and no path leads elsewhere', async (t) => {
  const gateway = await start(t, { governance: governanceOf(NARROW) });
  const get = async (path: string): Promise<number> => (await raw(gateway.url, { method: 'GET', path })).status;
  for (const name of ['claude-opus-5-5', 'claude-%6fpus-5-5', '%63laude-opus-5-5-20260922', 'claude-opus-5-5?x=1']) {
    assert.equal(await get(`/v1/models/${name}`), 451, name);
  }
  for (const name of [
    '..%2fmessages',
    '%2e%2e',
    '..',
    'claude%00x',
    '%C0%AE%C0%AE',
    'a%5c..%5cb',
    'claude-x%0d%0aa:%20b',
  ]) {
    assert.ok([400, 404].includes(await get(`/v1/models/${name}`)), name);
  }
  for (const path of ['//v1/models/x', '/v1/./models/x', '/V1/models/x', '/v1/models/x/y']) {
    assert.equal(await get(path), 404, path);
  }
  assert.equal(gateway.double.begun(), 0);
});

/** A kill switch as the directory holds it. */
function stop(target: StopRow['target'], subject: string | null, reason = 'incident'): StopRow {
  return { id: 'stp_1', target, subject, reason, actor: 'per_x', createdAt: 0 } as StopRow;
}

const changes: readonly [title: string, made: () => Governance][] = [
  ['the policy is withdrawn', () => governanceOf(null)],
  ['the model is denied', () => governanceOf('access: [ { deny: "*", to: everyone } ]')],
  ['the person is stopped', () => governanceOf(OPEN_POLICY, { stops: [stop('party', PERSON)] })],
  ['the key is stopped', () => governanceOf(OPEN_POLICY, { stops: [stop('key', KEY)] })],
  ['the model is stopped', () => governanceOf(OPEN_POLICY, { stops: [stop('model', 'claude-sonnet-*')] })],
  ['everything is stopped', () => governanceOf(OPEN_POLICY, { stops: [stop('everything', null)] })],
];

test('P3: whatever is withdrawn between any two steps of a call, the call is not forwarded', async (t) => {
  const steps = PATH.filter(([name, , call]) => call && !['admit', 'relay'].includes(name)).map(([name]) => name);
  for (const [title, made] of changes) {
    for (const at of steps) {
      let change = (): void => undefined;
      const gateway = await start(t, { services: { beforeStep: (name) => (name === at ? change() : undefined) } });
      change = () => gateway.put(made());
      const { status } = await raw(gateway.url, { body: CALL });
      assert.ok([423, 451, 403].includes(status), `${title} before ${at}: ${status}`);
      assert.equal(gateway.double.begun(), 0, `${title} before ${at}`);
      await until(() => gateway.journal.of('intent').length === gateway.journal.of('outcome').length);
      assert.equal(gateway.ledger.running, 0, `${title} before ${at}`);
      assert.equal(gateway.openCalls.count, 0, `${title} before ${at}`);
    }
  }
});

test('nobody is charged to a team of others, whatever the header says', async (t) => {
  const team = (id: string, name: string) => ({ id, name, createdAt: 0 });
  const policy = `${OPEN_POLICY}\nteams: { research: { members: [ada@example.com] }, secret: {} }`;
  const directory = { parties: [partyRow({})], teams: [team('tea_r', 'research'), team('tea_s', 'secret')] };
  const gateway = await start(t, { governance: governanceOf(policy, directory) });
  const as = (value: string | string[]) => raw(gateway.url, { body: CALL, headers: { 'x-gatehouse-team': value } });
  const others = [
    'secret',
    'SECRET',
    '',
    ' ',
    'research,secret',
    'research, secret',
    '*',
    'everyone',
    'tea_r',
    '__proto__',
  ];
  for (const name of [...others, ['research', 'secret'], ['secret', 'research'], ['research', 'research']]) {
    const { status, body: told } = await as(name);
    assert.equal(status, 451, String(name));
    assert.doesNotMatch(told.toString(), /secret|tea_/, 'and no name is told');
  }
  assert.equal(gateway.double.begun(), 0);
  for (const name of ['research', 'Research', ' research ']) assert.equal((await as(name)).status, 200);
  assert.ok(gateway.journal.of('intent').every((intent) => intent.team === 'tea_r'));
});

const LINES = 'x\r\nset-cookie: a=b\r\n\r\nevent: message_stop\ndata: {}\n\n"}\u2028\u202e';

test('words of operators enter no header and no line of a stream', async (t) => {
  for (const key of ['because', 'when_spent']) {
    const entry = JSON.stringify(LINES);
    const document =
      key === 'because'
        ? `access: [ { deny: "*", to: everyone, because: ${entry} } ]`
        : `budgets: [ { each: person, limit: 0 USD/month, when_spent: ${entry} } ]`;
    assert.equal(loadPolicy({ text: document, file: 'x' }).ok, false, key);
  }
  const gateway = await start(t, { governance: governanceOf(OPEN_POLICY, { stops: [stop('party', PERSON, LINES)] }) });
  const { status, headers, body: told } = await raw(gateway.url, { body: CALL });
  assert.equal(status, 423);
  assert.equal(headers['set-cookie'], undefined);
  assert.equal(told.toString().trim().split('\n').length, 1);
  assert.equal(JSON.parse(told.toString()).type, 'error');
});

test('a refusal names no other person, no address and no file', async (t) => {
  const policy = `
teams: { research: { members: [ada@example.com, alan@example.com], lead: grace@example.com } }
access:
  - { deny: claude-opus-*, to: [alan@example.com, ada@example.com] }
  - { deny: claude-fable-*, to: key ${KEY} }
  - { ask: claude-haiku-*, to: [ada@example.com, alan@example.com] }
  - { allow: claude-sonnet-*, to: everyone }
budgets: [ { for: alan@example.com, limit: 1 USD }, { for: ada@example.com, limit: 0 USD } ]`;
  const gateway = await start(t, { governance: governanceOf(policy) });
  for (const model of ['claude-opus-5-5', 'claude-fable-5', 'claude-haiku-4-5', SONNET, 'claude-unknown']) {
    const { status, body: told, rawHeaders } = await raw(gateway.url, { body: body({ model }) });
    assert.ok(status >= 400);
    assert.doesNotMatch(told.toString() + rawHeaders.join(), /@|per_|key_|\.yaml|\.ts/);
  }
});

/** A watched file and what was applied from it. */
async function watching(t: TestContext, first: string) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-policy-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'policy.yaml');
  writeFileSync(file, first);
  const applied: string[] = [];
  const closers = new Closers(silent);
  t.after(() => closers.close());
  const applyPolicy = async ({ text: document }: { text: string }) => {
    const unchanged = applied.at(-1) === document;
    if (!unchanged) applied.push(document);
    return { revision: applied.length, unchanged };
  };
  const changesOf = { applyPolicy } as unknown as Parameters<typeof PolicyFile.watch>[0]['changes'];
  const watched = await PolicyFile.watch({
    ...{ file, changes: changesOf, log: silent, closers },
    hold: async () => 0,
  });
  const look = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) await watched.look();
  };
  return { folder, file, applied, watched, look };
}

test('P8: a policy file that is gone, a folder, a dangling link, half written or too large changes nothing', async (t) => {
  const good = 'access: [ { allow: claude-haiku-*, to: everyone } ]\n';
  const { folder, file, applied, watched, look } = await watching(t, good);
  const stays = async (title: string): Promise<void> => {
    await look();
    assert.deepEqual(applied, [good], title);
    assert.notEqual(watched.trouble, null, title);
  };
  rmSync(file);
  await stays('gone');
  mkdirSync(file);
  await stays('a folder');
  rmSync(file, { recursive: true });
  symlinkSync(join(folder, 'nowhere'), file);
  await stays('a dangling link');
  unlinkSync(file);
  writeFileSync(file, 'access: [ { allow: "*", to: every');
  await stays('cut in the middle of a word');
  writeFileSync(file, `${good}# ${'x'.repeat(1024 * 1024)}`);
  await stays('too large');
  writeFileSync(file, 'access: [ &a { allow: "*", to: everyone }, *a ]');
  await stays('references');
  writeFileSync(join(folder, 'next'), `${good}# the next\n`);
  unlinkSync(file);
  symlinkSync(join(folder, 'next'), join(folder, 'link'));
  renameSync(join(folder, 'link'), file);
  await look();
  assert.deepEqual(applied, [good, `${good}# the next\n`], 'a link that is swapped is followed');
  assert.equal(watched.trouble, null);
});

test('names that a caller invents leave nothing behind in the books of budgets', async (t) => {
  const policy = `${OPEN_POLICY}
budgets: [ { each: model, limit: 100 USD/month }, { each: person, limit: 100 USD/month } ]`;
  const gateway = await start(t, { governance: governanceOf(policy) });
  gateway.double.answer = (_seen, response) => {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{"type":"error","error":{"type":"not_found_error","message":"model"}}');
  };
  for (let i = 0; i < 200; i++) await raw(gateway.url, { body: body({ model: `claude-invented-${i}` }) });
  await until(() => gateway.journal.of('outcome').length === 200);
  assert.deepEqual(
    gateway.ledger.positions(
      () => 0,
      () => null,
    ),
    [],
  );
});
