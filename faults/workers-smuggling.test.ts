/**
 * The ambiguous requests that a gateway is sent straight, now to one with relay workers, whose answers and calls cross two processes;
 * and requests that nobody can read in two ways, whose every byte must be that of a gateway without workers.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Double, type Seen, startDouble } from '../test/support/double.ts';
import { delta, MESSAGE_END, MESSAGE_START } from '../test/support/raw.ts';
import { speak } from '../test/support/speak.ts';
import { HOST } from './support/proxies.ts';
import { CHUNKS } from './support/proxies-chunks.ts';
import { HEADS } from './support/proxies-heads.ts';
import { chunked, FRAMING, OPEN_TAIL, plain, type Row, wholeTail } from './support/proxies-rows.ts';
import { exchange, talk } from './support/proxies-talk.ts';
import { type Running, recordsOf, startRunning } from './support/workers.ts';

const ROWS: readonly (Row & { readonly tail: 'whole' | 'open' })[] = [
  ...[...FRAMING, ...CHUNKS].flatMap((row) => [
    { ...row, tail: 'whole' as const },
    { ...row, tail: 'open' as const },
  ]),
  ...HEADS.map((row) => ({ ...row, tail: 'whole' as const })),
];

let double: Double;
/** By how many workers stand in front. */
const gateways = new Map<number, Running>();
const undo: (() => void)[] = [];
let victim = { secret: '', id: '' };

before(async () => {
  double = await startDouble();
  double.answer = answer;
  for (const workers of [0, 2]) {
    const t = { after: (one: () => void) => void undo.push(one) };
    gateways.set(workers, await startRunning(t, { upstream: double.url, workers, listen: `hosts: [${HOST}]` }));
  }
  const { admin } = running(2);
  await admin.call('POST', '/api/people', { email: 'victim@example.com' });
  const { secret, key } = await admin.call('POST', '/api/keys', { person: 'victim@example.com', label: 'laptop' });
  victim = { secret: String(secret), id: (key as { id: string }).id };
});

after(async () => {
  for (const one of undo.reverse()) one();
  await double.close();
});

function running(workers: number): Running {
  const one = gateways.get(workers);
  assert.ok(one !== undefined);
  return one;
}

const portOf = ({ child }: Running): number => Number(new URL(child.url).port);

/** Headers that somebody could lose, join, reorder or spell in another way. */
const ODD = ['X-Twice', 'a', 'x-bytes', '\xe4\xff caf\xe9', 'X-Twice', 'b', 'x-EMPTY', '', 'Request-Id', 'req_1'];

function answer(seen: Seen, response: Parameters<Double['answer']>[1]): void {
  const mark = markOf(seen.body);
  if (seen.method === 'GET') {
    response.writeHead(200, ['Content-Type', 'application/json', ...ODD]);
    response.end('{ "data" : [ {"id":"claude-sonnet-5-5", "note": "caf\xe9"} ] }');
  } else if (mark === 'stream') {
    response.writeHead(200, ['Content-Type', 'text/event-stream', ...ODD]);
    response.write(`${MESSAGE_START}: a comment\n\n${delta('ä')}`);
    response.end(`${delta('x'.repeat(100_000))}${MESSAGE_END}`);
  } else if (mark === 'error') {
    response.writeHead(418, ['content-type', 'text/plain', ...ODD]);
    response.end(Buffer.from([0, 255, 13, 10, 128]));
  } else {
    response.writeHead(200, ['content-type', 'application/json', ...ODD]);
    response.end(JSON.stringify({ id: `msg_${mark}`, type: 'message', usage: { input_tokens: 1, output_tokens: 1 } }));
  }
}

function bodyOf(mark: string): string {
  const messages = [{ role: 'user', content: 'hi' }];
  return JSON.stringify({ model: 'claude-sonnet-5-5', max_tokens: 16, messages, metadata: { user_id: mark } });
}

function markOf(body: Buffer): string {
  try {
    return String(JSON.parse(body.toString()).metadata.user_id);
  } catch {
    return 'unmarked';
  }
}

/** A call of the victim on a connection of its own. */
async function innocent(mark: string): Promise<void> {
  const socket = connect(portOf(running(2)), '127.0.0.1');
  const pen = { key: victim.secret, body: bodyOf(`victim-${mark}`), second: '', tail: '' };
  const heard = await exchange(socket, plain(pen));
  socket.destroy();
  assert.match(heard, /^HTTP\/1\.1 200 /);
  assert.ok(heard.includes(`"id":"msg_victim-${mark}"`), heard);
}

async function attack({ bytes, most, served, tail }: (typeof ROWS)[number], index: number): Promise<void> {
  const { key } = running(2);
  const mark = (name: string): string => `${name}.${index}`;
  const hidden = tail === 'open' ? OPEN_TAIL : wholeTail(key, bodyOf(mark('smuggled')), mark('smuggled'));
  const said = bytes({ key, body: bodyOf(mark('own')), second: bodyOf(mark('second')), tail: hidden });
  const socket = connect(portOf(running(2)), '127.0.0.1');
  const heard = talk(socket, typeof said === 'string' ? Buffer.from(said, 'latin1') : said);
  await heard.quiet();
  await innocent(mark('behind'));
  heard.end();
  const reached = double.seen.map(({ body }) => markOf(body)).filter((one) => one.endsWith(`.${index}`));
  assert.ok(!reached.includes(mark('smuggled')), `the smuggled request reached the provider\n${heard.heard()}`);
  const own = reached.filter((one) => !one.startsWith('victim'));
  assert.ok(own.length <= most, `${own}\n${heard.heard()}`);
  if (served) assert.equal(own.length, most, heard.heard());
  const answers = heard.heard().match(/HTTP\/1\.[01] [2-5]\d\d /g)?.length ?? 0;
  assert.ok(answers >= own.length, `${own.length} calls reached the provider, ${answers} were answered here`);
}

describe('P4: no ambiguous request is two, through relay workers', { concurrency: 12 }, () => {
  for (const [index, row] of ROWS.entries()) test(`${row.title} (${row.tail})`, () => attack(row, index));
});

/** What one gateway made of a request, both ways; without what differs from call to call. */
async function passed(workers: number, write: (key: string) => string): Promise<object> {
  const gateway = running(workers);
  const from = double.seen.length;
  const heard = await speak(portOf(gateway), Buffer.from(write(gateway.key), 'latin1'));
  return {
    heard: heard.replace(/rec_\w{26}/g, 'rec_').replace(/Date: [^\r]*/g, 'Date:'),
    seen: double.seen.slice(from).map(({ method, url, rawHeaders, body }) => ({
      method,
      url,
      headers: rawHeaders.filter((_, at) => rawHeaders[at - (at % 2)]?.toLowerCase() !== 'traceparent'),
      body: body.toString('latin1'),
    })),
  };
}

const OWN = ODD.slice(0, 8).flatMap((text, at) => (at % 2 === 0 ? [`${text}: ${ODD[at + 1]}\r\n`] : []));
const head = (line: string, key: string): string =>
  `${line} HTTP/1.1\r\nHost: localhost\r\n${OWN.join('')}x-api-key: ${key}\r\nConnection: close\r\nContent-Type: application/json\r\n`;
const long = (body: string): string => body.replace('"hi"', `"${'x'.repeat(3 * 1024 * 1024)} \xc3\xa4"`);
const sized = (body: string) => (key: string) =>
  `${head('POST /v1/messages?beta=true&x=%2f', key)}Content-Length: ${body.length}\r\n\r\n${body}`;

const EQUAL: Readonly<Record<string, (key: string) => string>> = {
  'a call': sized(bodyOf('own')),
  'a large body': sized(long(bodyOf('own'))),
  'a large body in chunks': (key) =>
    `${head('POST /v1/messages', key)}Transfer-Encoding: chunked\r\n\r\n${chunked(long(bodyOf('own')))}`,
  'white space, an unknown field and an odd order': sized(` {"unknown" : 1.50, ${bodyOf('own').slice(1)}\n`),
  'a stream': sized(bodyOf('stream').replace('{', '{"stream":true,')),
  'an error that is no JSON': sized(bodyOf('error')),
  'a listing': (key) => `${head('GET /v1/models?limit=5', key)}\r\n`,
  'one model': (key) => `${head('GET /v1/models/claude-sonnet-5-5', key)}\r\n`,
  'the budgets left': (key) => `${head('GET /api/oauth/usage', key)}\r\n`,
  'a probe': (key) => `${head('HEAD /', key)}\r\n`,
  'a HEAD of what has none': (key) => `${head('HEAD /v1/models', key)}\r\n`,
  'a stranger': () => `${head('GET /v1/models', 'nobody')}\r\n`,
  'a body that is too short': (key) => sized(bodyOf('own'))(key).replace(/Content-Length: \d+/, 'Content-Length: 5'),
};
for (const [title, write] of Object.entries(EQUAL)) {
  test(`P4: through relay workers every byte is as without: ${title}`, async () => {
    assert.deepEqual(await passed(2, write), await passed(0, write));
  });
}

test('P4: the odd headers arrive as they were sent, both ways', async () => {
  const { heard, seen } = (await passed(2, sized(bodyOf('own')))) as { heard: string; seen: { headers: string[] }[] };
  const found = (all: readonly string[], name: string): string[] =>
    all.filter((_, at) => at % 2 === 1 && all[at - 1]?.toLowerCase() === name);
  assert.deepEqual(found(seen[0]?.headers ?? [], 'x-twice'), ['a', 'b']);
  assert.deepEqual(found(seen[0]?.headers ?? [], 'x-bytes'), ['\xe4\xff caf\xe9']);
  assert.match(heard, /X-Twice: a\r\nx-bytes: \xe4\xff caf\xe9\r\nX-Twice: b\r\nx-EMPTY: \r\nRequest-Id: req_1\r\n/);
});

test('P1: every call that reached the provider through workers is recorded with the key of whoever made it', async () => {
  const gateway = running(2);
  await gateway.child.stop();
  const keyOf = new Map((await recordsOf(gateway)).map(({ kind, trace, key }) => [kind === 'intent' && trace, key]));
  const calls = double.seen.filter(({ body }) => /\.\d+$/.test(markOf(body)));
  assert.ok(calls.length > ROWS.length);
  for (const { headers, body } of calls) {
    const owner = markOf(body).startsWith('victim') ? victim.id : gateway.keyId;
    assert.equal(keyOf.get(String(headers.traceparent).split('-')[1] ?? ''), owner, markOf(body));
    assert.equal(headers['x-api-key'], 'provider-secret');
    assert.doesNotMatch(JSON.stringify(headers), /ghk_/);
  }
});
