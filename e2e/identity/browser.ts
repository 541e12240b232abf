import { request } from 'undici';
import { CookieJar } from './cookies.ts';
import { type Form, formsOf, linksOf, readable, unescaped } from './forms.ts';

/** What the browser shows. */
export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly html: string;
  /** What a person reads. */
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly forms: readonly Form[];
  readonly links: readonly URL[];
}

/** One request that is about to leave. */
export interface Outgoing {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  /** Of a form that is posted. */
  readonly form: URLSearchParams | null;
}

export interface BrowserOptions {
  readonly userAgent?: string;
  /** Sees every request of a page before it leaves, and may put another in its place; null stops there, at an empty page. */
  readonly watch?: (outgoing: Outgoing) => Outgoing | null;
}

interface Going extends Outgoing {
  /** The page that sent the browser there; null for an address that was typed. */
  readonly from: URL | null;
}

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
const MOST_REDIRECTS = 20;

/** What browsers call a site, for hosts without registered domains: scheme and host, whatever the port. */
const siteOf = ({ protocol, hostname }: URL): string => `${protocol}//${hostname}`;

/**
 * A browser without scripts: cookies with SameSite, redirects, forms, and the headers by which servers tell where a request comes from.
 * Addresses that end a journey without a page, such as a download, are pages of their own.
 */
export class Browser {
  readonly jar = new CookieJar();
  readonly userAgent: string;
  watch: (outgoing: Outgoing) => Outgoing | null;

  constructor({ userAgent = FIREFOX, watch = (outgoing) => outgoing }: BrowserOptions = {}) {
    this.userAgent = userAgent;
    this.watch = watch;
  }

  /** As typed into the address bar. */
  open(url: string | URL): Promise<Page> {
    return this.#go({ url: new URL(url), method: 'GET', form: null, from: null });
  }

  /** Follows the link of a page. */
  follow(page: Page, url: URL): Promise<Page> {
    return this.#go({ url, method: 'GET', form: null, from: page.url });
  }

  /** Sends the form that has all of these fields, with what stands in it. */
  submit(page: Page, values: Readonly<Record<string, string>> = {}): Promise<Page> {
    const names = Object.keys(values);
    const form = page.forms.find(({ fields }) => names.every((name) => fields.some((field) => field.name === name)));
    if (form === undefined) throw new Error(`no form with ${names.join(', ')} at ${page.url.href}: ${page.text}`);
    return this.send(page, form, values);
  }

  send(page: Page, form: Form, values: Readonly<Record<string, string>> = {}): Promise<Page> {
    const filled = new URLSearchParams();
    for (const { name, value, type } of form.fields) {
      // Of the buttons only the one that is pressed goes along.
      if (type !== 'submit') filled.append(name, values[name] ?? value);
      else if (values[name] === value) filled.append(name, value);
    }
    const url = new URL(form.action);
    if (form.method === 'GET') url.search = filled.toString();
    return this.#go({ url, method: form.method, form: form.method === 'GET' ? null : filled, from: page.url });
  }

  /** Where a script would send the form by itself: goes on while a page is nothing but one form without a field to fill. */
  async settle(page: Page): Promise<Page> {
    let shown = page;
    for (let turn = 0; turn < MOST_REDIRECTS; turn++) {
      const [form, ...others] = shown.forms;
      const isRelay =
        form?.method === 'POST' &&
        others.length === 0 &&
        form.fields.some(({ name }) => name === 'SAMLResponse' || name === 'RelayState') &&
        form.fields.every(({ type }) => type === 'hidden' || type === 'submit');
      if (form === undefined || !isRelay) return shown;
      shown = await this.send(shown, form);
    }
    throw new Error(`no end of forms at ${shown.url.href}`);
  }

  /** A request by a script of a page of the same origin, or of another one; redirects are not followed. */
  async call(
    url: string | URL,
    {
      method = 'GET',
      headers = {},
      body,
      origin,
    }: {
      method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
      headers?: Readonly<Record<string, string>>;
      body?: object | string;
      /** Of the page; our own unless told. */
      origin?: string;
    } = {},
  ): Promise<{ status: number; text: string; body: Record<string, unknown> }> {
    const to = new URL(url);
    const crossSite = origin !== undefined && siteOf(new URL(origin)) !== siteOf(to);
    const cookie = this.jar.header({ url: to, method: crossSite ? 'SCRIPT' : method, crossSite });
    const reply = await request(to, {
      method,
      headers: {
        'user-agent': this.userAgent,
        'sec-fetch-site': crossSite ? 'cross-site' : 'same-origin',
        'sec-fetch-mode': 'cors',
        'sec-fetch-dest': 'empty',
        ...(cookie === '' ? {} : { cookie }),
        ...(method === 'GET' ? {} : { origin: origin ?? to.origin }),
        ...(typeof body === 'object' ? { 'content-type': 'application/json' } : {}),
        ...headers,
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });
    this.#keep(to, reply.headers);
    const text = await reply.body.text();
    return { status: reply.statusCode, text, body: jsonOf(text) };
  }

  async #go(first: Going): Promise<Page> {
    let going: Going = first;
    for (let turn = 0; turn < MOST_REDIRECTS; turn++) {
      const watched = this.watch(going);
      if (watched === null) return pageOf(going.url, { status: 0, html: '', headers: {} });
      going = { ...going, ...watched };
      const reply = await this.#send(going);
      const html = await reply.body.text();
      const location = reply.headers.location;
      if (reply.statusCode < 300 || reply.statusCode > 399 || typeof location !== 'string') {
        const page = pageOf(going.url, { status: reply.statusCode, html, headers: reply.headers });
        const refresh = refreshOf(page);
        if (refresh === null) return page;
        going = { url: refresh, method: 'GET', form: null, from: page.url };
        continue;
      }
      const keeps = reply.statusCode === 307 || reply.statusCode === 308;
      const url = new URL(location, going.url);
      going = keeps ? { ...going, url } : { url, method: 'GET', form: null, from: going.from };
    }
    throw new Error(`no end of redirects at ${going.url.href}`);
  }

  async #send({ url, method, form, from }: Going) {
    const crossSite = from !== null && siteOf(from) !== siteOf(url);
    const site =
      from === null ? 'none' : crossSite ? 'cross-site' : from.origin === url.origin ? 'same-origin' : 'same-site';
    const cookie = this.jar.header({ url, method, crossSite });
    const reply = await request(url, {
      method,
      headers: {
        'user-agent': this.userAgent,
        accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
        'sec-fetch-site': site,
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        ...(cookie === '' ? {} : { cookie }),
        ...(method === 'POST' ? { origin: from?.origin ?? 'null', 'content-type': FORM } : {}),
      },
      body: form === null ? null : form.toString(),
    });
    this.#keep(url, reply.headers);
    return reply;
  }

  #keep(url: URL, headers: Readonly<Record<string, string | string[] | undefined>>): void {
    this.jar.keep(url, [headers['set-cookie'] ?? []].flat());
  }
}

const FORM = 'application/x-www-form-urlencoded';

/** Where a page sends the browser on by itself (`<meta http-equiv="refresh">`); null for nowhere. */
function refreshOf({ html, url }: Page): URL | null {
  const content = /<meta\s+http-equiv="refresh"\s+content="0;\s*url=([^"]*)"/i.exec(html)?.[1];
  return content === undefined ? null : new URL(unescaped(content), url);
}

function jsonOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function pageOf(url: URL, { status, html, headers }: Pick<Page, 'status' | 'html' | 'headers'>): Page {
  return { url, status, html, headers, text: readable(html), forms: formsOf(html, url), links: linksOf(html, url) };
}
