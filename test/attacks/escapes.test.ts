/** What callers, providers and administrators write, shown by every command: no terminal sequence, no direction mark, no formula. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { request } from 'undici';
import { Terminal } from '../cli/fake-io.ts';
import { type Double, startDouble } from '../support/double.ts';
import { type Admin, claim, type House, makeHouse, type RunningChild, startChild } from '../support/house.ts';
import { CALL, raw } from '../support/raw.ts';
import { speak } from '../support/speak.ts';

/** ESC and OSC, BEL, C1 forms of them, line ends, direction marks, a zero-width space, a byte order mark. */
const EVIL =
  '\u001b]0;owned\u0007\u001b[2J\u009b31m\u009d0;x\u009c\r\nfake line\u0085\u2028\u202egpj\u2066\u200b\ufeff';
/** In a header: what the parser lets through, one byte a character. The last three bytes are U+202E in UTF-8. */
const EVIL_BYTES = '\x9b31m\x9d0;owned\x9c\x85\x80\xe2\x80\xae';
const FORMULA = '=cmd|calc!A0';

let double: Double;
let house: House;
let gateway: RunningChild;
let admin: Admin;
let record = '';
let keyId = '';

before(async () => {
  double = await startDouble();
  double.answer = (seen, response) => {
    const evil = seen.body.includes('fails') ? 400 : 200;
    response.writeHead(evil, { 'content-type': 'application/json', 'request-id': `req_${EVIL_BYTES}` });
    const usage = { input_tokens: 1, output_tokens: 1, service_tier: EVIL };
    response.end(
      JSON.stringify({
        id: EVIL,
        type: 'message',
        model: EVIL,
        stop_reason: EVIL,
        usage,
        error: { type: EVIL, message: EVIL },
      }),
    );
  };
  house = makeHouse({ upstream: double.url });
  const config = readFileSync(house.configFile, 'utf8');
  assert.ok(config.includes('level: error'));
  writeFileSync(house.configFile, config.replace('level: error', 'level: debug'));
  gateway = await startChild(house);
  admin = await claim(gateway);
  await admin.call('POST', '/api/teams', { name: '=1+1' });
  await admin.call('POST', '/api/people', { email: '=1+1@example.com', team: '=1+1' });
  const made = await admin.call('POST', '/api/keys', { person: '=1+1@example.com', label: `${FORMULA},"x"` });
  keyId = String((made.key as { id: string }).id);
  await admin.call('POST', `/api/keys/${keyId}/rotate`, { overlap: '1 h' });
  for (const model of [`claude${EVIL}`, FORMULA, '@SUM', '-1-1', 'claude-sonnet-5-5', `\t${FORMULA}`]) {
    for (const text of ['hi', 'fails'])
      await call(String(made.secret), CALL.replace('"claude-sonnet-5-5"', JSON.stringify(model)).replace('hi', text));
  }
  // A listing names its model in the path, where more characters pass.
  for (const model of ['=1+1', '+1+1', '@SUM(1)']) {
    const path = `/v1/models/${encodeURIComponent(model)}`;
    await raw(gateway.url, { method: 'GET', path, headers: { authorization: `Bearer ${made.secret}` } });
  }
  // A refusal that quotes what was sent, and a stranger.
  await call(String(made.secret), `{"${EVIL.replaceAll(/[\r\n]/g, '')}": `);
  await call('nobody', CALL);
});
after(async () => {
  gateway?.kill();
  await double.close();
  house.remove();
});

async function call(key: string, body: string): Promise<void> {
  const bytes = Buffer.from(body);
  const lines = [
    'POST /v1/messages HTTP/1.1',
    'host: localhost',
    `x-api-key: ${key}`,
    'content-type: application/json',
    `user-agent: ${FORMULA}${EVIL_BYTES}`,
    `x-claude-code-session-id: ${FORMULA}${EVIL_BYTES}`,
    `x-claude-code-agent-id: ${EVIL_BYTES}`,
    `content-length: ${bytes.length}`,
    'connection: close',
  ];
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  const answer = await speak(Number(new URL(gateway.url).port), Buffer.concat([head, bytes]));
  const named = /x-gatehouse-record: (rec_\w+)/i.exec(answer)?.[1];
  if (answer.startsWith('HTTP/1.1 200 ') && named !== undefined) record = named;
}

/** A command line against this gateway. */
async function command(isTerminal: boolean, ...argv: string[]): Promise<string> {
  const terminal = new Terminal();
  terminal.isTerminal = isTerminal;
  terminal.columns = 200;
  terminal.env = { GATEHOUSE_URL: gateway.url, GATEHOUSE_TOKEN: admin.token };
  terminal.http = async ({ method, url, headers, body }) => {
    const reply = await request(url, { method, headers, body });
    return { status: reply.statusCode, headers: reply.headers, text: await reply.body.text() };
  };
  try {
    const code = await terminal.run(...argv);
    assert.equal(code, 0, `${argv.join(' ')}: ${terminal.err}`);
    return terminal.out + terminal.err;
  } finally {
    terminal.close();
  }
}

/** Everything but printable characters and line feeds. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose
const RAW = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

function assertHarmless(text: string, what: string): void {
  // The colours that the command line writes itself, and nothing else.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
  const found = RAW.exec(text.replaceAll(/\u001b\[\d{1,2}m/g, ''));
  assert.equal(
    found,
    null,
    `${what}: U+${found?.[0].charCodeAt(0).toString(16)} in ${JSON.stringify(text.slice(Math.max(0, (found?.index ?? 0) - 60), (found?.index ?? 0) + 60))}`,
  );
  assert.equal(/^fake line/m.test(text), false, `${what}: a line of somebody else`);
}

const COMMANDS: readonly (readonly string[])[] = [
  ['audit', 'tail', '-n', '500'],
  ['audit', 'tail', '-n', '500', '--json'],
  ['audit', 'search'],
  ['audit', 'export'],
  ['usage', '--by', 'model'],
  ['usage', '--by', 'person'],
  ['usage', '--by', 'team'],
  ['usage', '--by', 'key'],
  ['usage', '--by', 'model', '--json'],
  ['usage', 'forecast'],
  ['usage', 'unusual'],
  ['keys', 'list'],
  ['keys', 'list', '--json'],
  ['people', 'list'],
  ['teams', 'list'],
  ['stop', 'list'],
  ['grants', 'list'],
  ['budgets'],
];
for (const argv of COMMANDS) {
  for (const isTerminal of [true, false]) {
    test(`nothing raw from: ${argv.join(' ')}${isTerminal ? ', on a terminal' : ''}`, async () => {
      assertHarmless(await command(isTerminal, ...argv), argv.join(' '));
    });
  }
}

test('what was sent is shown all the same, in words', async () => {
  const tail = await command(true, 'audit', 'tail', '-n', '500');
  assert.ok(tail.includes('\\u{'), tail);
  const shown = await command(true, 'audit', 'show', record);
  assertHarmless(shown, 'audit show');
  const all = JSON.parse(await command(false, 'audit', 'tail', '-n', '500', '--json')) as {
    records: { kind: string; client?: { user_agent?: string } }[];
  };
  const agents = all.records.filter(({ kind }) => kind === 'intent').map(({ client }) => client?.user_agent);
  assert.ok(agents.length > 3 && agents.some((agent) => agent?.startsWith(FORMULA)), 'the journal keeps what was sent');
  assert.ok((await command(false, 'keys', 'list')).includes(FORMULA));
  assertHarmless(await command(true, 'keys', 'show', keyId), 'keys show');
});

/** Cells of RFC 4180, for what a spreadsheet would make of them. */
function cellsOf(csv: string): string[] {
  const cells = [...csv.matchAll(/(?<=^|,|\r\n)(?:"((?:[^"]|"")*)"|([^",\r\n]*))(?=,|\r\n|$)/g)];
  return cells.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');
}

for (const argv of [
  ['usage', '--by', 'model', '--csv'],
  ['usage', '--by', 'person', '--csv'],
  ['usage', '--by', 'team', '--csv'],
  ['usage', '--by', 'key', '--csv'],
  ['usage', 'forecast', '--csv'],
  ['audit', 'export', '--format', 'csv'],
]) {
  test(`no formula and nothing raw in: ${argv.join(' ')}`, async () => {
    const csv = await command(false, ...argv);
    assertHarmless(csv.replaceAll('\r\n', '\n'), argv.join(' '));
    const cells = cellsOf(csv);
    for (const cell of cells) assert.doesNotMatch(cell, /^[=+\-@\t\r]/, `${argv.join(' ')}: ${cell}`);
    assert.ok(cells.length > 5);
  });
}

test('formulas are there, disarmed', async () => {
  const exported = cellsOf(await command(false, 'audit', 'export', '--format', 'csv'));
  for (const model of ['=1+1', '+1+1', '@SUM(1)']) {
    assert.ok(exported.includes(`'${model}`), `${model} in ${exported.join('\n')}`);
  }
  const people = cellsOf(await command(false, 'usage', '--by', 'person', '--csv'));
  assert.ok(
    people.some((cell) => cell.startsWith("'=1+1@")),
    people.join('\n'),
  );
});

test('an administrator cannot put control characters into names, labels or reasons', async () => {
  for (const [path, body] of [
    ['/api/people', { email: `a${EVIL}@example.com` }],
    ['/api/people', { email: 'a\u202eb@example.com' }],
    ['/api/teams', { name: `a${EVIL}` }],
    ['/api/teams', { name: 'a\u009bb' }],
    ['/api/keys', { person: '=1+1@example.com', label: 'a\u0007b' }],
    ['/api/stops', { target: 'everything', reason: 'a\u001b[2Jb' }],
  ] as const) {
    await assert.rejects(admin.call('POST', path, body), /: 400 /, JSON.stringify(body));
  }
});

test('the log holds one JSON line an entry and nothing raw', async () => {
  await gateway.stop();
  const lines = gateway.stderr().trimEnd().split('\n');
  assert.ok(lines.length > 10, 'the test must have something to look at');
  for (const line of lines) {
    assert.equal(typeof JSON.parse(line).msg, 'string');
    assertHarmless(line, 'log');
  }
});
