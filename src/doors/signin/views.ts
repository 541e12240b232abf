import type { Fault } from './faults.ts';
import { type Html, html } from './html.ts';
import type { Page } from './page.ts';
import type { OfferedProvider } from './services.ts';

type Organization = Page['organization'];

export interface StartView {
  readonly organization: Organization;
  readonly providers: readonly OfferedProvider[];
  /** A path of ours. */
  readonly returnTo: string;
  /** What was typed, where nothing came of it. */
  readonly typed: string | null;
  readonly signedOut: boolean;
}

const SEALED_LINK = html`<a href="/signin/sealed">Emergency access</a>`;

/** Where everybody begins. */
export function startPage(view: StartView): Page {
  const { organization, providers, returnTo, typed, signedOut } = view;
  const [only, second] = providers;
  const forms =
    only === undefined
      ? html`<p class="note">No way to sign in is set up yet. An admin adds a provider under <code>identity</code> in the policy.</p>`
      : second === undefined
        ? providerForm(providers, returnTo)
        : html`${emailForm(returnTo, typed)}
<p class="or">or choose</p>
${providerForm(providers, returnTo)}`;
  return {
    title: 'Sign in',
    organization,
    footer: SEALED_LINK,
    body: html`<div class="card">
<h1>Sign in</h1>
<p class="soft">Use your work account.</p>
${signedOut && html`<p class="note" role="status">You are signed out of this browser.</p>`}
${typed !== null && html`<p class="note warn" role="alert" id="none">No way to sign in belongs to this address. Choose one below, or ask your platform team.</p>`}
${forms}
</div>`,
  };
}

function emailForm(returnTo: string, typed: string | null): Html {
  return html`<form method="post" action="/signin">
<input type="hidden" name="return" value="${returnTo}">
<label for="email">Work e-mail</label>
<input id="email" name="email" type="email" required maxlength="254" autocomplete="username" inputmode="email" autofocus value="${typed}"${typed !== null && html` aria-describedby="none"`}>
<button>Continue</button>
</form>`;
}

function providerForm(providers: readonly OfferedProvider[], returnTo: string): Html {
  const look = providers.length > 1 && html` class="quiet"`;
  return html`<form method="post" action="/signin">
<input type="hidden" name="return" value="${returnTo}">
${providers.map(({ name, label }) => html`<button name="provider" value="${name}"${look}>Continue with ${label}</button>\n`)}</form>`;
}

/**
 * Sends the browser on to the provider by a page, not by a redirect: browsers apply `form-action` to where a form is redirected to, and
 * a provider may send people on to others that nobody here knows.
 */
export function leavePage({ organization, location }: { organization: Organization; location: URL }): Page {
  return {
    title: 'Going to your provider',
    organization,
    head: html`<meta http-equiv="refresh" content="0; url=${location.href}">\n`,
    body: html`<div class="card">
<h1>One moment</h1>
<p class="soft">You are on your way to <strong>${location.host}</strong>.</p>
<p class="go"><a class="button" href="${location.href}">Continue</a></p>
</div>`,
  };
}

const SEND_AGAIN = html`document.forms[0].submit()`;

/** The answer of a SAML provider comes without our cookies, because another site sent it: from this page it comes with them. */
export function sendAgainPage(view: {
  organization: Organization;
  action: string;
  response: string;
  relayState: string | null;
}): Page {
  const { organization, action, response, relayState } = view;
  return {
    title: 'Signing in',
    organization,
    script: SEND_AGAIN,
    body: html`<div class="card">
<h1>One moment</h1>
<p class="soft">Your provider has answered. If nothing happens, continue by hand.</p>
<form method="post" action="${action}">
<input type="hidden" name="SAMLResponse" value="${response}">
${relayState !== null && html`<input type="hidden" name="RelayState" value="${relayState}">\n`}<input type="hidden" name="again" value="1">
<button>Continue</button>
</form>
</div>`,
  };
}

/** The way in for when the provider is gone. */
export function sealedPage({ organization, sealed }: { organization: Organization; sealed: boolean }): Page {
  const form = html`<p class="note warn" role="note"><strong>Opening this raises an alarm.</strong> It is written into the audit trail and shown to everybody who watches this gateway.</p>
<form method="post" action="/signin/sealed">
<label for="secret">Sealed secret</label>
<input id="secret" name="secret" type="password" required maxlength="300" autocomplete="off" spellcheck="false" aria-describedby="what">
<button>Open and raise the alarm</button>
</form>
<p class="soft small" id="what">It begins with <code>ghb_</code>. You become the primary owner for one hour.</p>`;
  return {
    title: 'Emergency access',
    organization,
    footer: html`<a href="/signin">Back to signing in</a>`,
    body: html`<div class="card">
<h1>Emergency access</h1>
<p class="soft">For the primary owner, when the company’s sign-in cannot be used.</p>
${sealed ? form : html`<p class="note">No secret is sealed here, so there is nothing to open. The primary owner seals one with <code>gatehouse owner seal</code>.</p>`}
</div>`,
  };
}

/** Why somebody did not get in, and what they can do. */
export function faultPage(organization: Organization, fault: Fault): Page {
  const { title, code, status, sentence, remedy, wait = null, record = null } = fault;
  return {
    title,
    status,
    organization,
    body: html`<div class="card">
<h1>${title}</h1>
<p class="lead">${sentence}</p>
<p class="soft">${remedy}</p>
${wait !== null && html`<p><strong>Try again in ${wait === 1 ? 'one second' : `${wait} seconds`}.</strong></p>`}
<p class="go"><a class="button" href="/signin">Go to the sign-in page</a></p>
<p class="soft small">Code <code>${code}</code>${record !== null && html`<br>Record <code>${record}</code>`}</p>
</div>`,
  };
}
