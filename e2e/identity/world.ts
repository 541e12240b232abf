import { generateKeyPairSync } from 'node:crypto';
import { Browser, type BrowserOptions, type Page } from './browser.ts';
import { freePort, type Gateway, startGateway } from './gateway.ts';
import type { Accounts } from './oidc/orders.ts';
import { type OpenId, startOpenId } from './openid.ts';

/** A gateway between people of two companies, each with an OpenID provider of its own. */
export interface World {
  readonly gateway: Gateway;
  /** Has `acme.com`; the client has a secret; RS256; groups stand in the ID token. */
  readonly okta: OpenId;
  /** Has `acme.org`; the client has a private key; ES256; groups and addresses stand in the userinfo answer. */
  readonly keycloak: OpenId;
  /** Puts a policy in force: the providers as they are, with more YAML for `identity` and for the whole. */
  govern(more?: { identity?: string; rest?: string }): Promise<void>;
  close(): Promise<void>;
}

/** Somebody at a provider whose address is verified. */
export const person = (email: string, groups: readonly string[] = []) => ({
  email,
  email_verified: true,
  name: email.slice(0, email.indexOf('@')),
  groups,
});

export const OKTA: Accounts = {
  'okta-alice': person('alice@acme.com', ['platform-admins', 'eng']),
  'okta-bob': person('bob@acme.com', ['eng']),
  'okta-lena': person('lena@acme.com', ['payments-leads']),
  'okta-audrey': person('audrey@acme.com', ['security-audit']),
  'okta-erin': person('erin@acme.com', ['eng']),
  'okta-mallory': person('mallory@acme.org', ['platform-admins']),
  'okta-partner': person('partner@example.net', ['eng']),
  'okta-unverified': { ...person('nina@acme.com'), email_verified: false },
  'okta-nameless': { name: 'Nobody', groups: [] },
};
export const KEYCLOAK: Accounts = {
  'kc-dora': person('dora@acme.org', ['ops']),
  'kc-eve': person('alice@acme.com', ['platform-admins']),
};

export const ACCESS = `
teams:
  payments: { leads: [group okta/payments-leads], members: [group okta/eng-payments] }
access:
  - { allow: claude-*, to: [group okta/eng, group keycloak/ops] }
`;
const ROLES = 'roles: { admin: group okta/platform-admins, auditor: group okta/security-audit }';

export async function openWorld(): Promise<World> {
  const [port, oktaPort, keycloakPort] = [await freePort(), await freePort(), await freePort()];
  const url = `http://localhost:${port}`;
  const secret = 'a secret of the client, long enough for a certified provider';
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const common = { accounts: OKTA, alg: 'RS256', claimsInIdToken: true } as const;
  const [okta, keycloak, gateway] = await together<[OpenId, OpenId, Gateway]>([
    startOpenId({
      ...common,
      host: 'localhost',
      port: oktaPort,
      secret,
      redirectUris: [`${url}/signin/callback/okta`],
    }),
    startOpenId({
      host: '127.0.0.1',
      port: keycloakPort,
      accounts: KEYCLOAK,
      alg: 'ES256',
      claimsInIdToken: false,
      clientKey: { ...pair.publicKey.export({ format: 'jwk' }), kid: 'gatehouse', use: 'sig', alg: 'ES256' },
      redirectUris: [`${url}/signin/callback/keycloak`],
    }),
    startGateway({
      port,
      providers: [`localhost:${oktaPort}`, `127.0.0.1:${keycloakPort}`],
      secrets: [
        { name: 'OKTA_SECRET', value: secret, host: 'localhost' },
        { name: 'KEYCLOAK_KEY', value: pem, host: '127.0.0.1' },
      ],
    }),
  ]);
  const providers = `
    - name: okta
      label: Acme
      domains: [acme.com]
      oidc: { issuer: "${okta.issuer}", client_id: gatehouse, client_secret: "env:OKTA_SECRET", scopes: [openid, email, profile, groups], groups: groups }
    - name: keycloak
      domains: [acme.org]
      oidc: { issuer: "${keycloak.issuer}", client_id: gatehouse, private_key: "env:KEYCLOAK_KEY", key_id: gatehouse, scopes: [openid, email, profile, groups], groups: groups }`;
  const govern: World['govern'] = ({ identity = ROLES, rest = ACCESS } = {}) =>
    gateway.govern(`identity:\n  ${identity}\n  providers:${providers}\n${rest}`);
  const close = async (): Promise<void> => {
    await Promise.all([gateway.close(), okta.close(), keycloak.close()]);
  };
  try {
    await govern();
  } catch (error) {
    const said = gateway.printed();
    await close();
    throw new Error(said.slice(-4000), { cause: error });
  }
  return { gateway, okta, keycloak, govern, close };
}

/** All of them, or none: what has started when another one fails is closed. */
async function together<T extends readonly { close(): Promise<void> }[]>(
  starting: {
    readonly [K in keyof T]: Promise<T[K]>;
  },
): Promise<T> {
  const results = await Promise.allSettled(starting as readonly Promise<T[number]>[]);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return Promise.all(starting) as unknown as Promise<T>;
  await Promise.all(results.map((result) => (result.status === 'fulfilled' ? result.value.close() : undefined)));
  throw failed.reason;
}

export interface Visitor {
  /** As the policy names it. */
  readonly provider: string;
  /** What they type at the provider. */
  readonly login: string;
}

/** Answers whatever the provider asks, until the browser is back or stands before a page without a form of the provider. */
export async function throughProvider(browser: Browser, shown: Page, login: string): Promise<Page> {
  let page = await browser.settle(shown);
  for (let turn = 0; turn < 5; turn++) {
    const names = page.forms.flatMap(({ fields }) => fields.map(({ name }) => name));
    if (names.includes('login')) page = await browser.submit(page, { login, password: 'password' });
    else if (names.includes('username')) page = await browser.submit(page, { username: login, password: 'password' });
    else if (names.includes('prompt')) page = await browser.submit(page, { prompt: 'consent' });
    else return page;
    page = await browser.settle(page);
  }
  throw new Error(`the provider goes on asking: ${page.text}`);
}

/** Signs in as somebody does, from the page of the gateway to where they end up. */
export async function signIn(
  { gateway }: Pick<World, 'gateway'>,
  { provider, login }: Visitor,
  browser = new Browser(),
): Promise<{ browser: Browser; page: Page }> {
  const start = await browser.open(`${gateway.url}/signin`);
  const away = await browser.submit(start, { provider });
  return { browser, page: await throughProvider(browser, away, login) };
}

/** A browser of somebody who is signed in. Throws, with what the page said, where they did not get in. */
export async function signedIn(
  world: Pick<World, 'gateway'>,
  visitor: Visitor,
  options: BrowserOptions = {},
): Promise<Browser> {
  const { browser, page } = await signIn(world, visitor, new Browser(options));
  if (page.url.pathname !== '/account' || page.status !== 200) throw new Error(`not signed in: ${page.text}`);
  return browser;
}

/** The code that a page of refusal shows. */
export function refusedBy(page: Page): string | null {
  return /Code (\w+)/.exec(page.text)?.[1] ?? null;
}

/** What the API says of whoever's session this browser holds. */
export async function whoAmI({ gateway }: Pick<World, 'gateway'>, browser: Browser) {
  return browser.call(`${gateway.url}/api/session`);
}
