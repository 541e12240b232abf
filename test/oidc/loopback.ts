import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { Agent, request } from 'undici';
import { FetchFailure } from '../../src/net/failure.ts';
import type { Fetcher, OutboundAnswer } from '../../src/net/ports.ts';

/** A fetcher that reaches loopback in the clear, with the bounds of the real one. */
export function loopbackFetcher(): Fetcher & { close(): Promise<void>; readonly asked: string[] } {
  const agent = new Agent();
  const asked: string[] = [];
  return {
    asked,
    close: () => agent.close(),
    fetch: async ({ url, method = 'GET', headers = {}, body, maxBytes = 1 << 20, timeoutMs = 10_000 }) => {
      const { hostname } = new URL(url);
      asked.push(`${method} ${new URL(url).pathname}`);
      if (hostname !== '127.0.0.1')
        throw new FetchFailure('refused_address', hostname, `${hostname} is not this machine`);
      try {
        const signal = AbortSignal.timeout(timeoutMs);
        const answer = await request(url, { method, headers, body: body ?? null, dispatcher: agent, signal });
        const bytes = Buffer.from(await answer.body.arrayBuffer());
        if (bytes.length > maxBytes) throw new FetchFailure('too_large', hostname, 'too large');
        const flat = Object.entries(answer.headers).map(([name, value]) => [name, [value].flat().join(', ')]);
        return { status: answer.statusCode, headers: Object.fromEntries(flat), body: bytes } satisfies OutboundAnswer;
      } catch (error) {
        if (error instanceof FetchFailure) throw error;
        const reason = (error as Error).name === 'TimeoutError' ? 'too_slow' : 'unreachable';
        throw new FetchFailure(reason, hostname, `${hostname} does not answer`);
      }
    },
  };
}

/** The package brings no types. */
type ProviderClass = new (
  issuer: string,
  configuration: object,
) => { callback(): (request: unknown, response: unknown) => void };

export interface RealProvider {
  readonly issuer: string;
  /** Walks through the provider's pages like a browser, signs in as this person, and gives the address it is sent back to. */
  visit(location: string, account: string): Promise<URL>;
  close(): Promise<void>;
}

/** The package `oidc-provider` on loopback, with one client for each way to authenticate. */
export async function realProvider(callback: string, clients: readonly object[]): Promise<RealProvider> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const Provider = (createRequire(import.meta.url)('oidc-provider') as { default: ProviderClass }).default;
  const provider = new Provider(issuer, {
    clients: clients.map((client) => ({ redirect_uris: [callback], ...client })),
    jwks: { keys: [await privateJwk('RS256'), await privateJwk('ES256')] },
    cookies: { keys: ['not a secret'] },
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
    claims: { openid: ['sub', 'groups'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@Example.com`, email_verified: true, name: id, groups: ['eng', 'ops'] }),
    }),
  });
  server.on('request', provider.callback());
  const agent = new Agent();
  return {
    issuer,
    visit: (location, account) => visit({ location, account, agent, until: callback }),
    close: async () => {
      await agent.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

async function privateJwk(alg: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: alg };
}

interface Visit {
  readonly location: string;
  readonly account: string;
  readonly agent: Agent;
  readonly until: string;
}

async function visit({ location, account, agent, until }: Visit): Promise<URL> {
  const cookies = new Map<string, string>();
  let next: { url: string; form?: string } = { url: location };
  for (let step = 0; step < 20; step++) {
    if (next.url.startsWith(until)) return new URL(next.url);
    const answer = await request(next.url, {
      method: next.form === undefined ? 'GET' : 'POST',
      headers: {
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(next.form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      body: next.form ?? null,
      dispatcher: agent,
    });
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const text = await answer.body.text();
    if (answer.headers.location !== undefined) {
      next = { url: new URL(String(answer.headers.location), next.url).href };
      continue;
    }
    const action = /<form[^>]*action="([^"]+)"/.exec(text)?.[1];
    const prompt = /name="prompt" value="([^"]+)"/.exec(text)?.[1];
    if (action === undefined || prompt === undefined)
      throw new Error(`no form in ${answer.statusCode}: ${text.slice(0, 500)}`);
    next = {
      url: new URL(action, next.url).href,
      form: new URLSearchParams({ prompt, login: account, password: 'x' }).toString(),
    };
  }
  throw new Error('the provider sends in circles');
}
