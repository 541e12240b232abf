import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OidcProvider } from '../../src/policy/model.ts';
import { failureOf, Idp, ISSUER } from './idp.ts';

async function groupsWith(claims: Record<string, unknown>, settings: Partial<OidcProvider> = {}) {
  const idp = await Idp.start();
  idp.claims = claims;
  return (await idp.signIn(idp.client(settings))).groups;
}

/** A provider with a userinfo endpoint that answers this. */
async function withUserinfo(answer: object): Promise<Idp> {
  const idp = await Idp.start();
  idp.metadata.userinfo_endpoint = `${ISSUER}/userinfo`;
  idp.routes.set('/userinfo', () => answer);
  return idp;
}

test('groups are an array of names, or one name, each once and as written', async () => {
  assert.deepEqual(await groupsWith({ groups: ['eng', 'Ops', 'eng', 'CN=a,OU=b', ' x '] }), [
    'eng',
    'Ops',
    'CN=a,OU=b',
    ' x ',
  ]);
  assert.deepEqual(await groupsWith({ groups: 'eng, ops' }), ['eng, ops']);
  assert.deepEqual(await groupsWith({ groups: [] }), []);
});

test('a claim whose name has dots is one claim; a list of names leads inwards', async () => {
  const name = 'https://acme.com/groups';
  assert.deepEqual(await groupsWith({ [name]: ['a'], groups: ['b'] }, { groupsClaim: [name] }), ['a']);
  assert.deepEqual(await groupsWith({ 'a.b': ['x'], a: { b: ['y'] } }, { groupsClaim: ['a.b'] }), ['x']);
  const path = ['realm_access', 'roles'];
  assert.deepEqual(await groupsWith({ realm_access: { roles: ['r'] } }, { groupsClaim: path }), ['r']);
});

test('a provider without groups gives none, whatever the token says', async () => {
  assert.deepEqual(await groupsWith({ groups: ['admins'] }, { groupsClaim: null }), []);
});

test('P8: groups that are missing or not understood are no empty list: nobody gets in', async () => {
  const path = ['realm_access', 'roles'];
  const cases: [Record<string, unknown>, Partial<OidcProvider>?][] = [
    [{ groups: undefined }],
    [{ groups: null }],
    [{ groups: {} }],
    [{ groups: 7 }],
    [{ groups: true }],
    [{ groups: '' }],
    [{ groups: [''] }],
    [{ groups: ['eng', 7] }],
    [{ groups: ['eng', null] }],
    [{ groups: ['eng', { name: 'ops' }] }],
    [{ groups: [['eng']] }],
    [{ groups: ['x'.repeat(257)] }],
    [{ groups: ['a\nb'] }],
    [{ groups: Array.from({ length: 2_001 }, (_, i) => `g${i}`) }],
    [{}, { groupsClaim: path }],
    [{ realm_access: null }, { groupsClaim: path }],
    [{ realm_access: { other: 1 } }, { groupsClaim: path }],
    [{ realm_access: ['roles'] }, { groupsClaim: path }],
    [{ 'realm_access.roles': ['r'] }, { groupsClaim: path }],
    [{}, { groupsClaim: ['__proto__', 'x'] }],
    [{}, { groupsClaim: ['constructor', 'name'] }],
  ];
  for (const [claims, settings] of cases) {
    assert.match(await failureOf(groupsWith(claims, settings)), /^groups_unavailable: /, JSON.stringify(claims));
  }
  assert.equal((await groupsWith({ groups: Array.from({ length: 2_000 }, (_, i) => `g${i}`) })).length, 2_000);
});

test('P8: a token that says its groups stand elsewhere has none that count, even if it shows some', async () => {
  for (const more of [
    { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://evil.example.com/' } } },
    { hasgroups: true },
    { hasgroups: 'true' },
  ]) {
    for (const groups of [undefined, ['eng']]) {
      const idp = await Idp.start();
      idp.claims = { groups, ...more };
      assert.match(await failureOf(idp.signIn(idp.client())), /^groups_unavailable: there are too many groups/);
      assert.ok(idp.requests.every(({ url }) => url.startsWith(ISSUER)));
    }
  }
  assert.deepEqual(await groupsWith({ _claim_names: { address: 'src1' }, hasgroups: false }), ['eng']);
});

test('an address is lower-cased, and counts as none where it could be read as another', async () => {
  const emailOf = async (email: unknown) => {
    const idp = await Idp.start();
    idp.claims = { email };
    return (await idp.signIn(idp.client())).email;
  };
  assert.equal(await emailOf("O'Brien+x@Sub.Example.COM"), "o'brien+x@sub.example.com");
  const long = `${'x'.repeat(64)}@${'y'.repeat(63)}.${'y'.repeat(63)}.${'y'.repeat(61)}`;
  assert.equal(await emailOf(long), long);
  for (const odd of [
    // The Kelvin sign, which lower-cases to k; a dotless and a dotted i.
    'bob@ac\u212ae.com',
    'bob@\u0131bm.com',
    'bob@\u0130bm.com',
    'b\u00f6b@example.com',
    'bob@example.com.',
    'bob@.com',
    'bob@-a.com',
    'bob@a_b.com',
    'bob',
    '@example.com',
    'bob@',
    'a@b@example.com',
    'bob @example.com',
    'bob@example.com ',
    ' bob@example.com',
    'bob@example.com\n',
    'bob\u0000@example.com',
    '"bob"@example.com',
    'Bob <bob@example.com>',
    'bob@example.com,eve@example.com',
    'bob@[127.0.0.1]',
    `${'x'.repeat(65)}@example.com`,
    `${long}y`,
    7,
    null,
    ['bob@example.com'],
    {},
  ]) {
    assert.equal(await emailOf(odd), null, JSON.stringify(odd));
  }
});

test('an address is verified when the provider says true, unknown when it says nothing, else not', async () => {
  const cases: [unknown, boolean | null][] = [
    [true, true],
    ['true', true],
    [undefined, null],
    [null, null],
    [false, false],
    ['false', false],
    ['True', false],
    [1, false],
    ['1', false],
    [{}, false],
    [[true], false],
  ];
  for (const [email_verified, expected] of cases) {
    const idp = await Idp.start();
    idp.claims = { email_verified };
    assert.equal((await idp.signIn(idp.client())).emailVerified, expected, JSON.stringify(email_verified));
  }
});

test('a name is for showing: cut, without characters that could hide', async () => {
  const nameOf = async (name: unknown) => {
    const idp = await Idp.start();
    idp.claims = { name };
    return (await idp.signIn(idp.client())).name;
  };
  assert.equal(await nameOf(' Zoë '), 'Zoë');
  assert.equal(await nameOf('a\u202eb\n'), 'a\\u{202e}b');
  assert.equal((await nameOf('x'.repeat(1_000)))?.length, 201);
  for (const none of [undefined, null, '', '  ', 7, {}]) assert.equal(await nameOf(none), null);
});

test('userinfo fills in what the ID token lacks, asked once with the access token', async () => {
  const idp = await withUserinfo({
    json: { sub: 'user-1', email: 'Bob@example.com', email_verified: false, groups: ['ops'], name: 'Bob' },
  });
  idp.claims = { email: undefined, groups: undefined };
  const person = await idp.signIn(idp.client());
  assert.deepEqual([person.email, person.emailVerified, person.groups], ['bob@example.com', false, ['ops']]);
  const asked = idp.requests.filter(({ url }) => url === `${ISSUER}/userinfo`);
  assert.equal(asked.length, 1);
  assert.equal(asked[0]?.headers?.authorization, 'Bearer access-1');
});

test('userinfo is not asked where the ID token says everything, and never for half of an address', async () => {
  const idp = await withUserinfo({ json: { sub: 'user-1', email_verified: true } });
  idp.claims = { email_verified: undefined };
  assert.equal((await idp.signIn(idp.client())).emailVerified, null);
  assert.ok(!idp.paths().includes('/userinfo'));
});

test('userinfo of somebody else is refused, however much it says', async () => {
  for (const sub of ['user-2', '', undefined, 7, 'USER-1', ['user-1']]) {
    const idp = await withUserinfo({
      json: { sub, email: 'root@example.com', email_verified: true, groups: ['admins'] },
    });
    idp.claims = { groups: undefined };
    assert.match(await failureOf(idp.signIn(idp.client())), /^response_invalid: /, String(sub));
  }
});

test('userinfo that does not answer, or not in JSON, is told apart from one that says nothing', async () => {
  const cases: [object, RegExp][] = [
    [{ status: 503 }, /^provider_unreachable: the userinfo endpoint/],
    [{ status: 302 }, /^provider_misconfigured: the userinfo endpoint/],
    [{ body: Buffer.from('eyJhbGciOiJub25lIn0.e30.') }, /^response_invalid: .*userinfo endpoint is no JSON/],
    [{ body: Buffer.from('{"sub":"user-2","sub":"user-1"}') }, /^response_invalid: .*userinfo endpoint is no JSON/],
    [{ status: 403, json: { error: 'insufficient_scope' } }, /^groups_unavailable: neither the ID token nor userinfo/],
    [{ json: { sub: 'user-1' } }, /^groups_unavailable: neither the ID token nor userinfo/],
  ];
  for (const [answer, expected] of cases) {
    const idp = await withUserinfo(answer);
    idp.claims = { groups: undefined };
    assert.match(await failureOf(idp.signIn(idp.client())), expected);
  }
  const idp = await withUserinfo({ status: 401, json: {} });
  idp.claims = { email: undefined };
  assert.equal((await idp.signIn(idp.client())).email, null);
});
