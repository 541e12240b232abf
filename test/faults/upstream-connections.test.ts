import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { flood, head, JSON_ANSWER, MESSAGE, type Peer, STREAM, startPeer } from '../../faults/support/peer.ts';
import { startTestGateway, type TestGateway, type TestOptions, until } from '../support/gateway.ts';
import { governanceOf, OPEN_POLICY } from '../support/governance.ts';
import { CALL, delta, MESSAGE_START, raw, STREAM_CALL } from '../support/raw.ts';

interface Pair {
  readonly peer: Peer;
  readonly gateway: TestGateway;
}

type After = { after(end: () => Promise<void>): void };

async function start(t: After, options: TestOptions = {}): Promise<Pair> {
  const peer = await startPeer();
  const gateway = await startTestGateway({ upstream: peer.url, ...options });
  t.after(async () => {
    await gateway.close();
    await peer.close();
  });
  return { peer, gateway };
}

/** Resolves when so many calls are over. */
async function over({ openCalls, journal }: TestGateway, calls: number): Promise<void> {
  await until(() => openCalls.count === 0 && journal.of('outcome').length === calls);
  assert.equal(journal.of('intent').length, calls);
}

const FORGED = MESSAGE.replace('msg_1', 'msg_X');

test('P2: where there is no connection nothing was sent: the caller is told so, it is free, and retried by nobody but the caller', async (t) => {
  const { peer, gateway } = await start(t);
  await peer.close();
  const reply = await raw(gateway.url, { body: CALL });
  const elsewhere = await startTestGateway({ upstream: 'http://provider.invalid' });
  t.after(() => elsewhere.close());
  const unresolved = await raw(elsewhere.url, { body: CALL });
  // What answers there speaks no TLS.
  const plain = await startPeer();
  plain.answer = () => undefined;
  const secured = await startTestGateway({ upstream: plain.url.replace('http:', 'https:') });
  t.after(async () => {
    await secured.close();
    await plain.close();
  });
  const insecure = raw(secured.url, { body: CALL });
  await until(() => plain.open() > 0);
  await plain.close();
  for (const { status, headers, body } of [reply, unresolved, await insecure]) {
    assert.equal(status, 502);
    assert.match(body.toString(), /"The model provider could not be reached\. Try again/);
    assert.equal(headers['x-should-retry'], undefined);
  }
  for (const one of [gateway, elsewhere, secured]) {
    await over(one, 1);
    const [outcome] = one.journal.of('outcome');
    assert.partialDeepStrictEqual(outcome, { code: 'upstream_unreachable', cost: { micros: 0, basis: 'none' } });
  }
});

test('P1: a kept connection that closes under a call ends that call; Gatehouse itself sends nothing a second time', async (t) => {
  const { peer, gateway } = await start(t);
  assert.equal((await raw(gateway.url, { body: CALL })).status, 200);
  peer.answer = (socket) => void socket.destroy();
  const lost = await raw(gateway.url, { body: CALL });
  assert.deepEqual([lost.status, lost.headers['x-should-retry']], [502, undefined]);
  assert.deepEqual([peer.requests.length, peer.accepted()], [2, 1], 'on the connection that was kept, and once');
  peer.answer = (socket) => void socket.end(MESSAGE);
  // Each answer ends its connection without having said so: the next call races with that end.
  for (let i = 0; i < 50; i++) {
    const { status, body } = await raw(gateway.url, { body: CALL });
    assert.ok(status === 502 || (status === 200 && body.toString() === JSON_ANSWER), `${status} ${body}`);
  }
  await over(gateway, 52);
  assert.ok(peer.requests.length <= 52, `${peer.requests.length} requests for 52 calls`);
});

test('a connection that closes while nobody uses it costs no call', async (t) => {
  const { peer, gateway } = await start(t);
  peer.answer = (socket) => {
    socket.write(MESSAGE);
    setTimeout(() => socket.end(), 10);
  };
  for (let i = 0; i < 3; i++) {
    assert.equal((await raw(gateway.url, { body: CALL })).status, 200);
    await until(() => peer.open() === 0);
  }
  assert.deepEqual([peer.requests.length, peer.accepted()], [3, 3]);
});

test('what a provider says behind the end of an answer is never the answer of another call', async (t) => {
  const { peer, gateway } = await start(t);
  const behind: Readonly<Record<string, (socket: Socket) => void>> = {
    'in the same piece': (socket) => socket.write(MESSAGE + FORGED),
    'a moment later': (socket) => {
      socket.write(MESSAGE);
      setTimeout(() => socket.write(FORGED), 10);
    },
    'as a body that is longer than it was declared': (socket) => socket.write(MESSAGE + ' '.repeat(500) + FORGED),
    'behind an answer that has no body': (socket) => socket.write(head([], '204 No Content') + FORGED),
    'behind a body that such an answer must not have': (socket) =>
      socket.write(head([`content-length: ${FORGED.length}`], '304 Not Modified') + FORGED + FORGED),
  };
  for (const [title, answer] of Object.entries(behind)) {
    peer.answer = answer;
    const { status, body } = await raw(gateway.url, { body: CALL });
    assert.ok([200, 204, 304].includes(status) && !body.includes('msg_X'), title);
    // The provider has ended that connection, or Gatehouse has: nobody gets it again.
    await until(() => peer.open() === 0);
    peer.answer = (socket) => socket.write(MESSAGE);
    assert.equal((await raw(gateway.url, { body: CALL })).body.toString(), JSON_ANSWER, title);
  }
});

test('an answer that its caller left is finished for nobody: the next call has a connection of its own', async (t) => {
  const { peer, gateway } = await start(t);
  peer.answer = (socket) => {
    socket.write(STREAM + MESSAGE_START);
    setTimeout(() => socket.write(FORGED), 5);
  };
  for (let i = 0; i < 5; i++) {
    await assert.rejects(raw(gateway.url, { body: STREAM_CALL, onData: (_, destroy) => destroy() }));
  }
  peer.answer = (socket) => socket.write(MESSAGE);
  assert.equal((await raw(gateway.url, { body: CALL })).body.toString(), JSON_ANSWER);
  await over(gateway, 6);
});

test('answers without end, in any shape, end with their caller', async (t) => {
  const { peer, gateway } = await start(t);
  const json = head(['content-type: application/json', 'connection: close']);
  const endless: Readonly<Record<string, readonly [begin: string, again: string]>> = {
    events: [STREAM + MESSAGE_START, delta('x'.repeat(1000))],
    'comments of a stream': [STREAM + MESSAGE_START, ': nothing\n\n'.repeat(100)],
    'one line of a stream': [STREAM + MESSAGE_START, 'data: xxxxxxxxxx'.repeat(100)],
    'blank lines': [STREAM, '\n'.repeat(1000)],
    'a stream without a first event': [STREAM, delta('x'.repeat(1000))],
    'a document': [json, '{"a":'.repeat(200)],
  };
  for (const [title, [begin, again]] of Object.entries(endless)) {
    let said: Promise<number> | null = null;
    peer.answer = (socket) => {
      socket.write(begin);
      said = flood(socket, Buffer.from(again));
    };
    let size = 0;
    const call = raw(gateway.url, {
      body: STREAM_CALL,
      onData: (piece, destroy) => {
        size += piece.length;
        if (size > 2_000_000) destroy();
      },
    });
    await assert.rejects(call, title);
    assert.ok((await said!) > 2_000_000, title);
    await until(() => peer.open() === 0);
  }
  await over(gateway, Object.keys(endless).length);
  const results = gateway.journal
    .of('outcome')
    .map(({ result, levels }) => [result, (levels as { transport: string }).transport]);
  assert.deepEqual(new Set(results.map(String)), new Set(['aborted,client_gone']));
});

test('P2: an endless stream ends with the budget, however fast it comes and though its caller never leaves', async (t) => {
  const budgets = 'budgets: [ { each: person, limit: 0.05 USD/month, at_cap: end } ]';
  const { peer, gateway } = await start(t, { governance: governanceOf(`${OPEN_POLICY}\ntime_zone: UTC\n${budgets}`) });
  let said: Promise<number> | null = null;
  peer.answer = (socket) => {
    socket.write(STREAM + MESSAGE_START);
    said = flood(socket, Buffer.from(delta('x'.repeat(3000))));
  };
  const body = STREAM_CALL.replace('"max_tokens":16', '"max_tokens":64000');
  const reply = await raw(gateway.url, { body });
  assert.match(reply.body.toString(), /event: error\ndata: .*was spent while this answer was running/);
  await said!;
  await over(gateway, 1);
  assert.partialDeepStrictEqual(gateway.journal.of('outcome')[0], { result: 'cut', code: 'budget_ended' });
});
