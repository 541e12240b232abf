/** Server-sent events of the trail: what comes, where it goes on, and that it ends with whoever may not follow any more. */
import assert from 'node:assert/strict';
import { request as open } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { openDoor } from './fake.ts';

interface Stream {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: () => string;
  /** Resolves when the text has this in it, or rejects when it ended without. */
  readonly until: (part: string) => Promise<void>;
  readonly ended: Promise<void>;
  readonly hangUp: () => void;
}

function follow(port: number, path: string, headers: Record<string, string>): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const request = open({ host: '127.0.0.1', port, path, headers, agent: false });
    request.on('error', reject);
    request.on('response', (answer) => {
      let text = '';
      const watchers = new Set<() => void>();
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => {
        text += piece;
        for (const watch of watchers) watch();
      });
      answer.on('error', () => undefined);
      const ended = new Promise<void>((done) => answer.once('close', done));
      const until = (part: string) =>
        new Promise<void>((found, missing) => {
          const watch = (): void => {
            if (text.includes(part)) found();
          };
          watchers.add(watch);
          watch();
          void ended.then(() => missing(new Error(`ended without ${part}: ${text}`)));
        });
      const { statusCode: status = 0, headers: sent } = answer;
      resolve({ status, headers: sent, text: () => text, until, ended, hangUp: () => request.destroy() });
    });
    request.end();
  });
}

async function listening() {
  const door = await openDoor();
  await door.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = door.app.server.address() as AddressInfo;
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const close = (): Promise<void> => {
    // Those that still follow would hold up the end.
    door.app.server.closeAllConnections();
    return door.app.close();
  };
  return { ...door, port, bearer, close };
}

async function settled(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('records come as they are written, after the position that was seen, and of the kinds that were asked for', async () => {
  const { world, close, port, bearer, token } = await listening();
  const { feed } = world;
  for (const kind of ['gateway', 'intent', 'outcome'] as const) feed.add(kind, { who: 'per_x' });
  const all = await follow(port, '/api/events?after=1', bearer(token));
  assert.deepEqual([all.status, all.headers['content-type']], [200, 'text/event-stream']);
  assert.deepEqual([all.headers['cache-control'], all.headers['x-content-type-options']], ['no-store', 'nosniff']);
  await all.until('id: 3\n');
  feed.add('change', { actor: 'per_y', note: 'line\nbreak\u2028' });
  await all.until('id: 4\n');
  const events = all
    .text()
    .split('\n\n')
    .filter((part) => part.startsWith('id:'));
  assert.deepEqual(
    events.map((event) => event.split('\n').length),
    [3, 3, 3],
    'three lines each',
  );
  const [, kind, data = ''] = events[2]?.split('\n') ?? [];
  assert.equal(kind, 'event: change');
  assert.deepEqual(JSON.parse(data.slice('data: '.length)), feed.records[3]);
  // A browser that comes back says where it was, whatever the address says.
  const back = await follow(port, '/api/events?after=0&kind=change,intent', { ...bearer(token), 'last-event-id': '3' });
  await back.until('id: 4\n');
  assert.doesNotMatch(back.text(), /id: [123]\n/);
  feed.add('outcome');
  feed.add('intent');
  await back.until('id: 6\n');
  assert.doesNotMatch(back.text(), /id: 5\n/);
  const fresh = await follow(port, '/api/events', { ...bearer(token), 'last-event-id': 'nonsense' });
  await settled(() => feed.open === 3);
  feed.add('gateway');
  await fresh.until('id: 7\n');
  assert.doesNotMatch(fresh.text(), /id: [1-6]\n/);
  for (const stream of [all, back, fresh]) stream.hangUp();
  await settled(() => feed.open === 0);
  await close();
});

test('P3: following ends, and says why, when the credential is revoked, its owner disabled, or the role gone', async () => {
  const { world, close, port, bearer, token, owner } = await listening();
  const { people, feed } = world;
  const audrey = world.party('audrey@example.com', { role: 'auditor' });
  const adam = world.party('adam@example.com', { role: 'admin' });
  const session = people.session(owner.id);
  const { row, secret } = world.credential(owner.id, { kind: 'admin' });
  const browser = { cookie: `gatehouse-session=${session.secret}`, 'sec-fetch-site': 'same-origin' };
  const ends: [() => void, Record<string, string>, string][] = [
    [() => world.set('credentials', row.id, { revokedAt: world.now }), bearer(secret), 'credential_ended'],
    [
      () => {
        people.sessions = people.sessions.map((one) => ({ ...one, revokedAt: 1 }));
      },
      browser,
      'credential_ended',
    ],
    [
      () => world.set('parties', adam.id, { disabledAt: world.now }),
      bearer(world.credential(adam.id, { kind: 'admin' }).secret),
      'credential_ended',
    ],
    [
      () => people.roles.set(audrey.id, 'member'),
      bearer(world.credential(audrey.id, { kind: 'admin' }).secret),
      'role_required',
    ],
  ];
  for (const [end, headers, code] of ends) {
    const stream = await follow(port, '/api/events', headers);
    await settled(() => feed.open === 1);
    feed.add('gateway');
    await stream.until('event: gateway');
    end();
    await stream.ended;
    assert.match(stream.text(), new RegExp(`event: end\\ndata: {"code":"${code}"}\\n\\n$`));
    await settled(() => feed.open === 0);
  }
  // Also where a record comes first: nothing of it is told.
  const last = world.credential(owner.id, { kind: 'admin' });
  const stream = await follow(port, '/api/events', bearer(last.secret));
  await settled(() => feed.open === 1);
  world.set('credentials', last.row.id, { revokedAt: world.now });
  feed.add('change', { actor: 'per_secret' });
  await stream.ended;
  assert.doesNotMatch(stream.text(), /per_secret/);
  assert.ok(token);
  await close();
});

test('few follow at once, of one person and in all, and a place is free again once somebody hangs up', async () => {
  const { world, close, port, bearer, token } = await listening();
  const streams: Stream[] = [];
  for (let i = 0; i < 5; i++) streams.push(await follow(port, '/api/events', bearer(token)));
  const sixth = await follow(port, '/api/events', bearer(token));
  assert.equal(sixth.status, 429);
  await sixth.until('too_many_listeners');
  for (let person = 0; streams.length < 100; person++) {
    const { id } = world.party(`admin${person}@example.com`, { role: 'admin' });
    const { secret } = world.credential(id, { kind: 'admin' });
    for (let i = 0; i < 5; i++) streams.push(await follow(port, '/api/events', bearer(secret)));
  }
  const other = world.party('last@example.com', { role: 'admin' });
  const { secret } = world.credential(other.id, { kind: 'admin' });
  assert.equal((await follow(port, '/api/events', bearer(secret))).status, 429);
  assert.equal(world.feed.open, 100);
  streams[0]?.hangUp();
  await settled(() => world.feed.open === 99);
  assert.equal((await follow(port, '/api/events', bearer(secret))).status, 200);
  for (const stream of streams) stream.hangUp();
  await close();
});

test('following is for those who read the trail, and a kind that does not exist is refused', async () => {
  const { call, app, memberToken } = await openDoor();
  assert.equal((await call('GET', '/api/events', { token: memberToken })).json().code, 'role_required');
  for (const query of ['kind=outcom', 'after=-1', 'after=x', 'who=a']) {
    assert.equal((await call('GET', `/api/events?${query}`)).statusCode, 400, query);
  }
  const head = await app.inject({ method: 'HEAD', url: '/api/events' });
  assert.equal(head.statusCode, 401);
  await app.close();
});
