/** TLS in relay workers: the keys reach them over their own channel alone, and renewed ones as well, also those that start later. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { gatehouseConfig } from '../../src/config.ts';
import { serverOptions } from '../../src/doors/config.ts';
import { createServer } from '../../src/doors/server.ts';
import type { TlsMaterial } from '../../src/doors/tls.ts';
import { Closers } from '../../src/kernel/closers.ts';
import type { Fleet } from '../../src/main/workers/fleet.ts';
import { openFront } from '../../src/main/workers/front.ts';
import { type Identity, issue } from '../net/certificates.ts';
import { silent, until } from '../support/gateway.ts';

const POSIX = { skip: process.platform === 'win32' ? 'workers reach the ledger by a socket in a folder' : false };
const CA = issue({ name: 'authority', authority: true });
const FIRST = issue({ name: 'localhost', by: CA });
const SECOND = issue({ name: 'localhost', by: CA });
const CLIENTS = issue({ name: 'clients', authority: true });
const LAPTOP = issue({ name: 'laptop', by: CLIENTS });

const material = ({ certificate, key }: Identity): TlsMaterial => ({
  ...{ certificate, key },
  ...{ clientCa: CLIENTS.certificate, clients: 'require' },
});

interface Front {
  readonly fleet: Fleet;
  readonly port: number;
}

async function front(t: TestContext): Promise<Front> {
  const closers = new Closers(silent);
  t.after(() => closers.close());
  const config = gatehouseConfig.parse({
    listen: { port: 0, workers: 1, url: 'https://gate.example.com', trusted_proxies: ['127.0.0.1'] },
  });
  const ledger = createServer({ ...serverOptions(config.listen), behindWorkers: true });
  closers.add('ledger', async () => {
    ledger.server.closeAllConnections();
    await ledger.close();
  });
  ledger.get('/api/whom', (request, reply) => void reply.send(request.ip));
  const fleet = await openFront({
    ...{ config, app: ledger, closers, log: silent, tls: material(FIRST) },
    relay: {
      ...{ target: { upstream: 'none', simulated: true }, url: new URL('http://127.0.0.1:1'), key: null },
      ...{ firstByteMs: 1000, silenceMs: 1000, connectMs: 1000 },
    },
    govern: async () => undefined,
  });
  return { fleet, port: (await fleet.listen()).port };
}

/** The serial number of the certificate that is shown, and what is answered. */
async function ask(port: number, own: Identity | null = LAPTOP): Promise<readonly [serial: string, said: string]> {
  const identity = own === null ? {} : { cert: own.certificate, key: own.key };
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: CA.certificate, ...identity });
  let [serial, said] = ['', ''];
  socket.on('error', () => undefined);
  socket.on('data', (piece) => {
    said += piece.toString();
  });
  socket.once('secureConnect', () => {
    serial = socket.getPeerX509Certificate()?.serialNumber ?? '';
    socket.write(
      'GET /api/whom HTTP/1.1\r\nhost: gate.example.com\r\nx-forwarded-for: 203.0.113.66, 198.51.100.9\r\nconnection: close\r\n\r\n',
    );
  });
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return [serial, said];
}

test('P5: workers serve TLS, with keys that stand on no command line and in no environment', POSIX, async (t) => {
  const { fleet, port } = await front(t);
  const [first, said] = await ask(port);
  assert.match(said, /^HTTP\/1\.1 200 OK\r\n/);
  // Whom the trusted proxy names reaches the other process; and the answer says that it came by https.
  assert.match(said, /\r\n\r\n198\.51\.100\.9$/);
  assert.equal(said.match(/strict-transport-security/gi)?.length, 1);
  assert.equal((await ask(port, null))[1], '');
  assert.equal((await ask(port, issue({ name: 'laptop' })))[1], '');
  const { pid } = fleet.workers[0] ?? { pid: 0 };
  const secret = FIRST.key.split('\n')[1] ?? 'no key';
  if (process.platform === 'linux') {
    for (const name of ['cmdline', 'environ']) {
      const text = readFileSync(`/proc/${pid}/${name}`, 'latin1');
      assert.ok(text.length > 0 && !text.includes(secret), name);
    }
  }

  fleet.renewTls(material(SECOND));
  let second = first;
  while (second === first) [second] = await ask(port);
  assert.match((await ask(port))[1], /198\.51\.100\.9$/);

  // One that takes the place of another has the newest, not those of the start.
  process.kill(pid, 'SIGKILL');
  await until(() => fleet.died === 1 && fleet.workers.some((worker) => worker.pid !== pid && worker.residentBytes > 0));
  const [third, again] = await ask(port);
  assert.equal(third, second);
  assert.match(again, /198\.51\.100\.9$/);
});
