import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readRecords } from '../src/journal/read.ts';
import type { JournalRecord } from '../src/journal/records.ts';
import { type Double, startDouble } from '../test/support/double.ts';
import { type Admin, claim, type House, makeHouse, type RunningChild, startChild } from '../test/support/house.ts';
import { CALL, raw } from '../test/support/raw.ts';
import { residentMiB } from './support/slow.ts';
import { type Came, floodCalls } from './support/slow-flood.ts';

/** Connections of a flood, and its requests. */
const CONNECTIONS = 200;
const TOTAL = 4000;

let double: Double;
let house: House;
let child: RunningChild;
let admin: Admin;
let key: string;
let greedy: string;

before(async () => {
  double = await startDouble();
  house = makeHouse({ upstream: double.url });
  // As operators run it: each call of a known caller has its line.
  writeFileSync(house.configFile, readFileSync(house.configFile, 'utf8').replace('level: error', 'level: info'));
  child = await startChild(house);
  admin = await claim(child);
  const keyOf = async (email: string): Promise<string> => {
    await admin.call('POST', '/api/people', { email });
    return String((await admin.call('POST', '/api/keys', { person: email, label: 'test' })).secret);
  };
  key = await keyOf('dev@example.com');
  greedy = await keyOf('greedy@example.com');
});

after(async () => {
  await child.stop();
  await double.close();
  house.remove();
});

const bearer = (secret: string): string => `authorization: Bearer ${secret}\r\n`;

function request(line: string, lines: string, body = ''): string {
  const length = body === '' ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`;
  return `${line} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${lines}${length}\r\n${body}`;
}

async function records(): Promise<JournalRecord[]> {
  const all: JournalRecord[] = [];
  for await (const { record } of readRecords(join(house.dataDir, 'journal'), 'main')) all.push(record);
  return all;
}

const lines = (): number => child.stderr().split('\n').length;

/** Floods, while somebody else makes ordinary calls: every one of them is answered. Resolves with what the flood got. */
async function flooded(
  request: string | Buffer,
  options: { connections?: number; total?: number } = {},
): Promise<Came> {
  const port = Number(new URL(child.url).port);
  let floods = true;
  const flood = floodCalls({ port, connections: CONNECTIONS, total: TOTAL, request, ...options }).finally(() => {
    floods = false;
  });
  let calls = 0;
  while (floods || calls < 20) {
    const { status, body } = await raw(child.url, { body: CALL, headers: { authorization: `Bearer ${key}` } });
    assert.equal(status, 200, body.toString());
    calls++;
  }
  known += calls;
  return flood;
}

/** Ordinary calls so far. */
let known = 0;

const LIST = 'GET /v1/models';
const POST = 'POST /v1/messages';

/** What strangers may send, and the answers there are to it. */
const STRANGERS: Readonly<Record<string, readonly [bytes: string, came: readonly string[]]>> = {
  'calls without a key': [request(POST, '', CALL), ['401']],
  'keys that are none': [request(POST, bearer('guess'), CALL), ['401']],
  'keys of the right shape': [request(POST, bearer(`ghk_${'a'.repeat(43)}`), CALL), ['401']],
  'listings without a key': [request(LIST, ''), ['401']],
  'unknown paths': [request('GET /wp-login.php', ''), ['404']],
  'unknown paths with bodies': [request('POST /xmlrpc.php', '', 'x'.repeat(10_000)), ['404']],
  'foreign hosts': ['GET / HTTP/1.1\r\nhost: evil.example\r\n\r\n', ['421']],
  'no HTTP': [`\x16\x03\x01${'\0'.repeat(200)}`, ['400']],
  'heads beyond the limit': [request(LIST, `x: ${'a'.repeat(40_000)}\r\n`), ['431', 'closed']],
  'a thousand requests in one go': [request(LIST, '').repeat(1000), ['401', 'closed']],
  'the admin door without a token': [request('GET /api/people', ''), ['401']],
  'the admin door with a guess': [
    request('POST /api/people', bearer(`gha_${'a'.repeat(43)}`), '{"email":"a@b.c"}'),
    ['401'],
  ],
  'the first owner with a guess': [
    request('POST /api/owner', '', '{"secret":"ghs_x","email":"a@b.c"}'),
    ['400', '401', '403', '404', '409', '422', '429'],
  ],
  metrics: [request('GET /metrics', ''), ['401']],
};

for (const [what, [bytes, statuses]] of Object.entries(STRANGERS)) {
  test(`P1: a flood of strangers with ${what} keeps nobody out, and fills neither the journal nor the log`, async () => {
    const before = { lines: lines(), known };
    const came = await flooded(bytes, what.startsWith('a thousand') ? { total: 200 } : {});
    assert.deepEqual(
      Object.keys(came).filter((status) => !statuses.includes(status)),
      [],
      JSON.stringify(came),
    );
    const sum = Object.values(came).reduce((all, count) => all + count, 0);
    assert.ok(sum >= (what.startsWith('a thousand') ? 200 : TOTAL), JSON.stringify(came));
    // A line for each call of a known caller, and a few of the gateway's own.
    const more = lines() - before.lines;
    assert.ok(more <= known - before.known + 20, `${more} lines of log for ${known - before.known} calls`);
  });
}

test('P1: of all those strangers the journal holds a count a minute', async () => {
  const all = await records();
  const minutes = Math.ceil((Date.parse(String(all.at(-1)?.at)) - Date.parse(String(all[0]?.at))) / 60_000);
  const counts = all.filter(({ kind }) => kind === 'strangers');
  assert.ok(counts.length <= minutes + 1, `${counts.length} in ${minutes} minutes`);
  for (const count of counts) assert.ok(JSON.stringify(count).length < 8192);
  assert.equal(all.filter(({ kind }) => kind === 'refusal').length, 0);
  const calls = all.filter(({ kind }) => kind === 'intent').length;
  assert.ok(Math.abs(calls - known) <= 1, `${calls} intents for ${known} calls of known callers`);
});

const deep = `${'['.repeat(120)}${']'.repeat(120)},`;
const GREEDY: Readonly<Record<string, readonly [bytes: string, came: readonly string[], total: number]>> = {
  calls: [request(POST, '', CALL), ['200', '429'], TOTAL],
  'token counts': [request('POST /v1/messages/count_tokens', '', CALL), ['200', '429'], TOTAL],
  listings: [request(LIST, ''), ['200', '502', '429'], TOTAL],
  'looks at its budgets': [request('GET /api/oauth/usage', ''), ['200', '429'], TOTAL],
  'calls that are refused': [request(POST, '', '{"model":1}'), ['400', '429'], TOTAL],
  'bodies of 400 KB, nested as deep as may be': [
    request(POST, '', `{"model":"claude-sonnet-5-5","max_tokens":16,"messages":[${deep.repeat(1700)}1]}`),
    ['200', '429'],
    300,
  ],
  'bodies of 400 KB, nested deeper': [
    request(POST, '', `{"model":"claude-sonnet-5-5","messages":${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
    ['400', '429', 'closed'],
    300,
  ],
  'bodies of 30 MB': [
    request(POST, '', `{"model":"claude-sonnet-5-5","max_tokens":16,"messages":[${'{},'.repeat(10_000_000)}{}]}`),
    ['200', '429', 'closed'],
    40,
  ],
};

for (const [what, [bytes, statuses, total]] of Object.entries(GREEDY)) {
  test(`one caller with a flood of ${what} leaves the others theirs`, async () => {
    const body = bytes.replace('\r\n\r\n', `\r\n${bearer(greedy)}\r\n`);
    const before = residentMiB(child.process.pid);
    const connections = total < TOTAL ? 40 : CONNECTIONS;
    const came = await flooded(Buffer.from(body), { total, connections });
    assert.deepEqual(
      Object.keys(came).filter((status) => !statuses.includes(status)),
      [],
      JSON.stringify(came),
    );
    const more = residentMiB(child.process.pid) - before;
    assert.ok(more < 768, `${Math.round(more)} MiB more than before`);
  });
}

test('P1: refusals of one caller beyond a hundred a minute are counted, at the model door and at the admin door', async () => {
  const before = lines();
  await flooded(request('GET /api/people', bearer(greedy)));
  const all = await records();
  const refusals = all.filter(({ kind }) => kind === 'refusal');
  const minutes = Math.ceil((Date.parse(String(all.at(-1)?.at)) - Date.parse(String(all[0]?.at))) / 60_000);
  assert.ok(refusals.length <= 100 * (minutes + 1), `${refusals.length} in ${minutes} minutes`);
  assert.ok(lines() - before < known + 300);
});
