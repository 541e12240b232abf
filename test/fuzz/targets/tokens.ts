import assert from 'node:assert/strict';
import { ALGORITHMS } from '../../../src/identity/oidc/algorithms.ts';
import { discover } from '../../../src/identity/oidc/discovery.ts';
import { verifyIdToken } from '../../../src/identity/oidc/id-token.ts';
import { openToken, proveToken } from '../../../src/identity/oidc/jws.ts';
import { fetchKeys } from '../../../src/identity/oidc/keys.ts';
import type { House } from '../../../src/identity/oidc/parts.ts';
import { mayHaveSigned, type PublicKey } from '../../../src/identity/oidc/public-key.ts';
import { SignInFailure } from '../../../src/identity/sign-in-failure.ts';
import type { Fetcher } from '../../../src/net/ports.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { KEY_SET, SIGNING_ALGORITHMS, signed, VECTORS } from './jose-keys.ts';
import { names, parsed } from './json-reference.ts';

const ISSUER = 'https://id.example.com';
const CLIENT = 'gatehouse';
const NONCE = 'n-0S6_WzA2Mj';
const NOW = 1_900_000_000;
const CLAIMS = {
  iss: ISSUER,
  aud: CLIENT,
  sub: '248289761001',
  nonce: NONCE,
  iat: NOW - 10,
  exp: NOW + 300,
  email: 'jane@example.com',
  email_verified: true,
  groups: ['eng'],
};

const answering = (body: Uint8Array): Fetcher => ({
  fetch: async () => ({ status: 200, headers: { 'content-type': 'application/json' }, body }),
});
const KEYS: readonly PublicKey[] = await fetchKeys(
  { fetcher: answering(Buffer.from(JSON.stringify(KEY_SET))) },
  ISSUER,
);
const EXPECTED = {
  issuer: ISSUER,
  clientId: CLIENT,
  nonce: NONCE,
  accessToken: null,
  now: NOW * 1000,
  skewMs: 0,
  algorithms: ALGORITHMS,
  jwksUri: ISSUER,
  keys: {
    async find(header: Parameters<typeof mayHaveSigned>[1]): Promise<PublicKey> {
      const key = KEYS.find((one) => mayHaveSigned(one, header));
      if (key === undefined) throw new SignInFailure('response_invalid', 'no such key');
      return key;
    },
  },
};

/** Refusals are of the closed table, and repeat nothing of what came. */
function checkRefusal(error: unknown, input: string): void {
  if (!(error instanceof SignInFailure)) throw error;
  for (const [word] of error.detail.matchAll(/[\w+/=-]{16,}/g))
    assert.ok(!input.includes(word), 'a refusal repeats the token');
}

const HONEST = new Set(SIGNING_ALGORITHMS.map((alg) => signed(JSON.stringify(CLAIMS), alg)));

/** Whatever is done to a token that was signed for this sign-in: it says what was signed, or nobody comes in. */
async function runToken(input: Uint8Array): Promise<void> {
  const text = Buffer.from(input).toString();
  await runVector(text);
  let verified: Awaited<ReturnType<typeof verifyIdToken>>;
  try {
    verified = await verifyIdToken(text, EXPECTED);
  } catch (error) {
    checkRefusal(error, text);
    assert.ok(!HONEST.has(text), 'an honest token was refused');
    return;
  }
  assert.deepEqual(verified.claims, CLAIMS, 'a token was accepted that nobody signed');
  assert.equal(verified.subject, CLAIMS.sub);
}

/** The printed examples, on which no claims can be checked: signed by the key beside them, or not. */
async function runVector(text: string): Promise<void> {
  const vector = VECTORS.find(({ token }) => token === text);
  if (vector === undefined) return;
  const counts = async (): Promise<boolean> => {
    const opened = openToken(text, ALGORITHMS);
    const key = KEYS.find((one) => mayHaveSigned(one, opened));
    if (key === undefined) throw new SignInFailure('response_invalid', 'no such key');
    await proveToken(opened, key);
    return true;
  };
  const verdict = await counts().catch((error) => {
    checkRefusal(error, text);
    return false;
  });
  assert.equal(verdict, vector.verdict === 'signed', `${vector.from} was read wrongly`);
}

const text = (value: unknown): value is string => typeof value === 'string';

/** Claims that a provider signed, whatever they are: accepted only where a plain reading finds them made for this sign-in. */
async function runClaims(input: Uint8Array): Promise<void> {
  let subject: string;
  const token = signed(input);
  try {
    subject = (await verifyIdToken(token, EXPECTED)).subject;
  } catch (error) {
    checkRefusal(error, Buffer.from(input).toString());
    return;
  }
  const value = parsed(input);
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), 'claims that are no object');
  const doubled = names(Buffer.from(input).toString()).some(({ members }) => new Set(members).size < members.length);
  assert.ok(!doubled, 'a name stands twice');
  const { iss, aud, azp, sub, nonce, exp, iat, nbf } = value;
  const audiences = [aud].flat();
  assert.ok(iss === ISSUER && nonce === NONCE && audiences.includes(CLIENT), 'a token for somebody else');
  assert.ok(
    audiences.every(text) && (azp === undefined ? audiences.length === 1 : azp === CLIENT),
    'for several clients',
  );
  assert.ok(text(sub) && sub !== '' && sub === subject && !/\p{Cc}/u.test(sub), 'a subject that is none');
  assert.ok(typeof exp === 'number' && exp > NOW, 'a token that is over');
  assert.ok(typeof iat === 'number' && iat <= NOW, 'a token that is not yet');
  assert.ok(nbf === undefined || (typeof nbf === 'number' && nbf <= NOW), 'a token that is not yet');
}

const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth'];

/** Documents of a provider: what is taken of them stays within what a sign-in may use. */
async function runDocuments(input: Uint8Array): Promise<void> {
  const fetcher = answering(input);
  const house = { fetcher, settings: { issuer: ISSUER } } as House;
  const refused = (error: unknown) => {
    // Names of fields are named in refusals, and nothing in these documents is secret.
    checkRefusal(error, '');
    return null;
  };
  const keys = await fetchKeys(house, ISSUER).catch(refused);
  for (const { jwk } of keys ?? []) {
    assert.ok(['RSA', 'EC', 'OKP'].includes(jwk.kty), 'a key that is no key pair');
    assert.ok(
      PRIVATE.every((name) => !(name in jwk)),
      'a private key was kept',
    );
  }
  const found = await discover(house).catch(refused);
  if (found === null) return;
  const { metadata } = found;
  assert.equal(metadata.issuer, ISSUER, 'a document of another issuer');
  for (const address of [
    metadata.authorization_endpoint,
    metadata.token_endpoint,
    metadata.jwks_uri,
    metadata.userinfo_endpoint,
  ]) {
    if (address === undefined) continue;
    const { protocol, username, password } = new URL(address);
    assert.ok(protocol === 'https:' && username === '' && password === '', 'an address that may not be used');
  }
  const weak = metadata.id_token_signing_alg_values_supported.filter((alg) => /^(?:none|HS)/i.test(alg));
  assert.deepEqual(weak, [], 'a token could be signed by everybody');
}

const DISCOVERY = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/authorize`,
  token_endpoint: `${ISSUER}/token`,
  jwks_uri: `${ISSUER}/keys`,
  userinfo_endpoint: `${ISSUER}/userinfo`,
  id_token_signing_alg_values_supported: ['RS256', 'none', 'HS256'],
  code_challenge_methods_supported: ['S256'],
  scopes_supported: ['openid'],
};
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const HEADERS = [
  { alg: 'none' },
  { alg: 'HS256', kid: 'rsa' },
  { alg: 'RS256', kid: 'ec' },
  { alg: 'RS256', crit: ['b64'], b64: false },
  { alg: 'RS256', jku: 'https://attacker.example', x5u: 'https://attacker.example' },
  { alg: 'RS256', typ: 'at+jwt' },
];
const CLAIM_TOKENS = [
  ...['"iss":', '"aud":', '"azp":', '"sub":', '"nonce":', '"exp":', '"iat":', '"nbf":', '"groups":', '"__proto__":'],
  ...[
    `"${ISSUER}"`,
    `"${CLIENT}"`,
    `["${CLIENT}"]`,
    `"${NONCE}"`,
    `${NOW}`,
    'null',
    '""',
    '[]',
    '{}',
    ',',
    ':',
    '\\u0073ub',
  ],
];

export const idToken: FuzzTarget = {
  name: 'id-token',
  parses: 'src/identity/oidc/{jws,id-token,public-key}.ts',
  hostile: ['caller', 'provider'],
  seeds: [
    ...HONEST,
    ...VECTORS.map(({ token }) => token),
    ...HEADERS.map((head) => `${encoded(head)}.${encoded(CLAIMS)}.AA`),
  ],
  tokens: [
    ...HEADERS.map(encoded),
    ...['.', '..', '=', '-', '_', '+', '/', ' ', '\n', 'eyJ', encoded({ ...CLAIMS, sub: 'admin' })],
  ],
  run: runToken,
};
export const idClaims: FuzzTarget = {
  name: 'id-claims',
  parses: 'src/identity/oidc/{id-claims,strict-json}.ts',
  hostile: ['provider'],
  seeds: [
    JSON.stringify(CLAIMS),
    JSON.stringify({ ...CLAIMS, aud: [CLIENT, 'other'], azp: CLIENT }),
    JSON.stringify({ ...CLAIMS, aud: [CLIENT], nbf: NOW }),
    JSON.stringify(CLAIMS).replace('}', ',"sub":"admin"}'),
  ],
  tokens: CLAIM_TOKENS,
  run: runClaims,
};
export const openIdDocuments: FuzzTarget = {
  name: 'openid-documents',
  parses: 'src/identity/oidc/{ask,discovery,keys,metadata,public-key}.ts',
  hostile: ['provider'],
  seeds: [JSON.stringify(DISCOVERY), JSON.stringify(KEY_SET), JSON.stringify({ keys: VECTORS.map(({ key }) => key) })],
  tokens: [
    ...[
      '"issuer":',
      '"jwks_uri":',
      '"keys":',
      '"kty":',
      '"RSA"',
      '"oct"',
      '"OKP"',
      '"crv":',
      '"e":',
      '"AQAB"',
      '"use":',
      '"enc"',
    ],
    ...[
      `"${ISSUER}"`,
      '"http://id.example.com"',
      '"https://a:b@c"',
      '"none"',
      '"HS256"',
      '"javascript:1"',
      '"{tenantid}"',
    ],
  ],
  run: runDocuments,
};
