/**
 * SAML with SimpleSAMLphp as the provider, and `xmlsec1` as a second opinion: what we accept it must find signed by the provider, and of what
 * we refuse it is said here what it thinks.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, type Page } from './browser.ts';
import { freePort, type Gateway, startGateway } from './gateway.ts';
import { type SimpleSaml, startSimpleSaml } from './simplesaml.ts';
import { lacking, need, simpleSaml } from './tools.ts';
import { refusedBy, signedIn, signIn, whoAmI } from './world.ts';
import { encrypted, type Opinion, opinion } from './xmlsec.ts';

const skip = lacking(() => {
  simpleSaml();
  need('xmlsec1', 'faketime');
});
const options = { skip };

const ACCOUNTS = {
  carol: { email: ['carol@acme.de'], displayName: ['Carol'], groups: ['eng', 'platform-admins'] },
  dave: { email: ['dave@acme.de'], groups: ['eng'] },
  foreign: { email: ['someone@acme.com'], groups: ['platform-admins'] },
};
const CAROL = { provider: 'adfs', login: 'carol' };
/** Nobody waits longer for a new certificate to count, milliseconds. */
const NEW_CERTIFICATE_MS = 30_000;
const SETTINGS = 'domains: [acme.de]';

let provider: SimpleSaml;
let gateway: Gateway;
/** Of the gateway, as the provider was given it. */
let metadata: string;
const world = {
  get gateway() {
    return gateway;
  },
};
/** Documents that came, with both opinions of them. */
const judged: { readonly ours: string; readonly theirs: Opinion }[] = [];

async function govern(more = ''): Promise<void> {
  await gateway.govern(`identity:
  roles: { admin: group adfs/platform-admins }
  providers:
    - { name: adfs, label: Acme Germany, ${SETTINGS}, saml: { metadata: "${provider.metadataUrl}"${more} } }
    - { name: okta, domains: [acme.com], saml: { entity_id: "http://localhost:1", sign_in_url: "https://localhost:1", metadata: "${provider.metadataUrl}?other" } }
access: [ { allow: claude-*, to: group adfs/eng } ]
`);
}

before(async () => {
  if (skip !== false) return;
  const [port, samlPort] = [await freePort(), await freePort()];
  provider = await startSimpleSaml({ port: samlPort, accounts: ACCOUNTS });
  gateway = await startGateway({ port, providers: [`127.0.0.1:${samlPort}`] });
  await govern();
  const page = await new Browser().open(`${gateway.url}/signin/saml/adfs/metadata`);
  assert.equal(page.status, 200, page.text);
  metadata = page.html;
  provider.know(metadata);
});
after(async () => {
  await gateway?.close();
  await provider?.close();
});

type Change = (document: string) => string;

/** Signs in; what the provider answered may be changed on its way, as whoever holds the browser can. Both opinions are kept. */
async function through(
  change: Change = (document) => document,
  { login = 'carol', browser = new Browser(), of = 'assertion' as 'assertion' | 'response' } = {},
): Promise<{ browser: Browser; page: Page; document: string }> {
  let document = '';
  browser.watch = (outgoing) => {
    const answer = outgoing.form?.get('SAMLResponse');
    if (answer == null || outgoing.url.port !== String(gateway.port)) return outgoing;
    if (document === '') document = change(Buffer.from(answer, 'base64').toString());
    const form = new URLSearchParams(outgoing.form ?? '');
    form.set('SAMLResponse', Buffer.from(document).toString('base64'));
    return { ...outgoing, form };
  };
  const { page } = await signIn(world, { provider: 'adfs', login }, browser);
  browser.watch = (outgoing) => outgoing;
  const theirs = opinion(document, { certificateFile: provider.certificateFile, of });
  judged.push({ ours: refusedBy(page) ?? 'accepted', theirs });
  return { browser, page, document };
}

async function assertRefused(
  result: Awaited<ReturnType<typeof through>>,
  code: string,
  theirs: Opinion,
): Promise<void> {
  assert.equal(refusedBy(result.page), code, result.page.text);
  assert.equal(result.browser.jar.find('localhost', /gatehouse-session$/), undefined, 'a session was opened');
  assert.equal(judged.at(-1)?.theirs, theirs, 'xmlsec1 sees it differently');
}

test(
  'somebody comes in through SimpleSAMLphp, with address, groups and the role of a group; xmlsec1 agrees with the signature',
  options,
  async () => {
    const { browser, page } = await through();
    assert.equal(page.url.href, `${gateway.url}/account`, page.text);
    assert.match(page.text, /carol@acme\.de.*Role Admin\b.*adfs\/platform-admins/);
    const { body } = await whoAmI(world, browser);
    assert.equal(body.role, 'admin');
    assert.deepEqual(judged.at(-1), { ours: 'accepted', theirs: 'valid' });
    // The provider said that its session lasts eight hours.
    const ends = Date.parse(String((body.credential as Record<string, string>).expires_at));
    assert.ok(ends <= Date.now() + 8 * 3_600_000 + 60_000, 'a session outlives that of the provider');
  },
);

test('requests are signed, so that a provider may ask for it; the metadata says with which key', options, async () => {
  provider.behave({ onlySignedRequests: true });
  await signedIn(world, CAROL);
  let request: URL | null = null;
  const browser = new Browser({
    watch: (outgoing) => {
      if (!outgoing.url.searchParams.has('Signature')) return outgoing;
      request = outgoing.url;
      return null;
    },
  });
  await signIn(world, CAROL, browser);
  const forged = new URL(request ?? 'http://missing');
  forged.searchParams.set('RelayState', 'another');
  const page = await new Browser().open(forged);
  assert.ok(
    page.forms.every(({ fields }) => fields.every(({ name }) => name !== 'username')),
    'the provider checked nothing',
  );
  provider.behave({});
});

test(
  'an encrypted assertion is taken, as SimpleSAMLphp and as xmlsec1 encrypt; where the policy asks for it, one in the clear is not',
  options,
  async () => {
    await govern(', encrypted: true');
    // AES-CBC, which it alone knows, counts inside of a signature; nothing of it can be read or changed on the way.
    provider.behave({ encrypt: true });
    const theirs = await through(undefined, { of: 'response' });
    assert.equal(theirs.page.url.pathname, '/account', theirs.page.text);
    assert.ok(theirs.document.includes('EncryptedAssertion') && !theirs.document.includes('carol'));
    assert.deepEqual(judged.at(-1), { ours: 'accepted', theirs: 'valid' });
    const changed = await through(
      (document) => document.replace(/(?<=<xenc:CipherValue>.{60})./g, (letter) => (letter === 'A' ? 'B' : 'A')),
      {
        of: 'response',
      },
    );
    await assertRefused(changed, 'response_invalid', 'invalid');
    provider.behave({ encrypt: true, signResponse: false });
    await assertRefused(await through(undefined, { of: 'response' }), 'response_invalid', 'absent');
    provider.behave({ signResponse: false });
    await assertRefused(await through(), 'response_invalid', 'valid');
    const certificate = certificateIn(metadata);
    const taken = await through((document) => encrypted(document, certificate));
    assert.equal(taken.page.url.pathname, '/account', taken.page.text);
    assert.ok(taken.document.includes('aes256-gcm') && !taken.document.includes('carol'));
    // Its only signature is inside, where no second opinion reaches.
    assert.deepEqual(judged.pop(), { ours: 'accepted', theirs: 'absent' });
    await govern();
    provider.behave({});
  },
);

function certificateIn(xml: string): string {
  const text = /<(?:\w+:)?X509Certificate>([^<]+)</.exec(xml)?.[1] ?? '';
  return `-----BEGIN CERTIFICATE-----\n${text.replace(/\s/g, '').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}

const assertionOf = (document: string): string => /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(document)?.[0] ?? '';
const signatureOf = (document: string): string =>
  /<ds:Signature[\s\S]*?<\/ds:Signature>/.exec(assertionOf(document))?.[0] ?? '';
const unsigned = (document: string): string => assertionOf(document).replace(signatureOf(document), '');
const evil = (document: string): string =>
  unsigned(document)
    .replaceAll('dave', 'carol')
    .replace(
      '<saml:AttributeValue xsi:type="xs:string">eng<',
      '<saml:AttributeValue xsi:type="xs:string">platform-admins<',
    )
    .replace(/ID="[^"]*"/, 'ID="_evil"');

/** Dave would be carol, the admin. What xmlsec1 finds at the place where the signature of the assertion belongs stands beside it. */
const FORGERIES: Readonly<Record<string, readonly [Change, Opinion]>> = {
  'another name in what was signed': [(d) => d.replaceAll('>dave<', '>carol<'), 'invalid'],
  'another group in what was signed': [(d) => d.replace('>eng<', '>platform-admins<'), 'invalid'],
  'no signature': [(d) => d.replace(/<ds:Signature[\s\S]*?<\/ds:Signature>/g, ''), 'absent'],
  'the signature of the assertion taken away': [(d) => d.replace(signatureOf(d), ''), 'absent'],
  'a forged assertion before the signed one': [(d) => d.replace(assertionOf(d), evil(d) + assertionOf(d)), 'valid'],
  'a forged assertion behind the signed one': [(d) => d.replace(assertionOf(d), assertionOf(d) + evil(d)), 'valid'],
  'the signed assertion inside the forged one': [
    (d) =>
      d.replace(
        assertionOf(d),
        evil(d).replace(
          '</saml:Issuer>',
          `</saml:Issuer>${signatureOf(d).replace('</ds:Signature>', `<ds:Object>${unsigned(d)}</ds:Object></ds:Signature>`)}`,
        ),
      ),
    'invalid',
  ],
  'a comment that cuts the name in two': [(d) => d.replaceAll('>dave<', '>da<!---->ve<'), 'valid'],
  'a processing instruction in the name': [(d) => d.replaceAll('>dave<', '>da<?x y?>ve<'), 'invalid'],
  'a document type with an entity': [
    (d) => `<!DOCTYPE x [<!ENTITY e "dave">]>${d.replaceAll('>dave<', '>&e;<')}`,
    'absent',
  ],
  'an id twice': [
    (d) =>
      d.replace('<saml:Issuer>', '<saml:Issuer ID="_evil">').replace('<samlp:Status>', '<samlp:Status ID="_evil">'),
    'valid',
  ],
};
for (const [what, [forge, theirs]] of Object.entries(FORGERIES)) {
  test(`P8: nobody becomes somebody else by ${what}`, options, async () => {
    provider.behave({ signResponse: false });
    let changed = false;
    const result = await through(
      (document) => {
        const made = forge(document);
        changed = made !== document;
        return made;
      },
      { login: 'dave' },
    );
    assert.ok(changed, 'nothing was forged');
    await assertRefused(result, 'response_invalid', theirs);
    provider.behave({});
  });
}

test(
  'P8: a key that is not in the metadata, SHA-1, and a response that alone is signed count for nothing',
  options,
  async () => {
    const cases = [
      [{ strangersKey: true }, 'invalid'],
      // xmlsec1 still takes SHA-1; nobody should.
      [{ algorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1' }, 'valid'],
      [{ signAssertion: false }, 'absent'],
    ] as const;
    // It signs assertions, whatever its own habits, for whoever asks for that in their metadata.
    provider.know(metadata.replace('WantAssertionsSigned="true"', ''));
    for (const [habits, theirs] of cases) {
      provider.behave(habits);
      await assertRefused(await through(), 'response_invalid', theirs);
    }
    provider.behave({});
    provider.know(metadata);
  },
);

test('P8: an answer works once, for the browser that asked, and for nobody who did not ask', options, async () => {
  const first = await through();
  assert.equal(first.page.url.pathname, '/account', first.page.text);
  // The same document for another sign-in of the same person: it answers another request.
  const replayed = await through(() => first.document);
  await assertRefused(replayed, 'response_invalid', 'valid');
  const victim = new Browser();
  let page = await victim.open(provider.unsolicited(`${gateway.url}/signin/saml/adfs/metadata`));
  page = await victim.settle(await victim.submit(page, { username: 'dave', password: 'password' }));
  assert.equal(refusedBy(page), 'browser_changed', page.text);
});

test('where the policy takes unsolicited answers they work, once', options, async () => {
  await govern(', unsolicited: true');
  const documents: string[] = [];
  const enter = async (): Promise<Page> => {
    const browser = new Browser({
      watch: (outgoing) => {
        const answer = outgoing.form?.get('SAMLResponse');
        if (answer == null || outgoing.url.port !== String(gateway.port)) return outgoing;
        documents.push(answer);
        const form = new URLSearchParams(outgoing.form ?? '');
        form.set('SAMLResponse', documents[0] ?? '');
        return { ...outgoing, form };
      },
    });
    const page = await browser.open(provider.unsolicited(`${gateway.url}/signin/saml/adfs/metadata`));
    return browser.settle(await browser.submit(page, { username: 'dave', password: 'password' }));
  };
  const entered = await enter();
  assert.equal(entered.url.pathname, '/account', entered.text);
  assert.equal(refusedBy(await enter()), 'response_used');
  await govern();
});

test('an address of a domain that another provider has does not come in here', options, async () => {
  const result = await through(undefined, { login: 'foreign' });
  await assertRefused(result, 'domain_elsewhere', 'valid');
  // Signed and for us, and yet refused: no second opinion on a signature could know.
  judged.pop();
});

test('the clock of the provider may not be an hour wrong', options, async () => {
  await provider.stop();
  await provider.start(3600);
  await assertRefused(await through(), 'response_late', 'valid');
  await provider.stop();
  await provider.start(-60);
  await signedIn(world, CAROL);
  await provider.stop();
  await provider.start();
});

test(
  'P9: the provider is down: whoever is signed in goes on, nobody gets in; after it changed its certificate, people come in again',
  options,
  async () => {
    const browser = await signedIn(world, CAROL);
    await provider.stop();
    await assert.rejects(signIn(world, CAROL), 'the browser reached a provider that is down');
    assert.equal((await browser.open(`${gateway.url}/account`)).status, 200);
    assert.equal((await whoAmI(world, browser)).status, 200);
    await provider.start();
    provider.rotate();
    // Strangers cannot have the metadata fetched more often than every 15 seconds.
    const until = Date.now() + NEW_CERTIFICATE_MS;
    while ((await through()).page.url.pathname !== '/account') {
      assert.ok(Date.now() < until, 'the new certificate never counted');
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
    assert.deepEqual(judged.at(-1), { ours: 'accepted', theirs: 'valid' });
  },
);

test(
  'whatever was accepted, xmlsec1 finds signed; the trail names every refusal and holds no address and no document',
  options,
  async () => {
    const accepted = judged.filter(({ ours }) => ours === 'accepted');
    assert.ok(accepted.length >= 3 && judged.length >= 18);
    for (const { theirs } of accepted) assert.equal(theirs, 'valid');
    const records = await gateway.halt();
    const counted = records.reduce((sum, { kind, ...body }) => {
      const counts = kind === 'strangers' ? (body.counts as Record<string, number>) : {};
      return sum + (counts.signin_response_invalid ?? 0);
    }, 0);
    assert.equal(counted, judged.filter(({ ours }) => ours === 'response_invalid').length);
    const text = JSON.stringify(records) + gateway.printed();
    assert.doesNotMatch(text, /acme\.de|PHNhbWxw|<saml/);
  },
);
