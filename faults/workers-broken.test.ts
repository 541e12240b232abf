/** Relay workers that are stuck, die at a bad moment or cannot be started, and callers that ask for it. */
import assert from 'node:assert/strict';
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { after, before, test } from 'node:test';
import type { WorkerOrders } from '../src/main/workers/messages.ts';
import { type Double, type Seen, startDouble } from '../test/support/double.ts';
import { until } from '../test/support/gateway.ts';
import { makeHouse, startChild } from '../test/support/house.ts';
import { delta, MESSAGE_START, raw } from '../test/support/raw.ts';
import { call, HAIKU, outcomesOf, type Running, recordsOf, runs, startRunning } from './support/workers.ts';

/** 1000 tokens at $1 and 500 at $5 a million, micro-dollars. */
const WHOLE = 3500;

const PROC = { skip: existsSync('/proc/self/fd') ? false : 'open files are counted in /proc' };
const PRLIMIT = { skip: missing('prlimit') };

let double: Double;
/** What the provider does with a call, by a word in its body. */
const ANSWERS: Readonly<Record<string, (response: Parameters<Double['answer']>[1]) => void>> = {
  silence: () => undefined,
  head: (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(' ');
  },
  stream: (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(MESSAGE_START.replace('claude-sonnet-5-5', HAIKU) + delta('x'.repeat(2000)));
  },
  listing: (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"data":[');
  },
};

before(async () => {
  double = await startDouble();
  double.answer = (seen, response) => {
    const answer = ANSWERS[wordOf(seen)];
    if (answer !== undefined) return answer(response);
    response.writeHead(200, { 'content-type': 'application/json' });
    const usage = { input_tokens: 1000, output_tokens: 500 };
    response.end(JSON.stringify({ type: 'message', model: HAIKU, stop_reason: 'end_turn', usage }));
  };
});
after(() => double.close());

function wordOf({ method, body }: Seen): string {
  return method === 'GET' ? 'listing' : String(JSON.parse(body.toString()).messages[0].content);
}

function missing(tool: string): string | false {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return `${tool} is not installed`;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const pidOf = ({ child }: Running): number => child.process.pid ?? 0;
const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** Bytes of a call on a connection of its own, and everything that came back when it is closed. */
function begin(running: Running, text: string, part = text.length): { socket: Socket; ended: Promise<string> } {
  const head = `POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nx-api-key: ${running.key}\r\n`;
  const socket = connect(Number(new URL(running.child.url).port), '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  const ended = new Promise<string>((resolve) => socket.once('close', () => resolve(heard)));
  socket.write(`${head}Content-Length: ${text.length}\r\n\r\n${text.slice(0, part)}`);
  return { socket, ended };
}

function bodyOf(word: string): string {
  const messages = [{ role: 'user', content: word }];
  return JSON.stringify({ model: HAIKU, stream: word === 'stream', max_tokens: 500, messages });
}

async function killWorkers(running: Running, signal: NodeJS.Signals = 'SIGKILL'): Promise<number[]> {
  const workers = await running.workers();
  for (const worker of workers) process.kill(worker, signal);
  return workers;
}

test('P2: whatever moment a worker dies at, its call is charged for what may have been used, and no more', async (t) => {
  const running = await startRunning(t, { upstream: double.url, workers: 1 });
  const reachedBefore = double.seen.length;
  const half = begin(running, bodyOf('half'), 40);
  await until(() => half.socket.bytesWritten > 0);
  await untilOpen(running, 1);
  await killWorkers(running);
  await half.ended;
  for (const [index, word] of ['silence', 'head', 'stream'].entries()) {
    const one = begin(running, bodyOf(word));
    await until(() => double.seen.length === reachedBefore + index + 1);
    await pause(100);
    await killWorkers(running);
    await one.ended;
  }
  assert.equal((await call(running)).status, 200);
  await running.child.stop();
  const records = await recordsOf(running);
  const outcomes = outcomesOf(records);
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    ['relay_lost', 'relay_lost', 'relay_lost', null],
    'a call whose body was not whole is no intent',
  );
  assert.equal(records.filter(({ kind, code }) => kind === 'refusal' && code === 'relay_lost').length, 1);
  const costs = outcomes.slice(0, 3).map(({ cost }) => (cost as { micros: number }).micros);
  assert.ok(
    costs.every((micros) => micros > 0 && micros <= WHOLE),
    String(costs),
  );
  // 2000 bytes of text are at least 500 tokens, all that this call may write: $5 a million.
  assert.ok((costs[2] ?? 0) >= 2500, String(costs));
});

async function untilOpen(running: Running, calls: number): Promise<void> {
  while ((await running.metric('gatehouse_open_calls'))[0] !== calls) await pause(10);
}

test('P3: a revoked key ends a call whose body is still being read, and a listing whose answer hangs, stuck worker or not', async (t) => {
  for (const stuck of [false, true]) {
    const running = await startRunning(t, { upstream: double.url, workers: 2 });
    const listed = double.seen.length;
    const reading = begin(running, bodyOf('half'), 40);
    const listing = raw(running.child.url, {
      method: 'GET',
      path: '/v1/models',
      headers: { authorization: `Bearer ${running.key}` },
    }).then(
      ({ body }) => body.toString(),
      () => 'broken',
    );
    await until(() => double.seen.length > listed);
    await untilOpen(running, 2);
    await pause(100);
    if (stuck) process.kill(await carrier(running), 'SIGSTOP');
    // Connections are dealt out in turn: one of the two reaches the other worker.
    await Promise.any([revoke(running), revoke(running)]);
    const ended = await Promise.race([Promise.all([reading.ended, listing]), pause(5000)]);
    assert.ok(ended !== undefined, 'both ended within 5 s');
    if (!stuck) for (const text of ended) assert.match(text, /revoked/);
    await running.child.stop();
    outcomesOf(await recordsOf(running));
  }
});

/** A worker that holds a call. */
async function carrier({ child }: Running): Promise<number> {
  const text = (await raw(child.url, { method: 'GET', path: '/metrics' })).body.toString();
  return Number(/^gatehouse_worker_calls\{worker="(\d+)"\} [1-9]/m.exec(text)?.[1]);
}

async function revoke({ child, admin, keyId }: Running): Promise<void> {
  await raw(child.url, {
    path: `/api/keys/${keyId}/revoke`,
    headers: { authorization: `Bearer ${admin.token}` },
    body: '{"reason":"lost"}',
  });
}

test('P9: a freeze of the whole gateway, as of a container that is paused, is survived by every worker and its calls', async (t) => {
  const running = await startRunning(t, { upstream: double.url, workers: 2 });
  const workers = await running.workers();
  const open = begin(running, bodyOf('stream'));
  t.after(() => open.socket.destroy());
  let ended = false;
  void open.ended.then(() => {
    ended = true;
  });
  process.kill(-pidOf(running), 'SIGSTOP');
  await pause(11_500);
  process.kill(-pidOf(running), 'SIGCONT');
  assert.equal((await call(running)).status, 200);
  await pause(1500);
  assert.deepEqual((await running.workers()).toSorted(), workers.toSorted());
  assert.equal(ended, false);
});

test(
  'P9: a worker that cannot be started for want of descriptors is started when there are some',
  PRLIMIT,
  async (t) => {
    const running = await startRunning(t, { upstream: double.url, workers: 1 });
    const pid = pidOf(running);
    const limit = (most: number): Buffer => execFileSync('prlimit', ['--pid', String(pid), `--nofile=${most}:`]);
    const [worker = 0] = await running.workers();
    const before = /Max open files +(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1];
    limit(openFiles(pid) - 3);
    process.kill(worker, 'SIGKILL');
    await until(() => running.child.stderr().includes('cannot start') || !runs(pid));
    assert.ok(runs(pid), `the ledger lives:\n${running.child.stderr()}`);
    limit(Number(before));
    assert.equal((await call(running)).status, 200);
  },
);

test(
  'P9: connections that nobody takes do not use up the descriptors of the ledger, and none is left open',
  PROC,
  async (t) => {
    const running = await startRunning(t, { upstream: double.url, workers: 1 });
    const pid = pidOf(running);
    const before = openFiles(pid);
    const [worker = 0] = await running.workers();
    process.kill(worker, 'SIGSTOP');
    const flood = Array.from({ length: 3000 }, () => {
      const socket = connect(Number(new URL(running.child.url).port), '127.0.0.1');
      socket.on('error', () => undefined);
      return socket;
    });
    t.after(() => {
      for (const socket of flood) socket.destroy();
    });
    await until(() => flood.filter(({ connecting, destroyed }) => !connecting || destroyed).length === 3000);
    await pause(500);
    const most = openFiles(pid);
    assert.ok(most < before + 1200, `${most} open files`);
    process.kill(worker, 'SIGKILL');
    await untilServed(running);
    for (const socket of flood) socket.destroy();
    await untilFew(() => openFiles(pid), before + 20);
  },
);

async function untilServed(running: Running): Promise<void> {
  while ((await call(running)).status !== 200) await pause(50);
}

async function untilFew(count: () => number, most: number): Promise<void> {
  for (let turn = 0; turn < 500 && count() > most; turn++) await pause(20);
  assert.ok(count() <= most, `${count()}, not ${most}`);
}

test(
  'P5: no worker shows a credential on its command line, and none is left in what the processes said',
  PROC,
  async (t) => {
    const running = await startRunning(t, { upstream: double.url, workers: 2 });
    const workers = await running.workers();
    await call(running);
    for (const pid of workers) {
      assert.doesNotMatch(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /provider-secret|ghk_/);
    }
    await killWorkers(running);
    await running.child.stop();
    assert.doesNotMatch(running.child.stderr(), /provider-secret|ghk_/);
  },
);

test('a gateway that cannot listen leaves no worker and no socket behind', PROC, async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.after(() => taken.close());
  const { port } = taken.address() as { port: number };
  const house = makeHouse({ upstream: double.url, listen: 'workers: 2' });
  t.after(() => house.remove());
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(house.configFile, readFileSync(house.configFile, 'utf8').replace('port: 0', `port: ${port}`));
  await assert.rejects(startChild(house, 'none', ['env', `TMPDIR=${folder}`]), /EADDRINUSE/);
  await until(() => !environments().some((text) => text.includes(`TMPDIR=${folder}`)));
  assert.deepEqual(readdirSync(folder), []);
});

test('P4: who holds a connection is known before a byte of it is read, however far behind the messages are', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-'));
  const child = fork('src/main/workers/worker.ts', { stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'ipc'] });
  const channel = child.stdio[3] as Duplex;
  let handed = 0;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    child.send(++handed, socket, { keepOpen: true });
  });
  const callers: Socket[] = [];
  t.after(() => {
    for (const socket of callers) socket.destroy();
    server.close();
    child.kill('SIGKILL');
    channel.destroy();
    rmSync(folder, { recursive: true, force: true });
  });
  const taken: unknown[] = [];
  child.on('message', (connection) => taken.push(connection));
  const target = { upstream: 'anthropic', simulated: false };
  const waits = { firstByteMs: 1000, silenceMs: 1000, connectMs: 1000 };
  const orders: WorkerOrders = {
    server: { hosts: [], requestMs: 30_000 },
    pingMs: 1000,
    upstream: { url: double.url, key: 'k', target, ...waits },
    ledgerSocket: join(folder, 'ledger.sock'),
  };
  channel.write(`${JSON.stringify({ is: 'begin', orders })}\n`);
  await once(channel, 'data');
  // From now on this ledger does not listen: what is said of two megabytes of heads fills every buffer between.
  channel.pause();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const pad = `X-Pad: ${'x'.repeat(20_000)}\r\n`;
  for (let turn = 1; turn <= 100; turn++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    callers.push(socket);
    socket.write(`POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n${pad}Content-Length: 2\r\n\r\n`);
    await until(() => taken.length === turn);
  }
  assert.equal(taken.at(-1), 100);
});

/** The environments of every process that may be looked at. */
function environments(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1');
      } catch {
        return '';
      }
    });
}

test('a killed ledger leaves no socket behind', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const house = makeHouse({ upstream: double.url, listen: 'workers: 2' });
  t.after(() => house.remove());
  const child = await startChild(house, 'none', ['env', `TMPDIR=${folder}`]);
  t.after(() => child.kill());
  assert.equal(readdirSync(folder).length, 1);
  process.kill(child.process.pid ?? 0, 'SIGKILL');
  await child.ended;
  await until(() => readdirSync(folder).length === 0);
});

test('a folder for temporary files whose name is too long for a socket is no hindrance', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const long = join(folder, 'x'.repeat(100));
  mkdirSync(long);
  const house = makeHouse({ upstream: double.url, listen: 'workers: 2' });
  t.after(() => house.remove());
  const child = await startChild(house, 'none', ['env', `TMPDIR=${long}`]);
  t.after(() => child.kill());
  assert.equal((await raw(child.url, { method: 'GET', path: '/healthz' })).status, 200);
  await child.stop();
});
