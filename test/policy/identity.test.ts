import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IdentityProvider, OidcProvider, SamlProvider } from '../../src/policy/model.ts';
import { found, load, problems } from './support.ts';

const OIDC = { issuer: 'https://acme.okta.com', client_id: '0oa1', client_secret: 'env:OKTA_SECRET' };
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBiTCCAS+gAwIBAgIUJ1YwTBMwNHirMj83hIuWDQvF2hEwCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPaWRwLmV4YW1wbGUuY29tMB4XDTI2MTIwMTEzMjIwNloXDTM2
MTEyODEzMjIwNlowGjEYMBYGA1UEAwwPaWRwLmV4YW1wbGUuY29tMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEgTddmMAgbwCugHzvyi36ZrB/3bi0lkoCyznoUFPo
/OH3pDTJEgPoZXdm5+cmk8UvY1hdRFaS/KujXdXu9APNdaNTMFEwHQYDVR0OBBYE
FMolUxPEiFBq+eYW5xoelHYEfTq1MB8GA1UdIwQYMBaAFMolUxPEiFBq+eYW5xoe
lHYEfTq1MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgWA0Heqn2
9M2yMGDjRJA2w9fVXa0NhpLcZxq7tpDLC/0CIQC3TfXbdR13Ebx3lD7J2NopjNOT
hZX3McY8js+wDT1u9w==
-----END CERTIFICATE-----
`;

type Json = Readonly<Record<string, unknown>>;

function document(providers: readonly Json[], more: Json = {}): string {
  return JSON.stringify({ identity: { providers, ...more } });
}

function oidc(fields: Json = {}, more: Json = {}): string {
  return document([{ name: 'okta', domains: ['acme.com'], oidc: { ...OIDC, ...fields }, ...more }]);
}

function saml(fields: Json): string {
  return document([{ name: 'adfs', domains: ['acme.de'], saml: fields }]);
}

function provider(text: string): IdentityProvider {
  const [only, ...more] = load(text).policy.identity.providers.values();
  assert.ok(only !== undefined && more.length === 0);
  return only;
}

/** What is wrong, without where: documents of these tests are one line. */
function faults(text: string): string[] {
  return problems(text).map((line) => line.replace(/^p\.yaml:1:\d+: /, ''));
}

const AT = 'identity.providers[0]';

test('an OpenID Connect provider has its defaults', () => {
  assert.deepEqual(provider(oidc()), {
    place: { path: AT, line: 1, text: 'okta: oidc at https://acme.okta.com for acme.com' },
    name: 'okta',
    label: null,
    domains: ['acme.com'],
    kind: 'oidc',
    issuer: 'https://acme.okta.com',
    clientId: '0oa1',
    authentication: { method: 'client_secret_basic', secret: 'env:OKTA_SECRET' },
    scopes: ['openid', 'email', 'profile'],
    groupsClaim: null,
    groupsFrom: 'claims',
    skewMs: 120_000,
    trustsEmail: false,
  });
});

test('an OpenID Connect provider says what it is given to say', () => {
  const one = provider(
    oidc(
      {
        groups: { claim: ['realm_access', 'roles'], from: 'entra' },
        scopes: ['groups', 'openid'],
        clock_skew: '30s',
        trust_email: true,
        token_auth: 'client_secret_post',
      },
      { name: 'Okta-EU', label: 'Acme sign-in', domains: [' ACME.com', 'xn--bcher-kva.example'] },
    ),
  ) as OidcProvider;
  assert.deepEqual(
    [one.name, one.label, one.domains],
    ['Okta-EU', 'Acme sign-in', ['acme.com', 'xn--bcher-kva.example']],
  );
  assert.deepEqual(one.scopes, ['openid', 'groups']);
  assert.deepEqual([one.groupsClaim, one.groupsFrom, one.skewMs], [['realm_access', 'roles'], 'entra', 30_000]);
  assert.deepEqual(one.authentication, { method: 'client_secret_post', secret: 'env:OKTA_SECRET' });
  assert.equal(one.trustsEmail, true);
  const dotted = provider(oidc({ groups: 'https://acme.com/groups.all' })) as OidcProvider;
  assert.deepEqual([dotted.groupsClaim, dotted.groupsFrom], [['https://acme.com/groups.all'], 'claims']);
  assert.deepEqual([...load(oidc({}, { name: 'OKTA' })).policy.identity.providers.keys()], ['okta']);
});

test('a client proves itself with a secret, a key, or nothing, and in no two ways', () => {
  const { client_secret: _, ...bare } = OIDC;
  const of = (fields: Json) => document([{ name: 'okta', oidc: { ...bare, ...fields } }]);
  const key = { private_key: 'file:/etc/gatehouse/okta.pem' };
  const method = (fields: Json) => (provider(of(fields)) as OidcProvider).authentication;
  assert.deepEqual(method({ token_auth: 'none' }), { method: 'none' });
  assert.deepEqual(method(key), {
    method: 'private_key_jwt',
    key: 'file:/etc/gatehouse/okta.pem',
    keyId: null,
    alg: null,
  });
  assert.deepEqual(method({ ...key, key_id: 'k1', signing_alg: 'ES256' }), {
    method: 'private_key_jwt',
    key: 'file:/etc/gatehouse/okta.pem',
    keyId: 'k1',
    alg: 'ES256',
  });
  for (const [fields, ...expected] of [
    [{}, `${AT}.oidc: write client_secret or private_key, or token_auth: none for a client that has none.`],
    [{ ...key, client_secret: 'env:A' }, `${AT}.oidc.private_key: write either client_secret or private_key.`],
    [{ token_auth: 'none', client_secret: 'env:A' }, `${AT}.oidc.token_auth: says that there is no secret.`],
    [{ ...key, token_auth: 'client_secret_post' }, `${AT}.oidc.token_auth: belongs to client_secret.`],
    [{ client_secret: 'env:A', key_id: 'k' }, `${AT}.oidc.key_id: belongs to private_key.`],
    [{ client_secret: 'env:A', signing_alg: 'ES256' }, `${AT}.oidc.signing_alg: belongs to private_key.`],
    [{ ...key, signing_alg: 'HS256' }, null],
    [{ ...key, signing_alg: 'none' }, null],
  ] as const) {
    const got = faults(of(fields));
    if (expected[0] === null) assert.ok(got[0]?.startsWith(`${AT}.oidc.signing_alg: must be`), got.join());
    else assert.deepEqual(got, expected);
  }
});

test('P5: a secret in the clear is a fault that does not repeat it', () => {
  const hint = 'must be a reference, such as "env:OKTA_SECRET" or "file:/etc/gatehouse/okta"';
  for (const secret of [
    'hunter2-hunter2',
    'env:hunter2 x',
    'env:',
    'env:1hunter2',
    'file:hunter2',
    'file:',
    'vault:hunter2',
    'ENV:hunter2',
    ` env:hunter2`,
    'env:hunter2\n',
    `file:/${'hunter2'.repeat(100)}`,
    { value: 'hunter2' },
    17,
  ]) {
    for (const key of ['client_secret', 'private_key']) {
      const { client_secret: _, ...bare } = OIDC;
      const text = document([{ name: 'okta', oidc: { ...bare, [key]: secret } }]);
      const got = faults(text);
      assert.ok(got[0]?.startsWith(`${AT}.oidc.${key}: ${hint}`), `${JSON.stringify(secret)}: ${got.join()}`);
      assert.ok(!got.join().includes('hunter2'), got.join());
    }
  }
});

test('an issuer is an https address, kept byte for byte', () => {
  for (const issuer of [
    'https://acme.okta.com',
    'https://acme.eu.auth0.com/',
    'https://ACME.okta.com/oauth2/default',
    'https://sso.acme.com:8443/realms/acme',
    'https://[2001:db8::1]/x',
    'http://localhost:8080/realms/test',
    'http://127.0.0.1:9000',
    'http://[::1]:9000/',
    'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0',
  ]) {
    assert.equal((provider(oidc({ issuer })) as OidcProvider).issuer, issuer);
  }
  for (const issuer of [
    '',
    'acme.okta.com',
    'http://acme.okta.com',
    'http://localhost.acme.com',
    'http://127.0.0.1.acme.com',
    'http://10.0.0.1',
    'https://acme.okta.com?tenant=1',
    'https://acme.okta.com/?',
    'https://acme.okta.com/#x',
    'https://acme.okta.com#',
    'https://user:hunter2@acme.okta.com',
    'https://acme.okta.com@evil.example',
    'https://acme.okta.com\\@evil.example',
    'https://acme.okta.com/ x',
    ' https://acme.okta.com',
    'https://acme.okta.com\n',
    'https://',
    'https:///x',
    'HTTPS://acme.okta.com',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'ftp://acme.okta.com',
    `https://acme.okta.com/${'x'.repeat(500)}`,
  ]) {
    const [only = '', ...more] = faults(oidc({ issuer }));
    assert.ok(only.startsWith(`${AT}.oidc.issuer: `), `${issuer}: ${only}`);
    assert.ok(!only.includes('hunter2'));
    assert.deepEqual(more, []);
  }
});

test('P8: an issuer for every tenant of the world is refused', () => {
  for (const tenant of ['common', 'organizations', 'consumers', 'Common']) {
    for (const end of ['/v2.0', '', '/']) {
      const got = faults(oidc({ issuer: `https://login.microsoftonline.com/${tenant}${end}` }));
      assert.deepEqual(got, [`${AT}.oidc.issuer: names every tenant; write the id of your own in its place.`]);
    }
  }
});

test('domains are whole: no wildcards, no bare endings, no addresses', () => {
  for (const domain of ['*.acme.com', '*', 'acme.*']) {
    assert.deepEqual(faults(oidc({}, { domains: ['a.com', domain] })), [
      `${AT}.domains[1]: must be written whole; a wildcard is not read.`,
    ]);
  }
  for (const domain of [
    ['', 'com', 'acme.com.', '.acme.com', 'a..com', '-a.com', 'a-.com', '1.2.3.4', 'ada@acme.com', 'acme.com/x'],
    ['acme com', 'bücher.example', '[::1]', 'acme.com\u200b', `${'a'.repeat(64)}.com`, `${'a.'.repeat(126)}com`],
  ].flat()) {
    const [only = '', ...more] = faults(oidc({}, { domains: [domain] }));
    assert.ok(
      only.startsWith(`${AT}.domains[0]: must be a domain`) || only.includes('at most 253'),
      `${domain}: ${only}`,
    );
    assert.deepEqual(more, []);
  }
});

test('P8: a domain belongs to one provider, and a name to one', () => {
  const two = { name: 'two', oidc: OIDC, domains: ['b.com', 'ACME.com'] };
  const one = { name: 'one', oidc: OIDC, domains: ['acme.com'] };
  assert.deepEqual(faults(document([one, two])), [
    'identity.providers[1].domains[1]: belongs to another provider already: a domain enters at one.',
  ]);
  assert.deepEqual(faults(document([{ ...one, domains: ['acme.com', 'Acme.com'] }])), [
    'identity.providers[0].domains[1]: is given twice.',
  ]);
  assert.deepEqual(faults(document([one, { ...one, name: 'ONE', domains: [] }])), [
    'identity.providers[1].name: is given twice: names of providers are compared in lower case.',
  ]);
  load(document([one, { ...two, domains: ['sub.acme.com'] }]));
});

test('names of providers stand in addresses: letters, digits and hyphens', () => {
  for (const name of ['', 'a b', 'a/b', 'a.b', '../x', '-a', 'ä', 'a_b', 'x'.repeat(33), '__proto__']) {
    const got = faults(oidc({}, { name }));
    assert.deepEqual(got, [`${AT}.name: must have 1 to 32 letters, digits and hyphens.`], name);
  }
  for (const name of ['constructor', 'x'.repeat(32), '0']) assert.equal(provider(oidc({}, { name })).name, name);
});

test('a SAML provider has its defaults, and says what it is given to say', () => {
  assert.deepEqual(provider(saml({ metadata: 'https://adfs.acme.de/metadata.xml?appid=1' })), {
    place: { path: AT, line: 1, text: 'adfs: saml for acme.de' },
    name: 'adfs',
    label: null,
    domains: ['acme.de'],
    kind: 'saml',
    metadata: { url: 'https://adfs.acme.de/metadata.xml?appid=1' },
    entityId: null,
    signInUrl: null,
    certificates: [],
    attributes: { subject: null, email: null, name: null, groups: null },
    encrypted: false,
    unsolicited: false,
    skewMs: 120_000,
  });
  const own = provider(
    saml({
      entity_id: 'urn:acme:idp',
      sign_in_url: 'http://localhost:7000/sso',
      certificates: CERTIFICATE,
      attributes: { email: 'mail', groups: 'memberOf' },
      encrypted: true,
      clock_skew: '5 min',
    }),
  ) as SamlProvider;
  assert.equal(own.metadata, null);
  assert.deepEqual([own.entityId, own.signInUrl], ['urn:acme:idp', 'http://localhost:7000/sso']);
  assert.deepEqual(own.certificates, [CERTIFICATE]);
  assert.deepEqual(own.attributes, { subject: null, email: 'mail', name: null, groups: 'memberOf' });
  assert.deepEqual([own.encrypted, own.skewMs], [true, 300_000]);
  const xml = '<md:EntityDescriptor entityID="x"/>';
  assert.deepEqual((provider(saml({ metadata: ` ${xml}\n` })) as SamlProvider).metadata, { xml });
});

test('a SAML provider without metadata says everything itself, and half of it is a fault', () => {
  const whole = {
    entity_id: 'urn:x',
    sign_in_url: 'https://idp.acme.de/sso',
    certificates: [CERTIFICATE, CERTIFICATE],
  };
  load(saml(whole));
  for (const key of Object.keys(whole)) {
    const got = faults(saml({ ...whole, [key]: undefined }));
    assert.deepEqual(got, [`${AT}.saml: write metadata, or all of entity_id, sign_in_url and certificates.`], key);
  }
});

test('P5: what is no certificate is a fault that does not repeat it', () => {
  const body = CERTIFICATE.split('\n').slice(1, -2).join('\n');
  for (const certificate of [
    'hunter2',
    `-----BEGIN ${'PRIVATE'} KEY-----\nhunter2\n-----END ${'PRIVATE'} KEY-----`,
    `${CERTIFICATE}-----BEGIN ${'PRIVATE'} KEY-----\nhunter2\n-----END ${'PRIVATE'} KEY-----`,
    CERTIFICATE + CERTIFICATE,
    '-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----',
    body,
    'file:/etc/hunter2.pem',
    `-----BEGIN CERTIFICATE-----\n${'A'.repeat(17_000)}\n-----END CERTIFICATE-----`,
  ]) {
    const got = faults(saml({ metadata: 'https://adfs.acme.de/m', certificates: [certificate] }));
    assert.ok(got[0]?.startsWith(`${AT}.saml.certificates[0]: must `), got.join());
    assert.equal(got.length, 1);
    assert.ok(!got.join().includes('hunter2'));
  }
});

test('metadata is an https address or the XML itself, without document types', () => {
  for (const metadata of [
    'http://adfs.acme.de/metadata.xml',
    'file:///etc/passwd',
    'https://user:hunter2@adfs.acme.de/m',
    'adfs.acme.de',
    '<html></html>',
    '<!DOCTYPE x [<!ENTITY a "b">]><EntityDescriptor/>',
    '<?xml version="1.0"?><!doctype x><EntityDescriptor/>',
  ]) {
    const [only = '', ...more] = faults(saml({ metadata }));
    assert.ok(only.startsWith(`${AT}.saml.metadata: must be `), `${metadata}: ${only}`);
    assert.ok(!only.includes('hunter2'));
    assert.deepEqual(more, []);
  }
});

test('unknown keys are faults with suggestions, at every level', () => {
  const at = 'identity.providers[0]';
  for (const [text, expected] of [
    [oidc({ client_secert: 'env:A' }), `${at}.oidc.client_secert: unknown key. Did you mean "client_secret"?`],
    [oidc({ groups: { claim: 'g', form: 'entra' } }), `${at}.oidc.groups.form: unknown key. Did you mean "from"?`],
    [oidc({}, { lable: 'x' }), `${at}.lable: unknown key. Did you mean "label"?`],
    [
      saml({ metadata: 'https://a.b/m', atributes: {} }),
      `${at}.saml.atributes: unknown key. Did you mean "attributes"?`,
    ],
    [document([], { require_soo: true }), 'identity.require_soo: unknown key. Did you mean "require_sso"?'],
    [document([], { roles: { admins: 'a@b.c' } }), 'identity.roles.admins: unknown key. Did you mean "admin"?'],
    [document([], { roles: { primary_owner: 'a@b.c' } }), 'identity.roles.primary_owner: unknown key.'],
    ['{two_peolpe: []}', 'two_peolpe: unknown key. Did you mean "two_people"?'],
    ['{two_people: [credential]}', null],
  ] as const) {
    const got = faults(text);
    if (expected === null) assert.match(got.join(), /^two_people\[0\]: must be .* Did you mean "credentials"\?$/);
    else assert.deepEqual(got, [expected]);
  }
  assert.deepEqual(faults(document([{ name: 'x', oidc: OIDC, saml: { metadata: 'https://a.b/m' } }])), [
    `${at}.saml: write exactly one of oidc and saml.`,
  ]);
  assert.deepEqual(faults(document([{ name: 'x' }])), [`${at}: write exactly one of oidc and saml.`]);
});

test('P8: SSO that would let nobody in is a fault', () => {
  const message = 'identity.require_sso: would let nobody in: there is no provider under identity.providers.';
  assert.deepEqual(faults(document([], { require_sso: true })), [message]);
  const { policy } = load(document([{ name: 'okta', oidc: OIDC }], { require_sso: true }));
  assert.equal(policy.identity.requireSso, true);
  assert.equal(load('{}').policy.identity.requireSso, false);
});

test('P8: a role is for people who are named, never for everyone, services or keys', () => {
  for (const role of ['admin', 'auditor']) {
    const of = (to: unknown) => faults(JSON.stringify({ teams: { ops: {} }, identity: { roles: { [role]: to } } }));
    const at = `identity.roles.${role}`;
    assert.deepEqual(of('everyone'), [`${at}: a role for everyone is none; name a group, a team or people.`]);
    assert.deepEqual(of(['a@b.c', 'Everyone']), [
      `${at}[1]: a role for everyone is none; name a group, a team or people.`,
    ]);
    assert.deepEqual(of('service ci'), [`${at}: only people have roles.`]);
    assert.deepEqual(of('team opps'), [`${at}: names a team that is not under teams. Did you mean "ops"?`]);
  }
  const { policy } = load('{teams: {a: {}}, identity: {roles: {admin: [team A, Ada@Example.com]}}}');
  assert.deepEqual(policy.identity.roles, {
    admin: [
      { kind: 'team', id: 'a' },
      { kind: 'person', id: 'ada@example.com' },
    ],
    auditor: [],
  });
  assert.deepEqual(
    policy.named.map(({ id, place }) => [id, place.path]),
    [['ada@example.com', 'identity.roles.admin[1]']],
  );
});

test('kinds for two people are read; none unless written', () => {
  assert.deepEqual([...load('{two_people: [content, controls, content]}').policy.twoPeople], ['content', 'controls']);
  assert.equal(load('{}').policy.twoPeople.size, 0);
  assert.equal(load('{two_people: []}').policy.twoPeople.size, 0);
});

test('what is odd about who can sign in is found', () => {
  assert.deepEqual(found(oidc()), []);
  assert.deepEqual(found(oidc({}, { domains: [] })), [`sign_in ${AT}`]);
  for (const domain of ['gmail.com', 'Outlook.com', 'co.uk', 'com.au', 'acme.onmicrosoft.com']) {
    assert.deepEqual(found(oidc({}, { domains: ['acme.com', domain] })), [`sign_in ${AT}`], domain);
  }
  for (const domain of ['mygmail.com', 'acme.co.uk', 'mail.acme.com', 'co.acme.com']) {
    assert.deepEqual(found(oidc({}, { domains: [domain] })), [], domain);
  }
  assert.deepEqual(found(saml({ metadata: 'https://a.b/m', unsolicited: true })), [`sign_in ${AT}`]);
  const both = JSON.parse(oidc());
  assert.deepEqual(found(JSON.stringify({ ...both, two_people: ['controls'] })), ['sign_in two_people']);
  const strict = { identity: { ...both.identity, require_sso: true }, two_people: ['controls'] };
  assert.deepEqual(found(JSON.stringify(strict)), []);
});
