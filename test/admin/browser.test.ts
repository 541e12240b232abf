/** Sessions of browsers at the admin door: cookies, their tokens, and what the answers say to a browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserHeaders, openDoor } from './fake.ts';

test('a signed-in browser learns who it is, and changes with the token that it was told', async () => {
  const { world, call, owner, app } = await openDoor();
  const session = world.people.session(owner.id);
  const who = (await call('GET', '/api/session', { session: { ...session, csrf: null } })).json();
  assert.deepEqual(
    [who.person, who.email, who.role, who.role_reason, who.credential, who.leads],
    [
      owner.id,
      'olga@example.com',
      'primary_owner',
      'assigned in the directory',
      { kind: 'session', id: session.id, expires_at: new Date(session.expiresAt).toISOString() },
      [],
    ],
  );
  const made = await call('POST', '/api/teams', {
    session: { secret: session.secret, csrf: who.csrf },
    body: { name: 'A' },
  });
  assert.equal(made.statusCode, 201, made.body);
  assert.equal((await call('GET', '/api/session')).json().csrf, null, 'a token needs none');
  await app.close();
});

test('the cookie counts under the one name that fits how browsers reach the gateway', async () => {
  const { world, app, owner } = await openDoor();
  const session = world.people.session(owner.id);
  const ours = browserHeaders(session);
  const ask = (host: string, name: string) =>
    app.inject({ url: '/api/session', headers: { ...ours, host, cookie: `${name}=${session.secret}` } });
  assert.equal((await ask('localhost:8080', 'gatehouse-session')).statusCode, 200);
  assert.equal((await ask('127.0.0.1:8080', 'gatehouse-session')).statusCode, 200);
  // A page on the same machine could have planted it under the name of a secure one.
  assert.equal((await ask('localhost:8080', '__Host-gatehouse-session')).json().code, 'credential_missing');
  // Over the network without TLS it would be readable on the way.
  assert.equal((await ask('gate.example.com', 'gatehouse-session')).json().code, 'credential_missing');
  await app.close();

  const door = await openDoor({ publicUrl: new URL('https://gate.example.com') });
  const secure = door.world.people.session(door.owner.id);
  const via = (name: string) =>
    door.app.inject({
      url: '/api/session',
      headers: { ...browserHeaders(secure), host: 'gate.example.com', cookie: `${name}=${secure.secret}` },
    });
  assert.equal((await via('__Host-gatehouse-session')).statusCode, 200);
  assert.equal((await via('gatehouse-session')).json().code, 'credential_missing');
  await door.app.close();
});

test('P8: cookies are read strictly, and never beside another credential', async () => {
  const { world, app, owner, token } = await openDoor();
  const { secret } = world.people.session(owner.id);
  const code = async (cookie: string, more: Record<string, string> = {}) =>
    (await app.inject({ url: '/api/session', headers: { cookie, 'sec-fetch-site': 'same-origin', ...more } })).json()
      .code;
  assert.equal(await code(`a=b; gatehouse-session=${secret}; c=d`), undefined);
  assert.equal(await code(`gatehouse-session=x; gatehouse-session=${secret}`), 'credential_malformed');
  assert.equal(await code('gatehouse-session='), 'credential_malformed');
  assert.equal(await code(`gatehouse-session="${secret}"`), 'credential_malformed');
  assert.equal(await code(`gatehouse-session=${'a'.repeat(4000)}`), 'credential_malformed');
  assert.equal(await code(`Gatehouse-Session=${secret}`), 'credential_missing');
  assert.equal(await code(`gatehouse-session=${secret}`, { authorization: `Bearer ${token}` }), 'credential_conflict');
  assert.equal(await code('gatehouse-session=', { authorization: `Bearer ${token}` }), 'credential_conflict');
  await app.close();
});

test('a change must come from the very origin of the gateway, not only from its host', async () => {
  const { world, app, owner } = await openDoor({ publicUrl: new URL('https://gate.example.com') });
  const { secret, csrf } = world.people.session(owner.id);
  const post = (headers: Record<string, string>) =>
    app.inject({
      method: 'POST',
      url: '/api/teams',
      headers: {
        host: 'gate.example.com',
        cookie: `__Host-gatehouse-session=${secret}`,
        'x-gatehouse-csrf': csrf,
        'content-type': 'application/json',
        ...headers,
      },
      payload: { name: `T${world.teams.length}` },
    });
  assert.equal((await post({ origin: 'https://gate.example.com' })).statusCode, 201);
  assert.equal((await post({ 'sec-fetch-site': 'same-origin' })).statusCode, 201);
  // A page that an attacker on the network put under the same name without TLS.
  assert.equal((await post({ origin: 'http://gate.example.com' })).json().code, 'csrf_missing');
  assert.equal((await post({})).json().code, 'csrf_missing');
  assert.equal(
    (await post({ origin: 'https://gate.example.com', 'sec-fetch-site': 'same-site' })).json().code,
    'origin_unexpected',
  );
  await app.close();
});

test('a secret that was turned reaches the browser with every answer, refusals included', async () => {
  const { world, call, owner, app } = await openDoor();
  const session = world.people.session(owner.id);
  world.people.renewed = { secret: 'fresh-secret', expiresAt: world.now + 3_600_500 };
  const wanted = /^gatehouse-session=fresh-secret; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax$/;
  for (const [method, url, status] of [
    ['GET', '/api/session', 200],
    ['GET', '/api/nothing', 404],
    ['GET', '/api/people/nobody', 404],
  ] as const) {
    const answer = await call(method, url, { session });
    assert.equal(answer.statusCode, status);
    assert.match(String(answer.headers['set-cookie']), wanted, url);
  }
  // Else the one it holds would look stolen a minute later.
  const refused = await call('POST', '/api/teams', { session: { ...session, csrf: null }, body: { name: 'A' } });
  assert.equal(refused.json().code, 'csrf_missing');
  assert.match(String(refused.headers['set-cookie']), wanted);
  world.people.renewed = null;
  assert.equal((await call('GET', '/api/session', { session })).headers['set-cookie'], undefined);
  await app.close();
});

test('P3: signing out ends the session and takes its cookie away', async () => {
  const { world, call, owner, app } = await openDoor();
  const session = world.people.session(owner.id);
  const out = await call('DELETE', '/api/session', { session });
  assert.deepEqual([out.statusCode, out.json()], [200, { session: session.id }]);
  assert.match(String(out.headers['set-cookie']), /^gatehouse-session=; Max-Age=0;/);
  assert.equal((await call('GET', '/api/session', { session })).json().code, 'session_ended');
  assert.equal(world.refusals.at(-1)?.caller?.who, owner.id);
  await app.close();
});

test('every answer of the door tells browsers and caches to leave it alone', async () => {
  const { call, app } = await openDoor();
  const wanted = {
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
  for (const [url, options, status] of [
    ['/api/people', {}, 200],
    ['/api/openapi.json', { token: null }, 200],
    ['/api/people', { token: null }, 401],
    ['/api/nothing', {}, 404],
    ['/api/people?limit=0', {}, 400],
  ] as const) {
    const answer = await call('GET', url, options);
    assert.equal(answer.statusCode, status);
    for (const [name, value] of Object.entries(wanted)) assert.equal(answer.headers[name], value, `${url} ${name}`);
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
  }
  await app.close();
});

test('P5: nothing that is listed opens a session', async () => {
  const { world, call, owner, member, app } = await openDoor();
  const session = world.people.session(member.id, { previous: 'ab'.repeat(32) });
  const own = world.people.session(owner.id);
  world.people.session(member.id, { revokedAt: world.now });
  for (const url of ['/api/sessions', '/api/sessions?state=all', `/api/sessions?person=${member.id}`]) {
    const { body } = await call('GET', url, { session: own });
    for (const hidden of [session.secret, session.digest, session.csrf, 'ab'.repeat(32), own.csrf]) {
      assert.ok(!body.includes(hidden), url);
    }
  }
  const open = (await call('GET', '/api/sessions', { session: own })).json().sessions as {
    id: string;
    current: boolean;
  }[];
  assert.deepEqual(
    open.map(({ id, current }) => [id, current]),
    [
      [own.id, true],
      [session.id, false],
    ],
  );
  const states = (await call('GET', '/api/sessions?state=all')).json().sessions as { state: string }[];
  assert.deepEqual(
    states.map(({ state }) => state),
    ['revoked', 'open', 'open'],
  );
  const ended = await call('DELETE', `/api/sessions/${session.id}?reason=laptop%20lost`);
  assert.deepEqual([ended.statusCode, ended.json().state], [200, 'revoked']);
  await app.close();
});
