import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { CALL } from '../../support/raw.ts';
import type { FuzzTarget } from '../engine/target.ts';

/** No answer takes this long on loopback: the request hangs. */
const HANGS_MS = 10_000;

let started: Promise<TestGateway> | undefined;
let forwarded = 0;

/** How many requests reached the provider: a property that is never tested holds always. */
export function forwardedSoFar(): number {
  return forwarded;
}

/** Sends a request line as it is and resolves when the connection has closed. */
function said(port: number, head: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error('the request hangs'));
    }, HANGS_MS);
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
    // Written, not ended: half a connection that closes reads as a caller who hung up, and nothing would be forwarded.
    socket.write(head);
  });
}

async function run(input: Uint8Array): Promise<void> {
  started ??= startTestGateway();
  const { port, double, journal } = await started;
  double.seen.length = 0;
  journal.records.length = 0;
  // A line end would begin another header, which is no matter of routing.
  const line = Buffer.from(
    Buffer.from(input)
      .toString('latin1')
      .replace(/[\r\n]/g, ''),
    'latin1',
  );
  const rest = `HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer good\r\nContent-Type: application/json\r\nContent-Length: ${CALL.length}\r\nConnection: close\r\n\r\n${CALL}`;
  const answer = await said(port, Buffer.concat([line, Buffer.from(` ${rest}`)]));
  assert.match(answer, /^(?:$|HTTP\/1\.1 \d{3} )/, 'the answer is no HTTP');
  assert.ok(double.seen.length <= 1, 'one request became several');
  forwarded += double.seen.length;
  const [, target = ''] = /^[^ ]* +([^ ]*)/.exec(line.toString('latin1')) ?? [];
  for (const { method, url } of double.seen) checkForwarded({ method, url, target, records: journal.of('intent') });
}

interface Forwarded {
  readonly method: string;
  readonly url: string;
  readonly target: string;
  readonly records: readonly { readonly [key: string]: unknown }[];
}

/** What reached the provider: one of four paths, the caller's own query, and the model that was recorded. */
function checkForwarded({ method, url, target, records }: Forwarded): void {
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  const from = target.indexOf('?');
  assert.equal(at < 0 ? '' : url.slice(at), from < 0 ? '' : target.slice(from), "the query is not the caller's");
  assert.equal(records.length, 1, 'what was forwarded has not one intent');
  const route = `${method} ${path}`;
  if (/^(?:POST \/v1\/messages(?:\/count_tokens)?|GET \/v1\/models)$/.test(route)) return;
  const id = /^GET \/v1\/models\/([^/?#\\;]+)$/.exec(route)?.[1];
  assert.ok(id !== undefined, `the provider was asked for ${JSON.stringify(route)}`);
  const name = decodeURIComponent(id);
  assert.ok(!/(?:^|[/\\])\.{1,2}(?:$|[/\\])/.test(name), 'the name of a model leads elsewhere');
  assert.ok(!/\p{Cc}/u.test(name), 'the name of a model holds a control character');
  assert.equal((records[0] as { model?: unknown }).model, name, 'the model that was recorded is another one');
}

export const routing: FuzzTarget = {
  name: 'routing',
  parses: 'src/doors/server.ts, src/doors/messages/door.ts, src/steps/read.ts',
  hostile: ['caller'],
  seeds: [
    'POST /v1/messages?beta=true',
    'POST /v1/messages/count_tokens',
    'GET /v1/models',
    'GET /v1/models/claude-opus-5-5?x=%2e%2e',
    'HEAD /api/hello',
    'GET /v1/models/%2e%2e%2ffiles',
    'GET http://127.0.0.1/v1/models',
    'CONNECT example.com:443',
    'OPTIONS *',
    'GET //v1/models',
    'GET /v1/./models/../models/a',
    'POST /v1%2fmessages',
    'GET /v1/models/a%00b',
    'GET /v1/models;x=1',
    'GET /v1/models#?a',
    'GET \\v1\\models',
    'GET /v1/models/a%252fb',
  ],
  tokens: [
    'GET ',
    'POST ',
    'PUT ',
    'HEAD ',
    '/v1',
    '/messages',
    '/count_tokens',
    '/models',
    '/models/',
    '%2f',
    '%2F',
    '%5c',
    '%2e',
    '%2e%2e/',
    '../',
    './',
    '//',
    '\\',
    '%00',
    '%0d%0a',
    '%25',
    '%',
    '?',
    '&',
    '#',
    ';',
    'http://127.0.0.1',
    'http://example.com',
    '@',
    ':80',
    '*',
    '%c0%af',
    '%ff',
    '%u002f',
    '/api/hello',
    '/batches',
    '/v1/files',
  ],
  run,
  async close() {
    const gateway = await started;
    started = undefined;
    await gateway?.close();
  },
};
