import { createHash, createHmac } from 'node:crypto';
import { type CryptoKey, exportJWK, exportPKCS8, generateKeyPair, type JWK } from 'jose';
import { oidcClient } from '../../src/identity/oidc/client.ts';
import type { ProviderClient } from '../../src/identity/ports.ts';
import { SignInFailure } from '../../src/identity/sign-in-failure.ts';
import { FetchFailure } from '../../src/net/failure.ts';
import type { Fetcher, OutboundAnswer, OutboundRequest } from '../../src/net/ports.ts';
import type { OidcProvider } from '../../src/policy/model.ts';

export const T0 = 1_800_000_000_000;
export const ISSUER = 'https://idp.example.com';
export const CALLBACK = 'https://gatehouse.example.com/signin/callback/acme';
export const SECRET = 'a secret: with-signs_ & 100%';

/** A clock that stands still until it is moved. */
export function handClock(start = T0) {
  let now = start;
  return {
    now: () => now,
    monotonic: () => now - start,
    move(by: number) {
      now += by;
    },
  };
}

export function settingsOf(changes: Partial<OidcProvider> = {}): OidcProvider {
  return {
    kind: 'oidc',
    name: 'acme',
    label: null,
    domains: ['example.com'],
    place: { path: 'identity.providers[0]', line: 1, text: '' },
    issuer: ISSUER,
    clientId: 'client-1',
    authentication: { method: 'client_secret_basic', secret: 'env:ACME' },
    scopes: ['openid', 'email', 'profile'],
    groupsClaim: ['groups'],
    groupsFrom: 'claims',
    skewMs: 120_000,
    trustsEmail: false,
    ...changes,
  };
}

const b64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const SUBTLE: Readonly<Record<string, object>> = {
  RS: { name: 'RSASSA-PKCS1-v1_5' },
  PS: { name: 'RSA-PSS', saltLength: 32 },
  ES: { name: 'ECDSA', hash: 'SHA-256' },
  Ed: { name: 'Ed25519' },
};

export interface TestKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function newKey(kid: string, alg = 'RS256'): Promise<TestKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

export async function pemOf(alg: string): Promise<{ pem: string; jwk: JWK }> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { pem: await exportPKCS8(privateKey), jwk: await exportJWK(publicKey) };
}

/** Signs any header and payload, objects or raw JSON texts, with the key's own algorithm: nothing is checked. */
export async function sign(key: TestKey, header: object | string, payload: object | string): Promise<string> {
  const input = `${b64(header)}.${b64(payload)}`;
  const signature = await crypto.subtle.sign(
    SUBTLE[key.alg.slice(0, 2)] as { name: string },
    key.privateKey,
    Buffer.from(input),
  );
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

/** HMAC over any header and payload: what an attacker makes who takes a public key for a secret. */
export function signHmac(secret: string | Buffer, header: object, payload: object): string {
  const input = `${b64(header)}.${b64(payload)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

export function unsigned(header: object, payload: object): string {
  return `${b64(header)}.${b64(payload)}.`;
}

export function atHash(accessToken: string): string {
  return createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url');
}

type Answerer = (request: OutboundRequest) => Promise<Partial<OutboundAnswer> & { json?: unknown }> | object;

/** A provider in memory that lies wherever a test tells it to. */
export class Idp {
  readonly clock = handClock();
  readonly requests: OutboundRequest[] = [];
  readonly logged: unknown[] = [];
  readonly secrets: [string, string][] = [];
  readonly routes = new Map<string, Answerer>();
  readonly key: TestKey;
  metadata: Record<string, unknown> = {
    issuer: ISSUER,
    authorization_endpoint: `${ISSUER}/authorize`,
    token_endpoint: `${ISSUER}/token`,
    jwks_uri: `${ISSUER}/keys`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'ES256'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: ['openid', 'email', 'profile'],
    claims_supported: ['sub', 'email', 'groups'],
    authorization_response_iss_parameter_supported: true,
  };
  keys: unknown[];
  /** Merged over the usual claims; undefined leaves one out. */
  claims: Record<string, unknown> = {};
  header: Record<string, unknown> = {};
  /** In place of the token that would be made. */
  idToken: ((claims: Record<string, unknown>) => Promise<unknown> | unknown) | null = null;
  tokenResponse: Record<string, unknown> = {};
  /** In place of all answers. */
  down: FetchFailure['reason'] | null = null;
  #nonce = '';

  private constructor(key: TestKey) {
    this.key = key;
    this.keys = [key.jwk];
    this.routes.set('/.well-known/openid-configuration', () => ({ json: this.metadata }));
    this.routes.set('/keys', () => ({ json: { keys: this.keys } }));
    this.routes.set('/token', () => this.#token());
  }

  static async start(): Promise<Idp> {
    return new Idp(await SHARED_KEY);
  }

  readonly fetcher: Fetcher = {
    fetch: async (request) => {
      this.requests.push(request);
      const host = new URL(request.url).hostname;
      if (this.down !== null) throw new FetchFailure(this.down, host, `${host} is down`);
      const route = this.routes.get(new URL(request.url).pathname);
      if (route === undefined) return answerOf({ status: 404 });
      return answerOf(await route(request));
    },
  };

  client(changes: Partial<OidcProvider> = {}, more: { groupsOrigin?: string } = {}): ProviderClient {
    return oidcClient(settingsOf(changes), {
      fetcher: this.fetcher,
      clock: this.clock,
      secret: (reference, host) => {
        this.secrets.push([reference, host]);
        return host === 'idp.example.com' ? SECRET : null;
      },
      log: { warn: (fields, message) => this.logged.push([fields, message]) },
      ...more,
    });
  }

  paths(): string[] {
    return this.requests.map(({ url }) => new URL(url).pathname);
  }

  usualClaims(): Record<string, unknown> {
    const usual = {
      iss: ISSUER,
      sub: 'user-1',
      aud: 'client-1',
      nonce: this.#nonce,
      exp: Math.floor(this.clock.now() / 1000) + 300,
      iat: Math.floor(this.clock.now() / 1000),
      email: 'Alice@Example.com',
      email_verified: true,
      name: 'Alice',
      groups: ['eng'],
    };
    const merged = { ...usual, ...this.claims };
    return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
  }

  /** Begins, and comes back with a code; `parameters` replace those of the answer. */
  async signIn(client: ProviderClient, parameters: Record<string, string> = {}) {
    const begun = await client.begin({ callback: CALLBACK, state: 'state-1', loginHint: null });
    this.#nonce = new URL(begun.location).searchParams.get('nonce') ?? '';
    const returned = new URLSearchParams({ code: 'code-1', state: 'state-1', iss: ISSUER, ...parameters });
    return client.finish({ callback: CALLBACK, parameters: returned, remembered: begun.remember });
  }

  async #token(): Promise<{ json: unknown }> {
    const claims = this.usualClaims();
    const header = { alg: this.key.alg, kid: this.key.kid, typ: 'JWT', ...this.header };
    const idToken = this.idToken === null ? await sign(this.key, header, claims) : await this.idToken(claims);
    return {
      json: {
        access_token: 'access-1',
        token_type: 'Bearer',
        expires_in: 300,
        id_token: idToken,
        ...this.tokenResponse,
      },
    };
  }
}

const SHARED_KEY = newKey('key-1');

function answerOf(answer: Partial<OutboundAnswer> & { json?: unknown }): OutboundAnswer {
  const body = answer.body ?? Buffer.from(answer.json === undefined ? '' : JSON.stringify(answer.json));
  return { status: answer.status ?? 200, headers: answer.headers ?? {}, body };
}

/** What `work` fails with: `code: detail`. Fails itself where it is no SignInFailure, or where it holds anything of a token. */
export async function failureOf(work: Promise<unknown>): Promise<string> {
  const failure = await work.then(
    (value) => {
      throw new Error(`nothing failed: ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
  if (!(failure instanceof SignInFailure)) throw failure;
  const { code, detail, message, stack, cause } = failure;
  const all = `${detail} ${message} ${stack} ${String(cause)} ${JSON.stringify(cause ?? null)}`;
  for (const held of ['eyJ', 'access-1', 'code-1', 'alice', 'Alice', SECRET]) {
    if (all.includes(held)) throw new Error(`the failure holds ${held}: ${all}`);
  }
  if (cause !== undefined && !(cause instanceof FetchFailure))
    throw new Error('the failure wraps an error of a library');
  return `${code}: ${detail}`;
}
