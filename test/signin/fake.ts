/** A gateway that people sign in to, with nothing behind its door but memory. */
import { randomBytes } from 'node:crypto';
import Fastify, { type FastifyInstance, type LightMyRequestResponse } from 'fastify';
import { createServer } from '../../src/doors/server.ts';
import { signInDoor } from '../../src/doors/signin/door.ts';
import type { Account, Browser, OfferedProvider, SignedIn, SignInServices } from '../../src/doors/signin/services.ts';
import { SignInFailure, type SignInFailureCode } from '../../src/identity/sign-in-failure.ts';
import { newId } from '../../src/kernel/ids.ts';

export const NOW = Date.parse('2026-11-24T12:00:00Z');
export const SEALED = `ghb_${'Z'.repeat(40)}`;

interface Flow {
  readonly provider: string;
  readonly state: string;
  readonly returnTo: string;
}

type Session = Pick<Account, 'person' | 'session' | 'csrf'> & { secret: string };

export class Company {
  now = NOW;
  url: URL | null = new URL('https://gatehouse.example.com');
  organization: string | null = 'Acme';
  providers: OfferedProvider[] = [
    { name: 'okta', label: 'Acme sign-in', protocol: 'oidc' },
    { name: 'adfs', label: 'Acme Germany', protocol: 'saml' },
  ];
  domains: Record<string, string> = { 'acme.com': 'okta', 'acme.de': 'adfs' };
  /** Where the provider's own page is. */
  idp = 'https://idp.example.com/authorize';
  /** Thrown by the next verbs while set. */
  failure: { code: SignInFailureCode; person?: string; record?: string } | Error | null = null;
  hasSealed = true;
  /** Parts of the account that a test changes. */
  shown: Partial<Account> = {};
  readonly flows = new Map<string, Flow>();
  readonly sessions: Session[] = [];
  readonly calls: (readonly [verb: string, input: Record<string, unknown>])[] = [];
  readonly away: (readonly [code: string, browser: Browser])[] = [];
  readonly logged: object[] = [];

  services(): SignInServices {
    return {
      clock: { now: () => this.now, monotonic: () => this.now },
      publicUrl: this.url,
      organization: () => this.organization,
      providers: () => this.providers,
      providerOf: (email) => this.domains[email.slice(email.lastIndexOf('@') + 1).toLowerCase()] ?? null,
      begin: async (input) => this.#begin(input),
      finish: async (input) => this.#finish(input),
      breakGlass: async (input) => {
        this.#call('breakGlass', input);
        if (input.secret !== SEALED) throw new SignInFailure('secret_wrong', 'wrong');
        return this.#open('per_owner', '/account');
      },
      hasBreakGlass: async () => this.hasSealed,
      account: async (secret) => this.#account(secret),
      signOut: async (input) => this.#signOut(input),
      metadata: async (provider, base) =>
        provider === 'adfs' ? `<EntityDescriptor entityID="${base.href}signin/saml/adfs"/>` : null,
      turnedAway: (code, browser) => this.away.push([code, browser]),
      log: { error: (fields) => this.logged.push(fields) },
    };
  }

  /** The inputs of a verb, in order. */
  inputs(verb: string): Record<string, unknown>[] {
    return this.calls.filter(([name]) => name === verb).map(([, input]) => input);
  }

  open(person = 'per_alice'): Session {
    const { session } = this.#open(person, '/account');
    return this.sessions.find(({ secret }) => secret === session.secret) as Session;
  }

  #call(verb: string, input: object): void {
    this.calls.push([verb, { ...input }]);
    if (this.failure instanceof Error) throw this.failure;
    if (this.failure === null) return;
    const { code, person, record } = this.failure;
    throw new SignInFailure(code, 'as the test says', { person: person ?? null, record: record ?? null });
  }

  #begin(input: Parameters<SignInServices['begin']>[0]): Awaited<ReturnType<SignInServices['begin']>> {
    this.#call('begin', input);
    const { provider, returnTo } = input;
    if (!this.providers.some(({ name }) => name === provider)) throw new SignInFailure('provider_unknown', 'none');
    const state = randomBytes(32).toString('base64url');
    const flow = randomBytes(300).toString('base64url');
    this.flows.set(flow, { provider, state, returnTo });
    return { location: `${this.idp}?state=${state}&scope=openid`, state, flow, endsAt: this.now + 600_000 };
  }

  #finish(input: Parameters<SignInServices['finish']>[0]): SignedIn {
    this.#call('finish', input);
    const { parameters } = input;
    const flow = this.flows.get(input.flow ?? '');
    const came = parameters.get('state') ?? parameters.get('RelayState');
    if (flow === undefined || flow.state !== came || flow.provider !== input.provider) {
      throw new SignInFailure('browser_changed', 'not the flow of this browser');
    }
    const answer = parameters.get('code') ?? Buffer.from(parameters.get('SAMLResponse') ?? '', 'base64').toString();
    if (!answer.startsWith('good')) throw new SignInFailure('response_invalid', 'not good');
    return this.#open('per_alice', flow.returnTo);
  }

  #open(person: string, returnTo: string): SignedIn {
    const secret = randomBytes(32).toString('base64url');
    const session = { person, session: newId('ses'), csrf: randomBytes(16).toString('base64url'), secret };
    this.sessions.push(session);
    return { session: { id: session.session, secret, expiresAt: this.now + 3_600_000 }, returnTo };
  }

  #account(secret: string): Account | null {
    const own = this.sessions.find((session) => session.secret === secret);
    if (own === undefined) return null;
    const sessions = this.sessions
      .filter(({ person }) => person === own.person)
      .map(({ session: id }) => ({
        id,
        label: 'Firefox on Linux',
        createdAt: this.now - 7_200_000,
        lastSeenAt: this.now - 300_000,
        expiresAt: this.now + 3_600_000,
      }));
    const { person, session, csrf } = own;
    const facts = { email: 'alice@acme.com', role: 'admin', roleReason: 'group okta/platform-admins' } as const;
    const rest = { teams: ['payments'], provider: 'okta', groups: ['okta/eng'], renewed: null };
    return { person, session, csrf, sessions, ...facts, ...rest, ...this.shown };
  }

  #signOut(input: Parameters<SignInServices['signOut']>[0]): boolean {
    this.#call('signOut', input);
    const own = this.sessions.find(({ secret }) => secret === input.secret);
    if (own === undefined || own.csrf !== input.csrf) return false;
    const ended = this.sessions.findIndex(
      ({ session, person }) => session === (input.session ?? own.session) && person === own.person,
    );
    if (ended >= 0) this.sessions.splice(ended, 1);
    return true;
  }
}

/** The door on the server that every door is on. */
export async function doorOf(company: Company): Promise<FastifyInstance> {
  const app = createServer({ hosts: ['gatehouse.example.com'], requestMs: 30_000 });
  await signInDoor(app, company.services());
  return app;
}

/** The door alone, for what pages of other sites send to it. */
export async function bareDoorOf(company: Company): Promise<FastifyInstance> {
  const app = Fastify();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
  await signInDoor(app, company.services());
  return app;
}

export const ORIGIN = 'https://gatehouse.example.com';

interface Sending {
  readonly headers?: Record<string, string | undefined>;
  readonly peer?: string;
}

/** A browser with its cookies: it keeps what it is given as a browser does, and sends forms as pages of `origin` do. */
export class Tab {
  readonly cookies = new Map<string, string>();
  readonly #app: FastifyInstance;
  readonly #base: URL;

  constructor(app: FastifyInstance, base: string = ORIGIN) {
    this.#app = app;
    this.#base = new URL(base);
  }

  get(path: string, sending: Sending = {}): Promise<LightMyRequestResponse> {
    return this.#send({ method: 'GET', path, sending });
  }

  /** A form of a page of ours, unless the headers say otherwise. `fields` as text is sent as it is. */
  post(path: string, fields: Record<string, string> | string, sending: Sending = {}): Promise<LightMyRequestResponse> {
    const body = typeof fields === 'string' ? fields : new URLSearchParams(fields).toString();
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      origin: this.#base.origin,
      'sec-fetch-site': 'same-origin',
      ...sending.headers,
    };
    return this.#send({ method: 'POST', path, body, sending: { ...sending, headers } });
  }

  /** Leaves for a provider; the state that must come back. */
  async leave(provider = 'okta', fields: Record<string, string> = {}): Promise<string> {
    const answer = await this.post('/signin', { provider, ...fields });
    return /[?&]state=([\w-]+)/.exec(answer.body)?.[1] ?? '';
  }

  async #send(request: { method: 'GET' | 'POST'; path: string; body?: string; sending: Sending }) {
    const { method, path, body, sending } = request;
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const asked = { host: this.#base.host, ...(cookie === '' ? {} : { cookie }), ...sending.headers };
    const headers = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
    const answer = await this.#app.inject({
      method,
      url: path,
      headers,
      remoteAddress: sending.peer ?? '192.0.2.7',
      ...(body === undefined ? {} : { body }),
    });
    for (const { name, value, maxAge } of answer.cookies) {
      if (maxAge === 0) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return answer;
  }
}
