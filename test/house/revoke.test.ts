import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDouble } from '../support/double.ts';
import { claim, makeHouse, type RunningChild, startChild } from '../support/house.ts';
import { CALL, delta, MESSAGE_START, raw, STREAM_CALL } from '../support/raw.ts';

/** A provider whose streams never end by themselves. */
async function endless(t: import('node:test').TestContext, listen?: string): Promise<RunningChild> {
  const double = await startDouble();
  t.after(() => double.close());
  double.answer = (seen, response) => {
    if (!seen.body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(MESSAGE_START);
    const timer = setInterval(() => response.write(delta('more')), 20);
    response.on('close', () => clearInterval(timer));
  };
  const house = makeHouse({ upstream: double.url, ...(listen === undefined ? {} : { listen }) });
  t.after(() => house.remove());
  const child = await startChild(house);
  t.after(() => child.kill());
  return child;
}

/** A running stream: `begun` when its first bytes are there, `text` when it has ended. */
function stream(url: string, secret: string): { begun: Promise<void>; text: Promise<string> } {
  let first = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    first = resolve;
  });
  const headers = { authorization: `Bearer ${secret}` };
  const text = raw(url, { body: STREAM_CALL, headers, onData: () => first() }).then(({ body }) => body.toString());
  return { begun, text };
}

for (const how of ['revoking the key', 'disabling the person', 'erasing the person']) {
  test(`P3: when the answer to ${how} arrives, the next call is already refused and the running stream has been ended`, async (t) => {
    const child = await endless(t);
    const admin = await claim(child);
    await admin.call('POST', '/api/people', { email: 'dev@example.com' });
    const made = await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'laptop' });
    const [token] = (await admin.call('GET', '/api/keys?kind=admin')).keys as [{ last_used_at: string | null }];
    assert.notEqual(token.last_used_at, null, 'the use of an admin token is shown too');
    const running = stream(child.url, String(made.secret));
    await running.begun;
    const path =
      how === 'revoking the key'
        ? `/api/keys/${(made.key as { id: string }).id}/revoke`
        : `/api/people/dev@example.com/${how.startsWith('disabling') ? 'disable' : 'erase'}`;
    await admin.call('POST', path, { reason: 'left' });
    const next = await raw(child.url, { body: CALL, headers: { authorization: `Bearer ${made.secret}` } });
    assert.equal(next.status, 401);
    assert.match(await running.text, /event: error\ndata: .*revoked while the answer was running/);
  });
}

test('a stop lets running answers go on until the deadline, refuses new calls, and then ends what still runs with an error', async (t) => {
  const child = await endless(t, 'drain: 1 s');
  const admin = await claim(child);
  const owner = await admin.call('GET', '/api/people');
  const [{ id }] = owner.people as [{ id: string }];
  const made = await admin.call('POST', '/api/keys', { person: id, label: 'laptop' });
  const running = stream(child.url, String(made.secret));
  await running.begun;
  const stopped = child.stop();
  let refused = await raw(child.url, { body: CALL, headers: { authorization: `Bearer ${made.secret}` } });
  for (let i = 0; i < 100 && refused.status === 200; i++) {
    refused = await raw(child.url, { body: CALL, headers: { authorization: `Bearer ${made.secret}` } });
  }
  assert.equal(refused.status, 503);
  assert.match(refused.body.toString(), /shutting down/);
  assert.match(await running.text, /event: error\ndata: .*Gatehouse is shutting down/);
  await stopped;
});
