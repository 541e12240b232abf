/** What every page carries, and what hostile names and addresses make of it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { SIGN_IN_FAILURES, type SignInFailureCode } from '../../src/identity/sign-in-failure.ts';
import { Company, doorOf, Tab } from './fake.ts';

const SESSION = '__Host-gatehouse-session';
const EVIL = `"><img src=x onerror=alert(1)></title></style><script>alert(2)</script>'\`\u202e`;

const company = new Company();
let app: FastifyInstance;
let tab: Tab;

before(async () => {
  app = await doorOf(company);
  tab = new Tab(app);
});
after(() => app.close());

/** One answer of every kind there is. */
async function answers() {
  tab.cookies.set(SESSION, company.open().secret);
  return {
    start: await tab.get('/signin'),
    unknown: await tab.post('/signin', { email: 'eve@elsewhere.example' }),
    leave: await tab.post('/signin', { provider: 'okta' }),
    fault: await tab.get('/signin/callback/okta?code=x&state=x'),
    again: await tab.post(
      '/signin/saml/adfs',
      { SAMLResponse: 'AAAA' },
      { headers: { origin: undefined, 'sec-fetch-site': 'cross-site' } },
    ),
    metadata: await tab.get('/signin/saml/adfs/metadata'),
    sealed: await tab.get('/signin/sealed'),
    account: await tab.get('/account'),
    foreign: await tab.post('/account/signout', {}, { headers: { 'sec-fetch-site': 'cross-site' } }),
    redirect: await tab.get('/'),
    malformed: await tab.post('/signin', '%'),
  };
}

test('every answer is kept by nobody, framed by nobody, and loads nothing', async () => {
  for (const [kind, { headers, body }] of Object.entries(await answers())) {
    assert.equal(headers['cache-control'], 'no-store', kind);
    assert.equal(headers['x-content-type-options'], 'nosniff', kind);
    assert.equal(headers['x-frame-options'], 'DENY', kind);
    // Not `no-referrer`: browsers would send `Origin: null` with our own forms.
    assert.equal(headers['referrer-policy'], 'same-origin', kind);
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin', kind);
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', kind);
    assert.match(String(headers['permissions-policy']), /camera=\(\)/, kind);
    const policy = String(headers['content-security-policy']).split('; ');
    const style = /^style-src '(sha256-[\w+/]+=*)'$/.exec(policy[1] ?? '')?.[1];
    const scripts = kind === 'again' ? 1 : 0;
    assert.deepEqual(
      policy.filter((_, i) => i !== 1).filter((part) => !part.startsWith('script-src ')),
      ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"],
      kind,
    );
    const allowed = policy.filter((part) => part.startsWith('script-src'));
    assert.equal(allowed.length, scripts, kind);
    for (const part of allowed) assert.match(part, /^script-src 'sha256-[\w+/]+='$/, kind);
    if (!body.startsWith('<!doctype html>')) continue;
    const text = /<style>([\s\S]*?)<\/style>/.exec(body)?.[1] ?? '';
    assert.equal(style, `sha256-${createHash('sha256').update(text).digest('base64')}`, kind);
    assert.equal(body.match(/<script/g)?.length ?? 0, scripts, kind);
    assert.doesNotMatch(
      body,
      /\s(?:style|on\w+|src|srcset|data)=|<(?:iframe|object|embed|base|link|img)\b|@import|url\((?!=)/,
      kind,
    );
  }
});

test('every page can be read and worked without eyes, mouse or colours', async () => {
  for (const [kind, { body }] of Object.entries(await answers())) {
    if (!body.startsWith('<!doctype html>')) continue;
    assert.match(body, /<html lang="en">/, kind);
    assert.match(body, /<title>[^<]+ · Acme<\/title>/, kind);
    for (const landmark of ['header', 'main', 'footer'])
      assert.equal(body.match(new RegExp(`<${landmark}>`, 'g'))?.length, 1, kind);
    assert.equal(body.match(/<h1/g)?.length, 1, kind);
    for (const [, id] of body.matchAll(/<input id="(\w+)"/g))
      assert.ok(body.includes(`<label for="${id}">`), `${kind} ${id}`);
    for (const [, id] of body.matchAll(/aria-(?:describedby|labelledby)="(\w+)"/g))
      assert.ok(body.includes(`id="${id}"`), `${kind} ${id}`);
    assert.doesNotMatch(body, /tabindex/, kind);
  }
});

/** Relative luminance of a colour (WCAG 2.2). */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

test('text stands out by 4.5 to 1, edges and focus by 3 to 1, in light and in dark', async () => {
  const { body } = await tab.get('/signin');
  const themes = [...body.matchAll(/:root \{([^}]*--back[^}]*)\}/g)].map(([, rules = '']) =>
    Object.fromEntries(
      [...rules.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [name, value]),
    ),
  );
  assert.equal(themes.length, 2);
  for (const theme of themes) {
    const ratio = (a: string, b: string) => {
      const [high = 0, low = 0] = [luminance(theme[a] ?? ''), luminance(theme[b] ?? '')].sort((x, y) => y - x);
      return (high + 0.05) / (low + 0.05);
    };
    for (const [text, ground] of [
      ['ink', 'back'],
      ['ink', 'card'],
      ['ink', 'tint'],
      ['soft', 'back'],
      ['soft', 'card'],
      ['on-main', 'main'],
      ['on-main', 'over'],
      ['main', 'tint'],
      ['warn', 'warn-tint'],
    ] as const) {
      assert.ok(ratio(text, ground) >= 4.5, `${text} on ${ground}: ${ratio(text, ground)}`);
    }
    for (const ground of ['card', 'back'] as const) {
      for (const edge of ['edge', 'main'] as const) assert.ok(ratio(edge, ground) >= 3, `${edge} on ${ground}`);
    }
  }
});

test('a failure has its own sentence, status and code, and the record where there is one', async () => {
  const statuses: Partial<Record<SignInFailureCode, number>> = {
    provider_unreachable: 503,
    provider_misconfigured: 502,
    groups_unavailable: 503,
    too_many: 429,
  };
  const denied = [
    'provider_refused',
    'email_missing',
    'email_unverified',
    'domain_elsewhere',
    'not_invited',
    'link_needed',
    'disabled',
    'ended',
    'secret_wrong',
  ];
  for (const [code, sentence] of Object.entries(SIGN_IN_FAILURES) as [SignInFailureCode, string][]) {
    company.failure = { code, record: `rec_${'0'.repeat(26)}` };
    const { statusCode, body, headers } = await tab.get('/signin/callback/okta?code=x&state=x');
    assert.equal(statusCode, statuses[code] ?? (denied.includes(code) ? 403 : 400), code);
    assert.ok(body.includes(`<p class="lead">${sentence.replaceAll("'", '&#39;')}</p>`), code);
    assert.match(body, new RegExp(`Code <code>${code}</code><br>Record <code>rec_0{26}</code>`));
    assert.equal(headers['retry-after'], code === 'too_many' ? '60' : undefined);
    assert.ok(!body.includes('as the test says'), 'the detail is not for strangers');
    company.failure = { code };
    assert.doesNotMatch((await tab.get('/signin/callback/okta?code=x&state=x')).body, /Record/);
  }
  company.failure = null;
});

test('an error that only claims to be a failure is none', async () => {
  company.failure = Object.assign(new Error('<b>secret</b>'), { name: 'SignInFailure', code: 'constructor' });
  const { statusCode, body } = await tab.get('/signin/callback/okta?code=x&state=x');
  assert.equal(statusCode, 500);
  assert.doesNotMatch(body, /secret/);
  assert.match(body, /<code>unexpected<\/code>/);
  company.failure = null;
});

describe('hostile names', () => {
  /** Tags and attributes of ours alone stand in a page. */
  function assertPlain(body: string, kind: string): void {
    assert.doesNotMatch(body, /<img|onerror=alert\(1\)>|<script>alert|<\/title><\/style>/, kind);
    assert.equal(body.match(/<\/style>/g)?.length, 1, kind);
    assert.equal(body.match(/<\/title>/g)?.length, 1, kind);
    assert.doesNotMatch(body, /\u202e/, kind);
  }

  test('of the organization, a provider, a role, a team, a group or a browser are text', async () => {
    const hostile = new Company();
    hostile.organization = EVIL;
    hostile.providers = [
      { name: 'okta', label: EVIL, protocol: 'oidc' },
      { name: EVIL, label: 'x', protocol: 'oidc' },
    ];
    hostile.shown = {
      email: `${EVIL}@acme.com`,
      roleReason: EVIL,
      teams: [EVIL],
      groups: [EVIL],
      provider: EVIL,
      csrf: EVIL,
      sessions: [{ id: EVIL, label: EVIL, createdAt: 0, lastSeenAt: 0, expiresAt: 0 }],
    };
    hostile.idp = `https://idp.example.com/x"><script>alert(2)</script>';url=javascript:alert(1)//`;
    const door = await doorOf(hostile);
    const visitor = new Tab(door);
    visitor.cookies.set(SESSION, hostile.open().secret);
    const pages = {
      start: await visitor.get('/signin'),
      leave: await visitor.post('/signin', { provider: 'okta' }),
      account: await visitor.get('/account'),
      sealed: await visitor.get('/signin/sealed'),
      fault: await visitor.get('/signin/callback/okta?code=x&state=x'),
    };
    for (const [kind, { body, statusCode }] of Object.entries(pages)) {
      assert.equal(statusCode, kind === 'fault' ? 400 : 200, kind);
      assertPlain(body, kind);
      assert.match(body, /&quot;&gt;&lt;img src=x onerror=alert\(1\)&gt;/, kind);
    }
    assert.ok(pages.leave.body.includes('content="0; url=https://idp.example.com/x%22%3E%3Cscript%3E'));
    await door.close();
  });

  test('that were typed are text', async () => {
    for (const email of ["a'onfocus=alert(1)//@x.example", 'a`b&c;@x.example', 'a@x.example\u202e'])
      assertPlain((await tab.post('/signin', { email })).body, email);
    const { body } = await tab.post('/signin', { email: "a'b@x.example" });
    assert.match(body, /value="a&#39;b@x\.example"/);
    const { statusCode } = await tab.post('/signin', { email: '<b>@x.example' });
    assert.equal(statusCode, 400);
    assertPlain((await tab.get(`/signin?return=${encodeURIComponent(`/x${EVIL}`)}`)).body, 'return');
    assertPlain(
      (await tab.get(`/signin?return=${encodeURIComponent('/x?a="><script>alert(1)</script>')}`)).body,
      'return',
    );
  });
});
