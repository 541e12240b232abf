/** P9 and P8 together: while a provider is down or hangs, whoever is signed in goes on, nobody is signed out, and nobody gets in. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { request } from 'undici';
import { Browser, type Page } from './browser.ts';
import { openWorld, refusedBy, signedIn, signIn, type World } from './world.ts';

const ALICE = { provider: 'okta', login: 'okta-alice' };
const BOB = { provider: 'okta', login: 'okta-bob' };
const DORA = { provider: 'keycloak', login: 'kc-dora' };
const DISCOVERY = '/.well-known/openid-configuration';

let world: World;
let alice: Browser;
/** A virtual key of hers. */
let key: string;

before(async () => {
  world = await openWorld();
  alice = await signedIn(world, ALICE);
  const made = await world.gateway.done('POST', '/api/keys', { body: { person: 'alice@acme.com', label: 'laptop' } });
  key = String(made.secret);
});
after(() => world?.close());

/** She reads her account and works with her key. */
async function assertWorking(): Promise<void> {
  const account = await alice.open(`${world.gateway.url}/account`);
  assert.equal(account.status, 200);
  assert.match(account.text, /alice@acme\.com/);
  const reply = await request(`${world.gateway.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({ model: 'claude-haiku-5-5', max_tokens: 20, messages: [{ role: 'user', content: 'hi' }] }),
  });
  assert.equal(reply.statusCode, 200, await reply.body.text());
}

function assertTold(page: Page, browser: Browser): void {
  assert.equal(refusedBy(page), 'provider_unreachable', page.text);
  assert.equal(page.status, 503);
  assert.match(page.text, /does not answer/);
  assert.equal(browser.jar.find('localhost', /gatehouse-session$/), undefined);
}

/** Signs in; when the browser is on its way back with an answer, `breakIt` has its turn. */
async function signInWhile(breakIt: () => Promise<unknown>): Promise<{ browser: Browser; page: Page }> {
  const browser = new Browser();
  let back: URL | null = null;
  browser.watch = (outgoing) => {
    if (!outgoing.url.pathname.startsWith('/signin/callback/')) return outgoing;
    back = outgoing.url;
    return null;
  };
  await signIn(world, BOB, browser);
  browser.watch = (outgoing) => outgoing;
  await breakIt();
  if (back === null) throw new Error('the provider did not send the browser back');
  return { browser, page: await browser.open(back) };
}

test('P9: a provider that was never reached and is down: the page says so, and it is not asked again for everybody who presses the button', async () => {
  await world.keycloak.tell('listen', false);
  for (let turn = 0; turn < 5; turn++) {
    const { browser, page } = await signIn(world, DORA);
    assertTold(page, browser);
  }
  await world.keycloak.tell('listen', true);
  assert.equal(await world.keycloak.asked(DISCOVERY), 0);
  await assertWorking();
});

test('P9: a provider that goes away while somebody is there: they are told, whoever is signed in goes on, the other provider works', async () => {
  const { browser, page } = await signInWhile(() => world.okta.tell('listen', false));
  assertTold(page, browser);
  await assertWorking();
  await world.okta.tell('listen', true);
  await signedIn(world, BOB);
});

test('P9: a provider that takes the question and never answers holds up nobody else', async () => {
  await world.okta.tell('asked', null);
  await world.okta.tell('hang', '/token');
  let open = 5;
  const hanging = Array.from({ length: open }, () =>
    signInWhile(async () => undefined).then((result) => {
      open--;
      return result;
    }),
  );
  // All of them stand before the provider's closed mouth.
  let asked = 0;
  while (asked < 5) {
    asked += await world.okta.asked('/token');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (let turn = 0; turn < 20; turn++) await assertWorking();
  assert.equal(open, 5, 'whoever is signed in waited for those who are not');
  for (const { browser, page } of await Promise.all(hanging)) assertTold(page, browser);
  await world.okta.tell('hang', null);
  await signedIn(world, BOB);
});

test('P9: nobody was signed out meanwhile, and the trail says who was not let in', async () => {
  await assertWorking();
  const records = await world.gateway.halt();
  const ended = records.filter(
    ({ kind, ...body }) => kind === 'change' && /session\.(?:revoked|ended)/.test(String(body.action)),
  );
  assert.deepEqual(ended, []);
  const told = records.reduce((sum, { kind, ...body }) => {
    const counts = kind === 'strangers' ? (body.counts as Record<string, number>) : {};
    return sum + (counts.signin_provider_unreachable ?? 0);
  }, 0);
  assert.equal(told, 5 + 1 + 5);
});
