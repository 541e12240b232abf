/** The pages in a real browser: what no client without scripts, styles and a security policy can see. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, type Window } from './chromium.ts';
import { freePort, type Gateway, startGateway } from './gateway.ts';
import { type SimpleSaml, startSimpleSaml } from './simplesaml.ts';
import { lacking, need, simpleSaml } from './tools.ts';
import { openWorld, type World } from './world.ts';

const skip = lacking(() => need('chromium'));
const skipSaml = skip === false ? lacking(simpleSaml) : skip;

let window: Window;

before(async () => {
  if (skip === false) window = await openChromium();
});
after(() => window?.close());

/** What was blocked by a page's own security policy, missing or thrown; the pages of the provider are its own affair. */
function complaintsOf(url: string): string[] {
  return window.complaints.filter((text) => text.includes(url) || text.includes('Content Security Policy'));
}

/** A label on every field, one heading, a language, nothing beyond the edge. */
async function assertReadable(): Promise<void> {
  const found = await window.read<{ unlabelled: number; headings: number; language: string; wide: boolean }>(`({
    unlabelled: [...document.querySelectorAll('input:not([type=hidden])')].filter((field) => field.labels.length === 0).length,
    headings: document.querySelectorAll('h1').length,
    language: document.documentElement.lang,
    wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  })`);
  assert.deepEqual(found, { unlabelled: 0, headings: 1, language: 'en', wide: false });
}

test('OpenID Connect in Chromium: sign in at the provider’s own page, see who one is, sign out', {
  skip,
}, async (t) => {
  const world: World = await openWorld();
  t.after(() => world.close());
  const { url } = world.gateway;
  await window.open(`${url}/account`);
  await window.until('location.pathname === "/signin" && document.querySelector("button[name=provider]")');
  await assertReadable();
  await window.click('button[name=provider][value=okta]');
  await window.until('document.querySelector("input[name=login]")');
  assert.equal(await window.read('location.origin'), world.okta.issuer);
  await window.fill('input[name=login]', 'okta-alice');
  await window.fill('input[name=password]', 'password');
  await window.click('button[type=submit]');
  await window.until('document.querySelector("input[name=prompt][value=consent]")');
  await window.click('button[type=submit]');
  await window.until(`location.href === ${JSON.stringify(`${url}/account`)}`);
  assert.match(await window.read('document.body.innerText'), /alice@acme\.com[\s\S]*Admin[\s\S]*okta\/platform-admins/);
  await assertReadable();
  assert.equal(await window.read('document.cookie'), '', 'a script reads the cookie');
  assert.deepEqual(complaintsOf(url), []);
  await window.open(`${url}/api/session`);
  await window.until('document.body.innerText.includes("role_reason")');
  assert.equal(JSON.parse(await window.read('document.body.innerText')).role, 'admin');
  await window.open(`${url}/account`);
  await window.click('form[action="/account/signout"] button');
  await window.until('location.pathname === "/signin" && location.search === "?out"');
  assert.deepEqual(complaintsOf(url), []);
});

test('SAML in Chromium: the answer comes from another site, without our cookies, and still finds its sign-in', {
  skip: skipSaml,
}, async (t) => {
  const [port, samlPort] = [await freePort(), await freePort()];
  const provider: SimpleSaml = await startSimpleSaml({
    port: samlPort,
    accounts: { carol: { email: ['carol@acme.de'], groups: ['eng'] } },
  });
  t.after(() => provider.close());
  const gateway: Gateway = await startGateway({ port, providers: [`127.0.0.1:${samlPort}`] });
  t.after(() => gateway.close());
  await gateway.govern(
    `identity: { providers: [ { name: adfs, domains: [acme.de], saml: { metadata: "${provider.metadataUrl}" } } ] }\n`,
  );
  await window.open(`${gateway.url}/signin/saml/adfs/metadata`);
  provider.know(await metadataOf(gateway));
  await window.open(`${gateway.url}/signin`);
  await window.click('button[name=provider]');
  await window.fill('input[name=username]', 'carol');
  await window.fill('input[name=password]', 'password');
  await window.click('#submit_button');
  await window.until(`location.href === ${JSON.stringify(`${gateway.url}/account`)}`);
  assert.match(await window.read('document.body.innerText'), /carol@acme\.de[\s\S]*adfs\/eng/);
  assert.deepEqual(complaintsOf(gateway.url), []);
});

async function metadataOf({ ask }: Gateway): Promise<string> {
  return (await ask('GET', '/signin/saml/adfs/metadata')).text;
}
