import { type Html, html } from './html.ts';
import type { Page } from './page.ts';
import type { Account } from './services.ts';

/** Groups that are shown at once; providers may say two thousand. */
const SHOWN_GROUPS = 12;

const ROLE_NAMES: Readonly<Record<Account['role'], string>> = {
  primary_owner: 'Primary owner',
  admin: 'Admin',
  auditor: 'Auditor',
  team_lead: 'Team lead',
  member: 'Member',
};

export interface AccountView {
  readonly organization: Page['organization'];
  readonly account: Account;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Who one is here, why, and where one is signed in. */
export function accountPage({ organization, account, now }: AccountView): Page {
  const { email, role, roleReason, teams, provider, groups, csrf, sessions } = account;
  const facts = html`<dl>
<dt>Role</dt><dd><strong>${ROLE_NAMES[role]}</strong> <span class="soft">· ${roleReason}</span></dd>
<dt>Signed in with</dt><dd>${provider ?? 'the sealed secret'}</dd>
<dt>Teams</dt><dd>${tags(teams)}</dd>
<dt>Groups</dt><dd>${groupList(groups)}</dd>
</dl>`;
  return {
    title: 'Your account',
    organization,
    wide: true,
    body: html`<section class="card" aria-labelledby="who">
<div class="top"><div><h1 id="who">${email ?? 'Your account'}</h1></div>
<form method="post" action="/account/signout">${hidden(csrf)}<button class="quiet">Sign out</button></form></div>
${provider === null && html`<p class="note warn" role="note">You came in with the sealed secret. An alarm was raised, and this session ends soon.</p>`}
${facts}
</section>
<section class="card" aria-labelledby="where">
<h2 id="where">Where you are signed in</h2>
<ul class="rows">${sessions.map((session) => sessionRow(session, account, now))}</ul>
</section>`,
  };
}

function sessionRow(
  { id, label, createdAt, lastSeenAt, expiresAt }: Account['sessions'][number],
  account: Account,
  now: number,
): Html {
  const isHere = id === account.session;
  return html`<li><div><strong>${label}</strong>${isHere && html` <span class="here">this browser</span>`}
<div class="soft small">Last used ${isHere ? 'now' : ago(now - lastSeenAt)} · since ${time(createdAt)} · until ${time(expiresAt)}</div></div>
<form method="post" action="/account/sessions/${id}/end">${hidden(account.csrf)}<button class="quiet" aria-label="End the session ${label}, since ${plainTime(createdAt)}">End</button></form></li>`;
}

function hidden(csrf: string): Html {
  return html`<input type="hidden" name="csrf" value="${csrf}">`;
}

function groupList(groups: readonly string[]): Html {
  const rest = groups.slice(SHOWN_GROUPS);
  return html`${tags(groups.slice(0, SHOWN_GROUPS))}${rest.length > 0 && html`<details><summary>${rest.length} more</summary>${tags(rest)}</details>`}`;
}

function tags(names: readonly string[]): Html {
  if (names.length === 0) return html`<span class="soft">none</span>`;
  return html`<ul class="tags">${names.map((name) => html`<li>${name}</li>`)}</ul>`;
}

const FORMAT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });

function plainTime(at: number): string {
  return `${FORMAT.format(at)} UTC`;
}

function time(at: number): Html {
  return html`<time datetime="${new Date(at).toISOString()}">${plainTime(at)}</time>`;
}

/** For people: one unit, rounded down. */
function ago(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return minutes === 1 ? 'a minute ago' : `${minutes} minutes ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return hours === 1 ? 'an hour ago' : `${hours} hours ago`;
  const days = Math.floor(hours / 24);
  return days === 1 ? 'a day ago' : `${days} days ago`;
}
