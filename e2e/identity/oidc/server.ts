/**
 * A certified OpenID provider in a process of its own, which can be told to misbehave. Started by `openid.ts` beside this folder; its setup
 * and its orders (`orders.ts`) come over the channel of the parent.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { forged } from './forge.ts';
import type { Forgery, Orders, ProviderSetup } from './orders.ts';

interface Context {
  readonly path: string;
  body: Record<string, unknown>;
}

/** As much of its interface as is used: the package has no types. */
interface Provider {
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
  use(middleware: (context: Context, next: () => Promise<void>) => Promise<void>): void;
}

const require = createRequire(import.meta.url);
const { default: OidcProvider } = require('oidc-provider') as {
  default: new (issuer: string, configuration: object) => Provider;
};

const realNow = Date.now;
const cookieKeys = [randomBytes(32).toString('hex')];
const state = { hang: null as string | null, forgery: null as Forgery | null, asked: [] as string[] };
let setup: ProviderSetup;
let provider: Provider;
let key: KeyObject;

function newKey(): { jwk: object; key: KeyObject } {
  const made =
    setup.alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomBytes(6).toString('hex');
  const jwk = { ...made.privateKey.export({ format: 'jwk' }), use: 'sig', alg: setup.alg, kid };
  return { jwk, key: createPrivateKey(made.privateKey.export({ format: 'pem', type: 'pkcs8' })) };
}

function clientOf({ secret, clientKey, alg, redirectUris }: ProviderSetup): object {
  const proof =
    secret === undefined
      ? { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [clientKey] } }
      : { token_endpoint_auth_method: 'client_secret_basic', client_secret: secret };
  return {
    client_id: 'gatehouse',
    redirect_uris: redirectUris,
    response_types: ['code'],
    grant_types: ['authorization_code'],
    id_token_signed_response_alg: alg,
    ...proof,
  };
}

/** A provider with keys of its own; sessions and codes outlive it. */
function open(): Provider {
  const made = newKey();
  key = made.key;
  const { host, port, claimsInIdToken } = setup;
  const cookie = (name: string): string => `op_${port}_${name}`;
  const opened = new OidcProvider(`http://${host}:${port}`, {
    clients: [clientOf(setup)],
    jwks: { keys: [made.jwk] },
    cookies: {
      keys: cookieKeys,
      names: { session: cookie('session'), interaction: cookie('interaction'), resume: cookie('resume') },
    },
    claims: { email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    scopes: ['openid', 'email', 'profile', 'groups'],
    conformIdTokenClaims: !claimsInIdToken,
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'PS256'] },
    pkce: { required: () => true },
    findAccount: (_context: unknown, id: string) => {
      const claims = setup.accounts[id];
      return claims === undefined ? undefined : { accountId: id, claims: () => ({ sub: id, ...claims }) };
    },
  });
  opened.use(async (context, next) => {
    await next();
    const token = context.path === '/token' ? context.body?.id_token : undefined;
    if (state.forgery === null || typeof token !== 'string') return;
    context.body = { ...context.body, id_token: forged(token, key, state.forgery) };
  });
  return opened;
}

const server = createServer((request, response) => {
  const path = new URL(request.url ?? '/', 'http://x').pathname;
  state.asked.push(path);
  if (state.hang !== null && path.startsWith(state.hang)) return;
  provider.callback()(request, response);
});

function listen(): Promise<void> {
  return new Promise((resolve) => server.listen(setup.port, '127.0.0.1', resolve));
}

const verbs: { [Verb in keyof Orders]: (input: Orders[Verb]) => unknown } = {
  rotate() {
    provider = open();
  },
  forge(forgery) {
    state.forgery = forgery;
  },
  clock(offset) {
    Date.now = () => realNow() + offset;
  },
  hang(path) {
    // Connections that hang would hang on after the order is over.
    if (path === null) server.closeAllConnections();
    state.hang = path;
  },
  async listen(wanted) {
    if (wanted === server.listening) return;
    if (wanted) return listen();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  },
  accounts(accounts) {
    setup = { ...setup, accounts };
  },
  asked: () => state.asked.splice(0),
};

process.on('message', async ({ id, verb, input }: { id: number; verb: string; input: never }) => {
  try {
    if (verb === 'open') {
      setup = input;
      provider = open();
      await listen();
      process.send?.({ id, result: null });
    } else process.send?.({ id, result: (await verbs[verb as keyof Orders](input)) ?? null });
  } catch (error) {
    process.send?.({ id, error: String(error) });
  }
});
process.on('disconnect', () => process.exit());
