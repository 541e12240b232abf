import { HOST } from './proxies.ts';
import { chunked, HOST_LINE, type Pen, plain, post, type Row, START, usual } from './proxies-rows.ts';

/** One request whose head reads oddly; the tail is part of its body, never a request of its own. */
const head = (title: string, write: (pen: Pen, length: string) => string, more: Partial<Row> = {}): Row => ({
  title,
  most: 1,
  bytes: (pen) => write(pen, `Content-Length: ${pen.body.length}\r\n`) + pen.body,
  ...more,
});

/** A further header line. */
const line = (title: string, text: string, more: Partial<Row> = {}): Row =>
  head(title, (pen, length) => post(pen, text + length, ''), more);

/** The first lines of the request: request line and Host. */
const start = (title: string, text: string, more: Partial<Row> = {}): Row =>
  head(title, (pen, length) => post(pen, length, '', text), more);

const ALL: Partial<Row> = { served: true };
const NONE: Partial<Row> = { most: 0 };
const posts = (target: string, host = HOST): string => `POST ${target} HTTP/1.1\r\nHost: ${host}\r\n`;
const OTHER = 'ghk_0123456789012345678901234567890123456789';

const LINES: readonly Row[] = [
  line('an ordinary request', '', ALL),
  line('a folded line', 'X: y\r\n z\r\n'),
  line('a line without a colon', 'X\r\n'),
  line('a line without a name', ': y\r\n'),
  line('a name with NUL', 'X\0Y: z\r\n'),
  line('a value with NUL', 'X: y\0z\r\n'),
  line('a value with a control character', 'X: y\x01z\r\n'),
  line('a value with ESC', 'X: y\x1b[31mz\r\n'),
  line('a name with a space', 'X Y: z\r\n'),
  line('a name that is no ASCII', 'X\u00ff: z\r\n'),
  line('a name with a bracket', 'X(Y): z\r\n'),
  line('a value of 7000 characters', `X: ${'y'.repeat(7000)}\r\n`, ALL),
  line('a value of 40000 characters', `X: ${'y'.repeat(40_000)}\r\n`),
  line('three thousand lines', 'X: y\r\n'.repeat(3000)),
  line('an alias of the credential', `x_api_key: ${OTHER}\r\n`),
  line('a second credential', `x-api-key: ${OTHER}\r\n`),
  line('another credential', `Authorization: Bearer ${OTHER}\r\n`),
  line('a credential that Connection nominates', 'Connection: x-api-key\r\n'),
  line('a host that Connection nominates', 'Connection: host, keep-alive\r\n'),
  line('Expect', 'Expect: 100-continue\r\n', ALL),
  line('Expect of something else', 'Expect: 200-ok\r\n'),
  line('Expect twice', 'Expect: 100-continue\r\nExpect: 100-continue\r\n'),
  line('Expect with spaces and a comma', 'Expect: 100-continue, x\r\n'),
  head('bare LFs in the whole head', (pen, length) => post(pen, length, '').replaceAll('\r\n', '\n')),
  head('bare CRs in the whole head', (pen, length) => post(pen, length, '').replaceAll('\r\n', '\r'), NONE),
  head('an empty line in front', (pen, length) => `\r\n${post(pen, length, '')}`),
  head('a space in front of the first line', (pen, length) => post(pen, length, '', `${START} ${HOST_LINE}`)),
];

const TARGETS: readonly Row[] = [
  start('Host in capitals', posts('/v1/messages?row', HOST.toUpperCase()), ALL),
  start('Host with a port', posts('/v1/messages?row', `${HOST}:443`)),
  start('Host with a port that is none', posts('/v1/messages?row', `${HOST}:x`)),
  start('Host with user and password', posts('/v1/messages?row', `a:b@${HOST}`)),
  start('Host with somebody else in front', posts('/v1/messages?row', `${HOST}@evil.example`), NONE),
  start('Host with a path', posts('/v1/messages?row', `${HOST}/x`)),
  start('Host with a comma', posts('/v1/messages?row', `${HOST}, evil.example`), NONE),
  start('Host with an underscore', posts('/v1/messages?row', 'gatehouse_.example.com'), NONE),
  start('Host of somebody else', posts('/v1/messages?row', 'evil.example'), NONE),
  start('an empty Host', posts('/v1/messages?row', ''), NONE),
  start('no Host', START, NONE),
  start('the same Host twice', START + HOST_LINE + HOST_LINE),
  start('two Hosts, ours first', `${START}${HOST_LINE}Host: evil.example\r\n`, NONE),
  start('two Hosts, ours last', `${START}Host: evil.example\r\n${HOST_LINE}`, NONE),
  start('the absolute form', posts(`http://${HOST}/v1/messages?row`)),
  start('the absolute form of somebody else', posts('http://evil.example/v1/messages?row')),
  start('the absolute form, with another Host', posts(`http://${HOST}/v1/messages?row`, 'evil.example')),
  start('the absolute form with a user', posts(`http://a@${HOST}/v1/messages?row`)),
  start('a fragment', posts('/v1/messages#?row')),
  start('a target without a slash', posts('v1/messages?row')),
  start('two slashes', posts('//v1/messages?row')),
  start('a path that climbs', posts('/v1/x/../messages?row')),
  start('a target that is no ASCII', posts('/v1/messages?\u00e9')),
  start('a tab in the request line', `POST\t/v1/messages?row\tHTTP/1.1\r\n${HOST_LINE}`),
  start('two spaces in the request line', `POST  /v1/messages?row  HTTP/1.1\r\n${HOST_LINE}`),
  start('a space inside the target', `POST /v1/messages?a HTTP/1.1 HTTP/1.1\r\n${HOST_LINE}`),
  start('a space behind the version', `POST /v1/messages?row HTTP/1.1 \r\n${HOST_LINE}`),
  start('a vertical tab in the request line', `POST\x0b/v1/messages?row HTTP/1.1\r\n${HOST_LINE}`),
  start('a method in lower case', `post /v1/messages?row HTTP/1.1\r\n${HOST_LINE}`, NONE),
  start('a method that only begins well', `POSTX /v1/messages?row HTTP/1.1\r\n${HOST_LINE}`, NONE),
  start('a target of 9000 characters', posts(`/v1/messages?${'x'.repeat(9000)}`), NONE),
  start('HTTP/1.2', `POST /v1/messages?row HTTP/1.2\r\n${HOST_LINE}`),
  start('HTTP/2.0 on the first line', `POST /v1/messages?row HTTP/2.0\r\n${HOST_LINE}`),
  start('HTTP/1.01', `POST /v1/messages?row HTTP/1.01\r\n${HOST_LINE}`),
  start('a version in lower case', `POST /v1/messages?row http/1.1\r\n${HOST_LINE}`),
];

/** The second request is meant: it may reach the gateway as one that the proxy has read itself, in no other way. */
const pair = (title: string, first: (pen: Pen) => string, more: Partial<Row> = {}): Row => ({
  title,
  most: 2,
  bytes: (pen) => first(pen) + plain(pen, pen.second),
  ...more,
});

const PAIRS: readonly Row[] = [
  pair('two ordinary requests', (pen) => plain(pen), ALL),
  pair('chunks and then a request', (pen) => post(pen, 'Transfer-Encoding: chunked\r\n', chunked(pen.body)), ALL),
  pair('an upgrade to h2c', (pen) =>
    post(
      pen,
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n' +
        `Content-Length: ${pen.body.length}\r\n`,
      pen.body,
    ),
  ),
  pair('an upgrade to a web socket', (pen) =>
    post(
      pen,
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
      '',
      `GET /v1/models HTTP/1.1\r\n${HOST_LINE}`,
    ),
  ),
  pair('CONNECT', () => `CONNECT ${HOST}:443 HTTP/1.1\r\n${HOST_LINE}\r\n`, { most: 1 }),
  pair('TRACE', (pen) => `TRACE / HTTP/1.1\r\n${HOST_LINE}${usual(pen.key)}\r\n`, { most: 1 }),
  pair('the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', { most: 0 }),
  pair('HTTP/0.9', () => 'GET /v1/models\r\n', { most: 0 }),
  pair('HTTP/1.0 without keep-alive', (pen) => plain(pen).replace('HTTP/1.1', 'HTTP/1.0'), { most: 1 }),
  pair('HTTP/1.0 with keep-alive', (pen) =>
    post(
      pen,
      `Connection: keep-alive\r\nContent-Length: ${pen.body.length}\r\n`,
      pen.body,
      START.replace('1.1', '1.0') + HOST_LINE,
    ),
  ),
  pair('a refused request in front', (pen) => plain({ ...pen, key: OTHER }), { most: 1 }),
  pair(
    'a request that says close',
    (pen) => post(pen, `Connection: close\r\nContent-Length: ${pen.body.length}\r\n`, pen.body),
    { most: 1 },
  ),
  pair('Expect of a body that never comes', (pen) => post(pen, 'Expect: 100-continue\r\nContent-Length: 0\r\n', ''), {
    most: 1,
  }),
];

export const HEADS: readonly Row[] = [...LINES, ...TARGETS, ...PAIRS];
