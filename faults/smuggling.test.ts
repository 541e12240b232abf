/**
 * Ambiguous requests, straight to a gateway and through nginx, HAProxy and Varnish with the configurations of docs/hardening.md.
 * Nothing is compared with a list of expected answers: whatever a proxy makes of a row, the invariants at the end must hold.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { readRecords } from '../src/journal/read.ts';
import { type Double, startDouble } from '../test/support/double.ts';
import { claim, type House, makeHouse, type RunningChild, startChild } from '../test/support/house.ts';
import { delta, MESSAGE_END, MESSAGE_START } from '../test/support/raw.ts';
import { configurationOf, HOST, missing, type ProxyName, type Route, startProxy } from './support/proxies.ts';
import { CHUNKS } from './support/proxies-chunks.ts';
import { HEADS } from './support/proxies-heads.ts';
import { FRAMING, HOST_LINE, OPEN_TAIL, plain, type Row, wholeTail } from './support/proxies-rows.ts';
import { exchange, type Talk, talk } from './support/proxies-talk.ts';
import { startTap, type Tap } from './support/proxies-tap.ts';

const ROWS: readonly (Row & { readonly tail: 'whole' | 'open' })[] = [
  ...[...FRAMING, ...CHUNKS].flatMap((row) => [
    { ...row, tail: 'whole' as const },
    { ...row, tail: 'open' as const },
  ]),
  ...HEADS.map((row) => ({ ...row, tail: 'whole' as const })),
];
const PROXIES: readonly ProxyName[] = ['nginx', 'haproxy', 'varnish'];

let double: Double;
let house: House;
let gateway: RunningChild | undefined;
let port = 0;
const keys = { attacker: '', victim: '' };
const ids = { attacker: '', victim: '' };
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-proxies-'));
const routes = new Map<string, Route>();
const taps = new Map<string, Tap>();

before(async () => {
  // Varnish gives up its rights before it reads its file.
  chmodSync(folder, 0o755);
  double = await startDouble();
  double.answer = (seen, response) => {
    const mark = markOf(seen.body);
    if (mark.startsWith('stream')) return stream(response);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: `msg_${mark}`, type: 'message', usage: { input_tokens: 1, output_tokens: 1 } }));
  };
  const { listen } = parse(configurationOf('yaml', 'listen:')) as { listen: { hosts: string[] } };
  house = makeHouse({ upstream: double.url, listen: `hosts: ${JSON.stringify(listen.hosts)}` });
  gateway = await startChild(house);
  port = Number(new URL(gateway.url).port);
  const admin = await claim(gateway);
  for (const name of ['attacker', 'victim'] as const) {
    await admin.call('POST', '/api/people', { email: `${name}@example.com` });
    const made = await admin.call('POST', '/api/keys', { person: `${name}@example.com`, label: name });
    keys[name] = String(made.secret);
    ids[name] = (made.key as { id: string }).id;
  }
  routes.set('straight', {
    name: 'straight',
    connect: () => connect(port, '127.0.0.1'),
    passedOn: () => [],
    said: () => '',
    stop: async () => undefined,
  });
  for (const proxy of PROXIES.filter((name) => missing(name) === null)) {
    const tap = await startTap(port);
    taps.set(proxy, tap);
    routes.set(proxy, await startProxy(proxy, { folder: join(folder, proxy), gatewayPort: tap.port }));
  }
});

after(async () => {
  for (const route of routes.values()) await route.stop();
  for (const tap of taps.values()) await tap.close();
  gateway?.kill();
  await double.close();
  house.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** The body of a call that carries a mark as far as the provider and, in the answer's id, back. */
function bodyOf(mark: string): string {
  return JSON.stringify({
    model: 'claude-sonnet-5-5',
    max_tokens: 16,
    messages: [{ role: 'user', content: 'hi' }],
    metadata: { user_id: mark },
  });
}

function markOf(body: Buffer): string {
  try {
    return String(JSON.parse(body.toString()).metadata.user_id);
  } catch {
    return 'unmarked';
  }
}

/** The marks with which calls of this row on this route reached the provider. */
function reached(route: string, row: number): string[] {
  const end = `.${route}.${row}`;
  return double.seen.map(({ body }) => markOf(body)).filter((mark) => mark.endsWith(end));
}

/** A call of the victim on a connection of its own: two of them, so that a connection behind the proxy is used again. */
async function victim(route: Route, mark: string): Promise<void> {
  const socket = route.connect();
  for (const turn of ['first', 'second']) {
    const body = bodyOf(`victim-${turn}-${mark}`);
    const answer = await exchange(socket, plain({ key: keys.victim, body, second: '', tail: '' }));
    assert.match(answer, /^HTTP\/1\.1 200 /, `${mark}: the victim's ${turn} call: ${answer}`);
    assert.ok(
      answer.includes(`"id":"msg_victim-${turn}-${mark}"`),
      `${mark}: the victim got another's answer: ${answer}`,
    );
  }
  socket.destroy();
}

async function attack(route: Route, index: number): Promise<void> {
  const row = ROWS[index];
  assert.ok(row !== undefined);
  const mark = (name: string): string => `${name}.${route.name}.${index}`;
  const tail = row.tail === 'open' ? OPEN_TAIL : wholeTail(keys.attacker, bodyOf(mark('smuggled')), mark('smuggled'));
  const bytes = row.bytes({ key: keys.attacker, body: bodyOf(mark('own')), second: bodyOf(mark('second')), tail });
  const running: Talk = talk(route.connect(), typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  await running.quiet();
  // Right behind it, once while the attacker's connection is open and once when it is gone.
  await victim(route, mark('behind'));
  running.end();
  await victim(route, mark('after'));
  const name = `${row.title} (${row.tail}), ${route.name}`;
  const seen = reached(route.name, index).filter((each) => !each.startsWith('victim') && !each.startsWith('smuggled'));
  if (reached(route.name, index).includes(mark('smuggled'))) await excused(route, mark('smuggled'), running.heard());
  assert.ok(seen.length <= row.most, `${name}: ${seen.length} calls reached the provider: ${seen}\n${running.heard()}`);
  if (row.served) assert.equal(seen.length, row.most, `${name}: not served: ${running.heard()}\n${route.said()}`);
  const answers = running.heard().match(/HTTP\/1\.[01] [2-5]\d\d /g)?.length ?? 0;
  assert.ok(
    answers >= seen.length,
    `${name}: ${seen.length} calls reached the provider, ${answers} were answered here`,
  );
}

/**
 * A proxy that is laxer than RFC 9112 may itself read two requests where the strict reading knows one. Then nothing was smuggled
 * past it: it logs both, and answers both to the one who sent them.
 */
async function excused(route: Route, mark: string, heard: string): Promise<void> {
  const what = `${mark}: the smuggled request reached the provider`;
  assert.ok(await settles(() => route.passedOn().some((line) => line.includes(mark))), `${what}\n${heard}`);
  assert.ok(heard.includes(`"id":"msg_${mark}"`), `${what}, and its answer went elsewhere\n${heard}`);
}

// Side by side: most of the time is spent waiting for nothing to happen.
describe('ambiguous requests', { concurrency: 4 }, () => {
  for (const name of ['straight', ...PROXIES] as const) {
    const skip = name === 'straight' ? null : missing(name);
    test(`P4: no ambiguous request is two, ${name}`, { skip: skip ?? false }, async (t) => {
      const route = routes.get(name);
      assert.ok(route !== undefined);
      for (const [index, { title, tail }] of ROWS.entries()) {
        await t.test(`${title} (${tail})`, () => attack(route, index));
      }
      const tap = taps.get(name);
      if (tap === undefined) return;
      // Both sides count alike: what the gateway answered and the proxy never passed on would be a smuggled request.
      assert.ok(tap.answers() > ROWS.length);
      assert.ok(
        await settles(() => tap.answers() <= route.passedOn().length),
        `the gateway answered ${tap.answers()} requests of ${name}, which passed on ${route.passedOn().length}`,
      );
      assert.ok(
        tap.connections() < tap.answers(),
        'connections to the gateway must be used again, or nothing is proven',
      );
    });
  }
});

/** A log is written a moment later. */
async function settles(check: () => boolean): Promise<boolean> {
  for (let turn = 0; turn < 200; turn++) {
    if (check()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

/** The second half is sent when the first has been read at the other end: who holds it back never gets to the end. */
let firstHalfRead = (): void => undefined;
function stream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(MESSAGE_START + delta('first half'));
  firstHalfRead = () => response.end(delta('second half') + MESSAGE_END);
}

for (const name of PROXIES) {
  const options = { skip: missing(name) ?? false, timeout: 30_000 };
  const call = (body: string): string => plain({ key: keys.victim, body, second: '', tail: '' });

  test(`a stream passes ${name} event by event`, options, async (t) => {
    const socket = routes.get(name)?.connect();
    assert.ok(socket !== undefined);
    t.after(() => socket.destroy());
    const body = JSON.stringify({ ...JSON.parse(bodyOf(`stream.${name}`)), stream: true });
    let heard = '';
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        heard += String(chunk);
        if (heard.includes('first half')) firstHalfRead();
        if (heard.includes('message_stop')) resolve();
      });
      socket.write(call(body));
    });
    assert.ok(heard.includes('second half'));
  });

  test(`a body of 20 MiB passes ${name}`, options, async (t) => {
    const socket = routes.get(name)?.connect();
    assert.ok(socket !== undefined);
    t.after(() => socket.destroy());
    const mark = `large.${name}`;
    const body = bodyOf(mark).replace('"hi"', `"${'x'.repeat(20 * 1024 * 1024)}"`);
    assert.match(await exchange(socket, call(body)), new RegExp(`"id":"msg_${mark}"`));
  });

  test(`a call whose connection breaks is not sent twice by ${name}`, options, async (t) => {
    const socket = routes.get(name)?.connect();
    assert.ok(socket !== undefined);
    t.after(() => socket.destroy());
    // The second call goes out on a connection that is in use already: there a proxy likes to try again.
    await exchange(socket, call(bodyOf(`before.${name}`)));
    taps.get(name)?.breakNext();
    // HAProxy closes without a word, which tells the caller as much.
    const answer = await exchange(socket, call(bodyOf(`once.${name}`))).catch(() => 'nothing');
    assert.match(answer, /^HTTP\/1\.1 50[234] |^nothing$/);
    assert.equal(double.seen.filter(({ body }) => markOf(body) === `once.${name}`).length, 1);
  });
}

test('P1: every call that reached the provider is recorded with the key of whoever made it', async () => {
  await gateway?.stop();
  const keyOf = new Map<string, unknown>();
  for await (const { record } of readRecords(join(house.dataDir, 'journal'), 'main')) {
    if (record.kind === 'intent') keyOf.set(String(record.trace), record.key);
  }
  assert.ok(double.seen.length > ROWS.length * 4);
  for (const { headers, body } of double.seen) {
    const mark = markOf(body);
    const trace = String(headers.traceparent).split('-')[1] ?? '';
    assert.equal(keyOf.get(trace), ownerOf(mark), mark);
    assert.equal(headers['x-api-key'], 'provider-secret');
    assert.equal(JSON.stringify(headers).includes('ghk_'), false, `${mark}: a caller's credential left`);
  }
});

/** `own`, `second` and `smuggled` are the attacker's, and what has no body to carry a mark: the victim's calls all have one. */
function ownerOf(mark: string): string {
  return /^(own|second|smuggled)\.|^unmarked$/.test(mark) ? ids.attacker : ids.victim;
}

test('what the page says of the gateway is what its proxies serve', () => {
  assert.ok(configurationOf('yaml', 'listen:').includes(HOST) && HOST_LINE.includes(HOST));
});
