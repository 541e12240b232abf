import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { FetchFailure } from '../../src/net/failure.ts';
import { CALLBACK, failureOf, Idp, ISSUER, SECRET } from './idp.ts';

test('a person who signs in is who the ID token says, with their groups', async () => {
  const idp = await Idp.start();
  assert.deepEqual(await idp.signIn(idp.client()), {
    provider: 'acme',
    issuer: 'https://idp.example.com',
    subject: 'user-1',
    email: 'alice@example.com',
    emailVerified: true,
    name: 'Alice',
    groups: ['eng'],
    until: null,
    once: null,
  });
});

test('begin asks for a code with PKCE, a nonce and the state, and remembers less than 2 KB', async () => {
  const client = (await Idp.start()).client();
  const begun = await client.begin({ callback: CALLBACK, state: 's1', loginHint: 'bob@example.com' });
  const url = new URL(begun.location);
  const { code_challenge, nonce, ...rest } = Object.fromEntries(url.searchParams);
  assert.equal(`${url.origin}${url.pathname}`, `${ISSUER}/authorize`);
  assert.deepEqual(rest, {
    response_type: 'code',
    response_mode: 'query',
    client_id: 'client-1',
    redirect_uri: CALLBACK,
    scope: 'openid email profile',
    state: 's1',
    code_challenge_method: 'S256',
    login_hint: 'bob@example.com',
  });
  assert.equal(code_challenge, createHash('sha256').update(String(begun.remember.verifier)).digest('base64url'));
  assert.equal(nonce, begun.remember.nonce);
  assert.ok(JSON.stringify(begun.remember).length < 2048);
  assert.ok(!begun.location.includes(String(begun.remember.verifier)));
  const again = await client.begin({ callback: CALLBACK, state: 's1', loginHint: null });
  assert.notEqual(again.remember.nonce, begun.remember.nonce);
  assert.notEqual(again.remember.verifier, begun.remember.verifier);
});

test('a login hint with control characters, or too long, is not passed on', async () => {
  const client = (await Idp.start()).client();
  for (const loginHint of ['a\r\nb', 'x'.repeat(255), '']) {
    const { location } = await client.begin({ callback: CALLBACK, state: 's', loginHint });
    assert.equal(new URL(location).searchParams.has('login_hint'), false);
  }
});

test('the code goes to the token endpoint with the verifier, the redirect URI and the secret, form-encoded for Basic', async () => {
  const idp = await Idp.start();
  await idp.signIn(idp.client());
  const request = idp.requests.find(({ url }) => url === `${ISSUER}/token`);
  const body = new URLSearchParams(String(request?.body));
  assert.equal(request?.method, 'POST');
  assert.equal(body.get('grant_type'), 'authorization_code');
  assert.equal(body.get('code'), 'code-1');
  assert.equal(body.get('redirect_uri'), CALLBACK);
  assert.match(body.get('code_verifier') ?? '', /^[\w-]{43}$/);
  const basic = Buffer.from(request?.headers?.authorization?.slice(6) ?? '', 'base64').toString();
  const [user = '', password = ''] = basic.split(':').map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
  assert.deepEqual([user, password], ['client-1', SECRET]);
  assert.deepEqual(idp.secrets, [['env:ACME', 'idp.example.com']]);
});

test('an answer that nobody here asked for, or that was asked for under other settings, is refused', async () => {
  const idp = await Idp.start();
  const client = idp.client();
  const parameters = new URLSearchParams({ code: 'code-1', state: 'state-1', iss: ISSUER });
  assert.match(
    await failureOf(client.finish({ callback: CALLBACK, parameters, remembered: null })),
    /^browser_changed:/,
  );
  const begun = await client.begin({ callback: CALLBACK, state: 'state-1', loginHint: null });
  const others = [idp.client({ name: 'other' }), idp.client({ clientId: 'client-2' })];
  for (const other of others) {
    const failure = await failureOf(other.finish({ callback: CALLBACK, parameters, remembered: begun.remember }));
    assert.match(failure, /^response_invalid: the sign-in was started at another provider/);
  }
  const elsewhere = 'https://gatehouse.example.com/signin/callback/other';
  assert.match(
    await failureOf(client.finish({ callback: elsewhere, parameters, remembered: begun.remember })),
    /^response_invalid: the answer came to another address/,
  );
  for (const name of ['state', 'nonce', 'verifier', 'parties', 'callback']) {
    const { [name]: _, ...remembered } = begun.remember;
    assert.match(await failureOf(client.finish({ callback: CALLBACK, parameters, remembered })), /^response_invalid:/);
  }
  assert.ok(!idp.paths().includes('/token'));
});

test('an answer with a wrong, missing or double state, issuer or code is refused before the code is used', async () => {
  const idp = await Idp.start();
  const client = idp.client();
  const { remember: remembered } = await client.begin({ callback: CALLBACK, state: 'state-1', loginHint: null });
  for (const query of [
    `code=code-1&iss=${ISSUER}`,
    `code=code-1&state=state-2&iss=${ISSUER}`,
    `code=code-1&state=state-1&state=state-1&iss=${ISSUER}`,
    // RFC 9207: the provider says that it names itself, so an answer without a name may be another provider's.
    'code=code-1&state=state-1',
    'code=code-1&state=state-1&iss=https://evil.example.com',
    `code=code-1&state=state-1&iss=${ISSUER}/`,
    `code=code-1&state=state-1&iss=${ISSUER}&iss=${ISSUER}`,
    `code=code-1&code=code-2&state=state-1&iss=${ISSUER}`,
    `code=&state=state-1&iss=${ISSUER}`,
    `state=state-1&iss=${ISSUER}`,
    `code=code-1&state=state-1&iss=${ISSUER}&id_token=x`,
    `response=x&code=code-1&state=state-1&iss=${ISSUER}`,
    `code=${'x'.repeat(8193)}&state=state-1&iss=${ISSUER}`,
    `error=access_denied&state=state-1&iss=https://evil.example.com`,
  ]) {
    const parameters = new URLSearchParams(query);
    const failure = await failureOf(client.finish({ callback: CALLBACK, parameters, remembered }));
    assert.match(failure, /^response_invalid:/, query);
  }
  assert.ok(!idp.paths().includes('/token'));
});

test('an issuer in the answer is optional where the provider does not promise one, and never wrong', async () => {
  const idp = await Idp.start();
  delete idp.metadata.authorization_response_iss_parameter_supported;
  const client = idp.client();
  const { remember: remembered, location } = await client.begin({ callback: CALLBACK, state: 's', loginHint: null });
  idp.claims = { nonce: new URL(location).searchParams.get('nonce') };
  const wrong = new URLSearchParams({ code: 'code-1', state: 's', iss: 'https://evil.example.com' });
  assert.match(
    await failureOf(client.finish({ callback: CALLBACK, parameters: wrong, remembered })),
    /^response_invalid/,
  );
  const none = new URLSearchParams({ code: 'code-1', state: 's' });
  assert.equal((await client.finish({ callback: CALLBACK, parameters: none, remembered })).subject, 'user-1');
});

test('a refusal of the provider is told by its code when that is known, and by nothing else', async () => {
  const idp = await Idp.start();
  const client = idp.client();
  const refusal = (error: string) =>
    failureOf(idp.signIn(client, { error, error_description: 'alice has no seat', code: '' }));
  assert.equal(await refusal('access_denied'), 'provider_refused: the provider answered access_denied');
  assert.equal(await refusal('login_required'), 'provider_refused: the provider answered login_required');
  assert.equal(await refusal('<script>'), 'provider_refused: the provider answered an unknown code');
});

test('what the token endpoint answers is told apart', async () => {
  const idp = await Idp.start();
  const client = idp.client();
  const answers: [number, unknown, RegExp][] = [
    [401, { error: 'invalid_client', error_description: 'alice' }, /^provider_misconfigured: .*invalid_client$/],
    [400, { error: 'unauthorized_client' }, /^provider_misconfigured: .*unauthorized_client$/],
    [400, { error: 'invalid_grant' }, /^response_invalid: .*invalid_grant/],
    [400, { error: 'invalid_request' }, /^provider_misconfigured: .*invalid_request$/],
    [400, { error: 'temporarily_unavailable' }, /^provider_unreachable: /],
    [400, { error: 'alice' }, /^provider_refused: the token endpoint answered an unknown code$/],
    [400, 'alice', /^provider_misconfigured: the token endpoint answered 400$/],
    [403, { message: 'alice' }, /^response_invalid: /],
    [200, 'alice', /^response_invalid: .*no JSON object/],
    [200, {}, /^response_invalid: /],
    [200, { access_token: 'access-1', token_type: 'bearer' }, /^response_invalid: /],
    [200, { access_token: 'access-1', token_type: 'bearer', id_token: 7 }, /^response_invalid: /],
    [302, {}, /^provider_misconfigured: .*redirects are not followed/],
    [500, {}, /^provider_unreachable: the token endpoint answered 500$/],
    [429, {}, /^provider_unreachable: /],
    [204, {}, /^provider_misconfigured|^response_invalid/],
  ];
  for (const [status, json, expected] of answers) {
    idp.routes.set('/token', () => ({ status, json }));
    assert.match(await failureOf(idp.signIn(client)), expected, `${status} ${JSON.stringify(json)}`);
  }
});

test('a redirect of the token endpoint is not followed: the code and the secret stay where they belong', async () => {
  const idp = await Idp.start();
  idp.routes.set('/token', () => ({ status: 307, headers: { location: 'https://evil.example.com/token' } }));
  assert.match(await failureOf(idp.signIn(idp.client())), /^provider_misconfigured/);
  assert.deepEqual(new Set(idp.requests.map(({ url }) => new URL(url).host)), new Set(['idp.example.com']));
});

test('P5: a token endpoint on a host that the secret is not allowed for gets no secret and no code', async () => {
  const idp = await Idp.start();
  idp.metadata.token_endpoint = 'https://evil.example.com/token';
  assert.equal(
    await failureOf(idp.signIn(idp.client())),
    'provider_misconfigured: the secret env:ACME is not there, or not allowed for the host evil.example.com',
  );
  assert.deepEqual(idp.secrets, [['env:ACME', 'evil.example.com']]);
  assert.ok(!idp.paths().includes('/token'));
});

test('whatever keeps a request from being answered is a provider that is not reachable', async () => {
  for (const reason of ['unresolved', 'unreachable', 'tls', 'too_slow', 'broken'] as const) {
    const idp = await Idp.start();
    const client = idp.client();
    idp.down = reason;
    const input = { callback: CALLBACK, state: 's', loginHint: null };
    assert.match(await failureOf(client.begin(input)), new RegExp(`^provider_unreachable: .*${reason}`));
  }
  const idp = await Idp.start();
  const client = idp.client();
  idp.down = 'refused_address';
  const input = { callback: CALLBACK, state: 's', loginHint: null };
  assert.match(await failureOf(client.begin(input)), /^provider_misconfigured: /);
});

test('nothing is logged of a sign-in that works', async () => {
  const idp = await Idp.start();
  await idp.signIn(idp.client());
  assert.deepEqual(idp.logged, []);
});

test('P5: an error that nobody foresaw is told without what it holds', async () => {
  const idp = await Idp.start();
  const client = idp.client();
  idp.routes.set('/token', ({ body, headers }) => {
    throw Object.assign(new Error(`boom ${body}`), { headers });
  });
  assert.equal(await failureOf(idp.signIn(client)), 'provider_unreachable: the token endpoint could not be asked');
  const empty = idp.client({ clientId: '' });
  const input = { callback: CALLBACK, state: 's', loginHint: null };
  assert.match(
    await failureOf(empty.begin(input)),
    /^provider_misconfigured: the authorization request could not be made/,
  );
  assert.match(await failureOf(client.begin({ ...input, callback: 'x' })), /^provider_misconfigured: the callback/);
  idp.routes.set('/token', () => ({ json: { access_token: 'access-1', token_type: 'dpop', id_token: 'eyJ.eyJ.x' } }));
  assert.match(await failureOf(idp.signIn(client)), /^response_invalid: /);
});

test('every request is bounded in time and size, so that a provider that hangs or floods holds nobody up', async () => {
  const idp = await Idp.start();
  idp.metadata.userinfo_endpoint = `${ISSUER}/userinfo`;
  idp.routes.set('/userinfo', () => ({ json: { sub: 'user-1', groups: [] } }));
  idp.claims = { groups: undefined };
  await idp.signIn(idp.client());
  assert.deepEqual(idp.paths(), ['/.well-known/openid-configuration', '/token', '/keys', '/userinfo']);
  for (const { timeoutMs, maxBytes } of idp.requests) {
    assert.equal(timeoutMs, 10_000);
    assert.ok((maxBytes ?? 0) > 0 && (maxBytes ?? 0) <= 512 * 1024);
  }
  for (const path of idp.paths()) {
    const slow = await Idp.start();
    slow.metadata.userinfo_endpoint = `${ISSUER}/userinfo`;
    slow.claims = { groups: undefined };
    slow.routes.set(path, () => {
      throw new FetchFailure('too_slow', 'idp.example.com', 'idp.example.com took too long');
    });
    assert.match(await failureOf(slow.signIn(slow.client())), /^provider_unreachable: .*too_slow/, path);
  }
});
