/** One cookie as a browser keeps it. Cookies know no ports: `localhost:1` and `localhost:2` share them. */
export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly host: string;
  readonly path: string;
  readonly sameSite: 'strict' | 'lax' | 'none';
  readonly secure: boolean;
  readonly httpOnly: boolean;
  /** Milliseconds since the epoch; null for as long as the browser is open. */
  readonly expires: number | null;
}

/** What a cookie is wanted for. */
export interface Asked {
  readonly url: URL;
  readonly method: string;
  /** Whether the page that sent the browser there stands on another site. */
  readonly crossSite: boolean;
}

/** Where cookies may go even when they are `Secure`: over TLS, and to this machine, as browsers see it. */
const isTrustworthy = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || hostname === 'localhost' || /^127\./.test(hostname);

/** Cookies by the rules of browsers (RFC 6265bis), as far as hosts without a domain need them. */
export class CookieJar {
  readonly #cookies = new Map<string, Cookie>();

  /** Takes what an answer sets; breaks of the rules of prefixes are not kept, as in browsers (§5.6). */
  keep(url: URL, lines: readonly string[]): void {
    for (const line of lines) {
      const cookie = parsed(url, line);
      if (cookie === null) continue;
      const id = `${cookie.host};${cookie.path};${cookie.name}`;
      if (cookie.expires !== null && cookie.expires <= Date.now()) this.#cookies.delete(id);
      else this.#cookies.set(id, cookie);
    }
  }

  /** The value of the `Cookie` header; empty for none. */
  header(asked: Asked): string {
    const sent = this.all().filter((cookie) => goesAlong(cookie, asked));
    return sent.map(({ name, value }) => `${name}=${value}`).join('; ');
  }

  all(): Cookie[] {
    return [...this.#cookies.values()].filter(({ expires }) => expires === null || expires > Date.now());
  }

  find(host: string, name: RegExp): Cookie | undefined {
    return this.all().find((cookie) => cookie.host === host && name.test(cookie.name));
  }

  /** Puts a cookie in by hand, as a thief would. */
  put(cookie: Cookie): void {
    this.#cookies.set(`${cookie.host};${cookie.path};${cookie.name}`, cookie);
  }

  clear(): void {
    this.#cookies.clear();
  }
}

function goesAlong(cookie: Cookie, { url, method, crossSite }: Asked): boolean {
  if (cookie.host !== url.hostname || (cookie.secure && !isTrustworthy(url))) return false;
  const under = cookie.path.endsWith('/') ? cookie.path : `${cookie.path}/`;
  if (url.pathname !== cookie.path && !url.pathname.startsWith(under)) return false;
  if (!crossSite || cookie.sameSite === 'none') return true;
  return cookie.sameSite === 'lax' && (method === 'GET' || method === 'HEAD');
}

function parsed(url: URL, line: string): Cookie | null {
  const [pair = '', ...rest] = line.split(';').map((part) => part.trim());
  const attributes = new Map(
    rest.map((part) => {
      const [name = '', ...value] = part.split('=');
      return [name.toLowerCase(), value.join('=')];
    }),
  );
  const name = pair.slice(0, pair.indexOf('='));
  const secure = attributes.has('secure');
  const path = attributes.get('path')?.startsWith('/') ? String(attributes.get('path')) : '/';
  if (attributes.has('domain') && attributes.get('domain') !== url.hostname) return null;
  if (secure && !isTrustworthy(url)) return null;
  if (/^__(?:Secure|Host)-/.test(name) && !secure) return null;
  if (name.startsWith('__Host-') && (attributes.has('domain') || attributes.get('path') !== '/')) return null;
  const said = attributes.get('samesite')?.toLowerCase();
  return {
    name,
    value: pair.slice(name.length + 1),
    host: url.hostname,
    path,
    sameSite: said === 'strict' ? 'strict' : said === 'none' && secure ? 'none' : 'lax',
    secure,
    httpOnly: attributes.has('httponly'),
    expires: endOf(attributes),
  };
}

function endOf(attributes: ReadonlyMap<string, string>): number | null {
  const age = attributes.get('max-age');
  if (age !== undefined && /^-?\d+$/.test(age)) return Date.now() + Number(age) * 1000;
  const expires = Date.parse(attributes.get('expires') ?? '');
  return Number.isNaN(expires) ? null : expires;
}
