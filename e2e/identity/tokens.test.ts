/** What a provider, or somebody in its place, can do with tokens and with the browser's way there and back. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, type Outgoing } from './browser.ts';
import type { Forgery } from './oidc/orders.ts';
import { openWorld, refusedBy, signedIn, signIn, throughProvider, type World, whoAmI } from './world.ts';

const ALICE = { provider: 'okta', login: 'okta-alice' };
const DORA = { provider: 'keycloak', login: 'kc-dora' };
/** Nobody from outside waits longer for new keys to count, milliseconds. */
const NEW_KEYS_MS = 45_000;

let world: World;
/** Refusals that must stand in the trail in the end, by code. */
const refused = new Map<string, number>();

before(async () => {
  world = await openWorld();
});
after(() => world?.close());

/** Nobody was signed in, for this reason. */
async function assertRefused(
  browser: Browser,
  page: Awaited<ReturnType<typeof signIn>>['page'],
  code: string,
): Promise<void> {
  assert.equal(refusedBy(page), code, page.text);
  assert.ok(page.status >= 400, 'a refusal looks like success to programs');
  assert.equal(browser.jar.find('localhost', /gatehouse-session$/), undefined, 'a session was opened');
  assert.equal((await whoAmI(world, browser)).status, 401);
  refused.set(code, (refused.get(code) ?? 0) + 1);
}

async function refusedWith(forgery: Forgery, code: string, visitor = ALICE): Promise<void> {
  const provider = visitor === DORA ? world.keycloak : world.okta;
  await provider.tell('forge', forgery);
  try {
    const { browser, page } = await signIn(world, visitor);
    await assertRefused(browser, page, code);
  } finally {
    await provider.tell('forge', null);
  }
}

test('a token that the provider signed lets somebody in, with RSA and with elliptic curves', async () => {
  await signedIn(world, ALICE);
  await signedIn(world, DORA);
});

/** The claims are those of an admin; only the signature is wrong. */
const SIGNATURES: Readonly<Record<string, Forgery['sign']>> = {
  'signed with another key under the known key id': 'stranger',
  'without a signature (alg none)': 'none',
  'signed with the public key as a secret (HS256 confusion)': 'public',
  'that brings its own key in its header': 'embedded',
};
for (const [what, sign] of Object.entries(SIGNATURES)) {
  test(`P8: nobody comes in with a token ${what}`, async () => {
    await refusedWith({ sign }, 'response_invalid');
    await refusedWith({ sign }, 'response_invalid', DORA);
  });
}

const now = (): number => Math.floor(Date.now() / 1000);
const CLAIMS: Readonly<Record<string, readonly [claims: () => Readonly<Record<string, unknown>>, code: string]>> = {
  'of another issuer': [() => ({ iss: 'http://localhost:1' }), 'response_invalid'],
  'for another client': [() => ({ aud: 'other' }), 'response_invalid'],
  'for us among others, issued to another': [() => ({ aud: ['gatehouse', 'other'], azp: 'other' }), 'response_invalid'],
  'for another sign-in': [() => ({ nonce: 'another nonce of somebody else' }), 'response_invalid'],
  'without a nonce': [() => ({ nonce: null }), 'response_invalid'],
  'without a subject': [() => ({ sub: null }), 'response_invalid'],
  'that never ends': [() => ({ exp: null }), 'response_invalid'],
  'that is over': [() => ({ iat: now() - 4000, exp: now() - 400 }), 'response_late'],
  'that is not valid yet': [() => ({ iat: now() + 400, exp: now() + 4000 }), 'response_late'],
};
for (const [what, [claims, code]] of Object.entries(CLAIMS)) {
  test(`P8: nobody comes in with a token of the provider ${what}`, async () => {
    await refusedWith({ sign: 'honest', claims: claims() }, code);
  });
}

test('the clock of the provider may be a minute wrong, and not an hour', async () => {
  try {
    for (const minutes of [1, -1]) {
      await world.okta.tell('clock', minutes * 60_000);
      await signedIn(world, ALICE);
    }
    await world.okta.tell('clock', 3_600_000);
    const { browser, page } = await signIn(world, ALICE);
    await assertRefused(browser, page, 'response_late');
  } finally {
    await world.okta.tell('clock', 0);
  }
});

/** A browser that stops before the answer reaches the gateway, and what it would have sent. */
async function answerOf(visitor: typeof ALICE, browser = new Browser()): Promise<{ browser: Browser; url: URL }> {
  let url: URL | null = null;
  browser.watch = (outgoing: Outgoing) => {
    if (!outgoing.url.pathname.startsWith('/signin/callback/')) return outgoing;
    url = outgoing.url;
    return null;
  };
  const start = await browser.open(`${world.gateway.url}/signin`);
  await throughProvider(browser, await browser.submit(start, { provider: visitor.provider }), visitor.login);
  browser.watch = (outgoing) => outgoing;
  if (url === null) throw new Error('the provider did not send the browser back');
  return { browser, url };
}

test('P8: an answer works once, and only in the browser that asked for it', async () => {
  const { browser, url } = await answerOf(ALICE);
  const victim = new Browser();
  await assertRefused(victim, await victim.open(url), 'browser_changed');
  // The provider takes a code that came twice for a theft, so the first one to bring it must have been the right one.
  assert.equal((await browser.open(url)).url.pathname, '/account');
  assert.equal(refusedBy(await browser.open(url)), 'browser_changed');
  refused.set('browser_changed', (refused.get('browser_changed') ?? 0) + 1);
});

test('P8: nobody is signed in as the attacker by a link (login CSRF), and no answer is taken to another provider (mix-up)', async () => {
  const attacker = await answerOf(DORA);
  // The victim has a sign-in of their own under way, at the same provider.
  const victim = await answerOf(DORA);
  await assertRefused(victim.browser, await victim.browser.open(attacker.url), 'browser_changed');
  const mixed = await answerOf(ALICE);
  mixed.url.pathname = '/signin/callback/keycloak';
  await assertRefused(mixed.browser, await mixed.browser.open(mixed.url), 'browser_changed');
});

test('an answer of another issuer is refused by what it says of itself (RFC 9207), and so is an error of the provider', async () => {
  const other = await answerOf(ALICE);
  other.url.searchParams.set('iss', 'http://localhost:1');
  await assertRefused(other.browser, await other.browser.open(other.url), 'response_invalid');
  const error = await answerOf(ALICE);
  error.url.searchParams.delete('code');
  error.url.searchParams.set('error', 'access_denied');
  error.url.searchParams.set('error_description', '<script>alert(1)</script>');
  const page = await error.browser.open(error.url);
  assert.ok(!page.html.includes('<script>alert'), 'a page repeats what somebody sent');
  await assertRefused(error.browser, page, 'provider_refused');
});

test('P8: a code that somebody else got is of no use: it is bound to the browser that asked (PKCE)', async () => {
  const [one, two] = [await answerOf(ALICE), await answerOf({ provider: 'okta', login: 'okta-bob' })];
  two.url.searchParams.set('code', one.url.searchParams.get('code') ?? '');
  await assertRefused(two.browser, await two.browser.open(two.url), 'response_invalid');
});

test('after the provider has changed its keys, those it withdrew count no longer, and the new ones do without a restart', async () => {
  await world.okta.tell('rotate', null);
  const until = Date.now() + NEW_KEYS_MS;
  for (;;) {
    const { browser, page } = await signIn(world, ALICE);
    if (page.url.pathname === '/account') break;
    // Until the gateway may ask again, nobody comes in: an unknown key is no reason to hammer the provider.
    await assertRefused(browser, page, 'response_invalid');
    assert.ok(Date.now() < until, 'the new keys never counted');
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
});

test('every refusal stands in the trail, which holds no token, no code and no address', async () => {
  const codes = new Map<string, number>();
  const records = await world.gateway.halt();
  for (const { kind, ...body } of records) {
    if (kind !== 'strangers') continue;
    for (const [code, count] of Object.entries(body.counts as Record<string, number>)) {
      codes.set(code, (codes.get(code) ?? 0) + count);
    }
  }
  for (const [code, count] of refused) assert.equal(codes.get(`signin_${code}`), count, `signin_${code}`);
  const text = JSON.stringify(records);
  assert.doesNotMatch(text, /eyJ[\w-]{10,}\.|acme\.com|acme\.org|code=/);
  assert.doesNotMatch(world.gateway.printed(), /eyJ[\w-]{10,}\.|@acme|a secret of the client/);
});
