import type { IncomingHttpHeaders } from 'node:http';

/** A cookie that the browser sent; `name` with its prefix. */
interface Sent {
  readonly name: string;
  readonly value: string;
}

/** What our cookies hold, all of them: nothing that needs quoting, and nothing that could end a header. */
const VALUE = /^[A-Za-z0-9._~-]{1,3900}$/;
/** `state` is random, in base 64 for addresses. */
const STATE = /^[A-Za-z0-9_-]{16,128}$/;
/** Sign-ins that one browser may have under way, in as many windows. */
const MOST_FLOWS = 5;

/**
 * Cookies of the browser that called `base`. Over TLS their names begin with `__Host-`, so that neither another name of the same
 * domain nor a page without TLS can plant one.
 */
export class Cookies {
  readonly #base: URL;
  readonly #sent: readonly Sent[];

  constructor({ cookie }: Pick<IncomingHttpHeaders, 'cookie'>, base: URL) {
    this.#base = base;
    this.#sent = (cookie ?? '').split(';').flatMap((pair) => {
      const at = pair.indexOf('=');
      return at < 0 ? [] : [{ name: pair.slice(0, at).trim(), value: pair.slice(at + 1).trim() }];
    });
  }

  /** The secret of the session; null for none. */
  get session(): string | null {
    return this.#value(this.#session);
  }

  /** Whether anything was sent under the name of the session's cookie. */
  get hasSession(): boolean {
    return this.#sent.some(({ name }) => name === this.#session);
  }

  /** Header value that keeps a session, for `seconds`. */
  keepSession(secret: string, seconds: number): string {
    return this.#set(this.#session, secret, seconds);
  }

  dropSession(): string {
    return this.#drop(this.#session);
  }

  /** What was kept of the sign-in with this state; null for none. */
  flow(state: string): string | null {
    return STATE.test(state) ? this.#value(this.#flow(state)) : null;
  }

  /** Header values that keep a sign-in for `seconds` and let the oldest ones go where there are too many. */
  keepFlow(state: string, flow: string, seconds: number): readonly string[] {
    if (!STATE.test(state)) throw new Error('the state of a sign-in does not fit a cookie');
    const own = this.#flow(state);
    const others = [...new Set(this.#sent.map(({ name }) => name))].filter(
      (name) => name !== own && name.startsWith(this.#flows) && /^[\w-]{8}$/.test(name.slice(this.#flows.length)),
    );
    // Browsers send the oldest first (RFC 6265 §5.4).
    const tooOld = others.slice(0, Math.max(0, others.length - MOST_FLOWS + 1));
    return [...tooOld.map((name) => this.#drop(name)), this.#set(own, flow, seconds)];
  }

  /** Header values that let the sign-in with this state go; none for what is no state. */
  dropFlow(state: string): readonly string[] {
    return STATE.test(state) ? [this.#drop(this.#flow(state))] : [];
  }

  get #prefix(): string {
    return this.#base.protocol === 'https:' ? '__Host-' : '';
  }

  get #session(): string {
    return `${this.#prefix}gatehouse-session`;
  }

  get #flows(): string {
    return `${this.#prefix}gatehouse-flow-`;
  }

  #flow(state: string): string {
    return this.#flows + state.slice(0, 8);
  }

  /** Two of one name are one that was planted: none is believed. */
  #value(name: string): string | null {
    const [only, second] = this.#sent.filter((sent) => sent.name === name);
    return only === undefined || second !== undefined || !VALUE.test(only.value) ? null : only.value;
  }

  #set(name: string, value: string, seconds: number): string {
    if (!VALUE.test(value)) throw new Error('a value does not fit a cookie');
    return `${name}=${value}; Max-Age=${Math.max(0, Math.floor(seconds))}; ${this.#attributes}`;
  }

  #drop(name: string): string {
    return `${name}=; Max-Age=0; ${this.#attributes}`;
  }

  get #attributes(): string {
    return `Path=/; HttpOnly; SameSite=Lax${this.#base.protocol === 'https:' ? '; Secure' : ''}`;
  }
}
