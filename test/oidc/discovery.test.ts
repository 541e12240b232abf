import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Discovery } from '../../src/identity/oidc/discovery.ts';
import { CALLBACK, failureOf, Idp, ISSUER, settingsOf } from './idp.ts';

const DOCUMENT = '/.well-known/openid-configuration';
const MINUTE = 60_000;
const begin = (client: ReturnType<Idp['client']>) => client.begin({ callback: CALLBACK, state: 's', loginHint: null });
const asked = (idp: Idp, path: string) => idp.paths().filter((one) => one === path).length;

test('the discovery document is asked for once in ten minutes, however many sign in', async () => {
  const idp = await Idp.start();
  const client = idp.client();
  await Promise.all([begin(client), begin(client), begin(client)]);
  idp.clock.move(10 * MINUTE - 1);
  await begin(client);
  assert.equal(asked(idp, DOCUMENT), 1);
  idp.clock.move(1);
  idp.metadata.authorization_endpoint = `${ISSUER}/elsewhere`;
  const begun = await Promise.all([begin(client), begin(client)]);
  assert.equal(asked(idp, DOCUMENT), 2);
  assert.equal(new URL(begun[1]?.location ?? '').pathname, '/elsewhere');
});

test('P9: while the provider is down a sign-in begins from the last good document for a day, and never ends in a person', async () => {
  const idp = await Idp.start();
  const client = idp.client();
  const { remember } = await begin(client);
  idp.down = 'too_slow';
  idp.clock.move(24 * 60 * MINUTE - 1);
  assert.ok((await begin(client)).location.startsWith(`${ISSUER}/authorize?`));
  // Told once, however many come.
  await Promise.all([begin(client), begin(client)]);
  assert.equal(idp.logged.length, 1);
  assert.match(JSON.stringify(idp.logged), /"provider":"acme".*could not be read/);
  const parameters = new URLSearchParams({ code: 'code-1', state: 's', iss: ISSUER });
  assert.match(
    await failureOf(client.finish({ callback: CALLBACK, parameters, remembered: remember })),
    /^provider_unreachable: the token endpoint/,
  );
  idp.clock.move(1);
  assert.match(await failureOf(begin(client)), /^provider_unreachable: the discovery document/);
  idp.down = null;
  idp.clock.move(15_000);
  await begin(client);
});

test('a provider that is down is asked at most every 15 seconds', async () => {
  const idp = await Idp.start();
  const client = idp.client();
  idp.down = 'unreachable';
  for (let i = 0; i < 20; i++) assert.match(await failureOf(begin(client)), /^provider_unreachable/);
  assert.equal(idp.requests.length, 1);
  idp.clock.move(14_999);
  await failureOf(begin(client));
  assert.equal(idp.requests.length, 1);
  idp.clock.move(1);
  idp.down = null;
  await begin(client);
  assert.equal(idp.requests.length, 2);
});

test('a provider whose document turns wrong gets no grace', async () => {
  const idp = await Idp.start();
  const client = idp.client();
  await begin(client);
  idp.clock.move(10 * MINUTE);
  idp.metadata.issuer = 'https://evil.example.com';
  assert.match(await failureOf(begin(client)), /^provider_misconfigured: .*another issuer/);
});

test('a document that lies, lacks something or leads somewhere odd is refused', async () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ issuer: 'https://evil.example.com' }, /another issuer/],
    [{ issuer: `${ISSUER}/` }, /another issuer/],
    [{ issuer: 'https://IDP.example.com' }, /another issuer/],
    [{ issuer: undefined }, /wrong or empty at issuer/],
    [{ issuer: [ISSUER] }, /wrong or empty at issuer/],
    [{ issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0' }, /your own tenant/],
    [{ token_endpoint: undefined }, /wrong or empty at token_endpoint/],
    [{ jwks_uri: 7 }, /wrong or empty at jwks_uri/],
    [
      { authorization_endpoint: `javascript:alert(1)//${'x'.repeat(2048)}` },
      /wrong or empty at authorization_endpoint/,
    ],
    [
      { authorization_endpoint: 'javascript:alert(1)' },
      /authorization_endpoint of the discovery document is no address/,
    ],
    [{ authorization_endpoint: 'http://idp.example.com/authorize' }, /authorization_endpoint .* no address/],
    [{ token_endpoint: 'http://idp.example.com/token' }, /token_endpoint .* no address/],
    [{ token_endpoint: 'https://u:p@idp.example.com/token' }, /token_endpoint .* no address/],
    [{ jwks_uri: 'file:///etc/passwd' }, /jwks_uri .* no address/],
    [{ jwks_uri: '/keys' }, /jwks_uri .* no address/],
    [{ userinfo_endpoint: 'https://idp.example.com/u#x' }, /userinfo_endpoint .* no address/],
    [{ id_token_signing_alg_values_supported: ['none', 'HS256'] }, /no algorithm that counts/],
    [{ id_token_signing_alg_values_supported: 'RS256' }, /wrong or empty at id_token_signing/],
    [{ authorization_response_iss_parameter_supported: 'false' }, /wrong or empty at authorization_response_iss/],
  ];
  for (const [changes, expected] of cases) {
    const idp = await Idp.start();
    Object.assign(idp.metadata, changes);
    const failure = await failureOf(begin(idp.client()));
    assert.match(failure, /^provider_misconfigured: /);
    assert.match(failure, expected);
  }
});

test('a document that is none is refused: other statuses, other JSON, names twice, too much, too deep', async () => {
  const deep = `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`;
  const text = (body: string) => ({ body: Buffer.from(body) });
  const answers: [object, RegExp][] = [
    [{ status: 404 }, /^provider_misconfigured: the discovery document answered 404/],
    [
      { status: 301, headers: { location: 'https://evil.example.com/' } },
      /^provider_misconfigured: .*redirects are not followed/,
    ],
    [{ status: 503 }, /^provider_unreachable: the discovery document answered 503/],
    [text('<html>'), /^provider_misconfigured: .*no JSON/],
    [text('[]'), /^provider_misconfigured: .*no JSON/],
    [text(`{"issuer":"${ISSUER}","issuer":"https://evil.example.com"}`), /^provider_misconfigured: .*no JSON/],
    [text(deep), /^provider_misconfigured: .*no JSON/],
    [text(`{"a":"${'x'.repeat(256 * 1024)}"}`), /^provider_misconfigured: .*no JSON/],
  ];
  for (const [answer, expected] of answers) {
    const idp = await Idp.start();
    idp.routes.set(DOCUMENT, () => answer);
    assert.match(await failureOf(begin(idp.client())), expected);
  }
});

test('the document of an issuer with a path lies below it; an issuer that is none is not asked', async () => {
  const idp = await Idp.start();
  const issuer = `${ISSUER}/tenant/v2.0`;
  idp.metadata.issuer = issuer;
  idp.routes.set(`/tenant/v2.0${DOCUMENT}`, () => ({ json: idp.metadata }));
  await begin(idp.client({ issuer }));
  assert.deepEqual(idp.paths(), [`/tenant/v2.0${DOCUMENT}`]);
  for (const odd of [
    '',
    'idp.example.com',
    'file:///etc',
    `${ISSUER}?a=b`,
    `${ISSUER}#a`,
    'https://u:p@idp.example.com',
    'https://',
  ]) {
    assert.match(
      await failureOf(begin(idp.client({ issuer: odd }))),
      /^provider_misconfigured: the issuer is no address/,
    );
  }
  assert.equal(idp.requests.length, 1);
});

test('of a document only what is needed is taken, and only algorithms that count', async () => {
  const idp = await Idp.start();
  Object.assign(idp.metadata, {
    id_token_signing_alg_values_supported: ['none', 'HS256', 'ES256', 'RS256', 'XX'],
    mtls_endpoint_aliases: { token_endpoint: 'https://evil.example.com/token' },
  });
  const parts = { fetcher: idp.fetcher, clock: idp.clock, secret: () => null, log: { warn() {} } };
  const metadata = await new Discovery({ ...parts, settings: settingsOf() }).current();
  assert.deepEqual(metadata.id_token_signing_alg_values_supported, ['RS256', 'ES256']);
  assert.equal('mtls_endpoint_aliases' in metadata, false);
});

test('an issuer in the clear may have endpoints in the clear: the fetcher decides whether it is reached at all', async () => {
  const idp = await Idp.start();
  const plain = 'http://idp.example.com';
  for (const [name, value] of Object.entries(idp.metadata)) {
    if (typeof value === 'string') idp.metadata[name] = value.replace('https:', 'http:');
  }
  idp.claims = { iss: plain };
  assert.equal((await idp.signIn(idp.client({ issuer: plain }), { iss: plain })).subject, 'user-1');
});
