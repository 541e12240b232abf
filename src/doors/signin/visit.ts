import type { FastifyReply, FastifyRequest } from 'fastify';
import { baseOf } from './base.ts';
import { Cookies } from './cookies.ts';
import { DoorFault } from './faults.ts';
import { type Fields, FormFault, readForm } from './form.ts';
import type { Gate } from './gate.ts';
import { returnPath } from './return-path.ts';
import type { Browser, OpenedSession, SignInServices } from './services.ts';
import type { SignInThrottle } from './throttle.ts';

/** What every page of this door works with. */
export interface Door {
  readonly services: SignInServices;
  readonly throttle: SignInThrottle;
  readonly gate: Gate;
}

/** One request of a browser. */
export class Visit {
  readonly door: Door;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Where the browser reaches us. */
  readonly base: URL;
  readonly cookies: Cookies;
  readonly browser: Browser;

  /** @throws DoorFault where it is not known how browsers reach us */
  constructor(door: Door, request: FastifyRequest, reply: FastifyReply) {
    const base = baseOf(request.headers, door.services.publicUrl);
    if (base === null) throw new DoorFault('address_unknown');
    this.door = door;
    this.request = request;
    this.reply = reply;
    this.base = base;
    this.cookies = new Cookies(request.headers, base);
    this.browser = browserOf(request);
  }

  get organization(): string | null {
    return this.door.services.organization();
  }

  /** Fields of the query. @throws FormFault */
  query(): Fields {
    const { url = '' } = this.request.raw;
    const at = url.indexOf('?');
    return readForm(at < 0 ? '' : url.slice(at + 1));
  }

  /** Fields of the form that was posted. @throws FormFault */
  form(): Fields {
    const { body } = this.request;
    if (body === undefined || body === null) return readForm('');
    // By the parser of this door, which takes one media type.
    if (!Buffer.isBuffer(body)) throw new FormFault('it is no form');
    // Every byte as one character: what is not escaped ASCII is refused in there.
    return readForm(body.toString('latin1'));
  }

  /** A value of the path; null for what does not fit. */
  part(name: string, shape: RegExp): string | null {
    const value = (this.request.params as Readonly<Record<string, string>>)[name] ?? '';
    return shape.test(value) ? value : null;
  }

  /** Sends the browser on to a page of ours. */
  go(path: string): FastifyReply {
    return this.reply.code(303).header('location', path).send();
  }

  /** Sends a cookie beside those sent already. */
  cookie(...values: readonly string[]): void {
    for (const value of values) this.reply.header('set-cookie', value);
  }

  keepSession({ secret, expiresAt }: OpenedSession): void {
    this.cookie(this.cookies.keepSession(secret, (expiresAt - this.door.services.clock.now()) / 1000));
  }

  /**
   * A new session in place of whatever this browser brought: nothing that it had before signing in is kept (session fixation), and a
   * session that was open is ended.
   */
  async enter({ session, returnTo }: { session: OpenedSession; returnTo: string }): Promise<FastifyReply> {
    const former = this.cookies.session;
    this.keepSession(session);
    if (former !== null && former !== session.secret) await this.#end(former);
    return this.go(returnPath(returnTo, this.base));
  }

  async #end(secret: string): Promise<void> {
    const { services } = this.door;
    const { browser } = this;
    try {
      const account = await services.account(secret, browser);
      if (account !== null) await services.signOut({ secret, csrf: account.csrf, session: null, browser });
    } catch (error) {
      // Whoever has just signed in is not kept out because of it: that session ends by itself.
      services.log.error({ error }, 'a former session of a browser could not be ended');
    }
  }
}

export function browserOf({ headers, ip: peer }: FastifyRequest): Browser {
  return { userAgent: headers['user-agent'], peer };
}
