/** What relay workers pass on to the ledger process stays one request, whoever its body says it is. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { createServer as createDoors } from '../../src/doors/server.ts';
import { passOn } from '../../src/main/workers/pass-on.ts';
import { speak } from '../support/speak.ts';

const POSIX = { skip: process.platform === 'win32' ? 'workers reach the ledger by a socket in a folder' : false };

interface Seen {
  readonly line: string;
  readonly peer: string | undefined;
  readonly body: string;
}

let folder = '';
let ledger: Server;
let worker: FastifyInstance;
let port = 0;
const seen: Seen[] = [];

before(async () => {
  if (POSIX.skip !== false) return;
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-workers-'));
  ledger = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const peer = request.headers['x-forwarded-for']?.toString();
      seen.push({ line: `${request.method} ${request.url}`, peer, body: Buffer.concat(chunks).toString() });
      response.end(`answer to ${request.url}`);
    });
  });
  await new Promise<void>((resolve) => ledger.listen(join(folder, 'ledger.sock'), resolve));
  worker = createDoors({ hosts: [], requestMs: 30_000 });
  passOn(worker, join(folder, 'ledger.sock'));
  await worker.listen({ host: '127.0.0.1', port: 0 });
  port = (worker.server.address() as AddressInfo).port;
});
after(async () => {
  if (folder === '') return;
  await worker.close();
  ledger.closeAllConnections();
  await new Promise((resolve) => ledger.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

const SMUGGLED =
  'POST /api/smuggled HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 203.0.113.9\r\ncontent-length: 0\r\n\r\n';
const CHUNKS = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`;
const FRAMINGS: readonly (readonly [title: string, lines: string, body: string])[] = [
  ['in chunks', 'connection: close\r\ntransfer-encoding: chunked\r\n', CHUNKS],
  [
    'in chunks that Connection nominates',
    'connection: close, transfer-encoding\r\ntransfer-encoding: chunked\r\n',
    CHUNKS,
  ],
  ['with a length', `connection: close\r\ncontent-length: ${SMUGGLED.length}\r\n`, SMUGGLED],
  [
    'with a length that Connection nominates',
    `connection: close, content-length\r\ncontent-length: ${SMUGGLED.length}\r\n`,
    SMUGGLED,
  ],
  ['in chunks with Expect', 'connection: close\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n', CHUNKS],
];
for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PUT']) {
  for (const [title, lines, body] of FRAMINGS) {
    test(`P4: the body of a ${method} ${title} is not read as a request`, POSIX, async () => {
      seen.length = 0;
      await speak(port, `${method} /api/own HTTP/1.1\r\nhost: localhost\r\n${lines}\r\n${body}`);
      // Behind it, on the same connection to the ledger: it gets its own answer.
      const next = await speak(port, 'GET /api/next HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
      assert.match(next, /answer to \/api\/next$/);
      assert.deepEqual(
        seen.map(({ line }) => line),
        [`${method} /api/own`, 'GET /api/next'],
      );
      assert.equal(seen[0]?.body, SMUGGLED);
    });
  }
}

test('P1: the peer that the ledger is told is that of the socket', POSIX, async () => {
  for (const lines of [
    'x-forwarded-for: 203.0.113.9\r\n',
    'X-Forwarded-For: a\r\nforwarded: for=203.0.113.9\r\n',
    'connection: x-forwarded-for, close\r\n',
  ]) {
    seen.length = 0;
    await speak(port, `GET /api/own HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${lines}\r\n`);
    assert.match(String(seen[0]?.peer), /^(::ffff:)?127\.0\.0\.1$/, lines);
  }
});
