import { SignInFailure } from '../sign-in-failure.ts';
import { groupsUnavailable, misconfigured } from './failures.ts';
import { listGroups } from './pages.ts';
import type { House } from './parts.ts';
import type { Address } from './person.ts';
import { asObject, type JsonValues } from './strict-json.ts';

const ISSUER_HOST = 'accounts.google.com';
const API = 'https://cloudidentity.googleapis.com';
/** Every Google group has it; groups mapped from other directories have not. */
const LABEL = 'cloudidentity.googleapis.com/groups.discussion_forum';

/**
 * Addresses of every Google group that the person belongs to, directly or through others, from the Cloud Identity API with their own
 * access token (scope `cloud-identity.groups.readonly`). Google answers 403 for editions of Workspace without transitive search: then
 * nobody knows the groups, because the direct ones alone could lack one that is denied something (P8). Rejects with a SignInFailure.
 */
export async function googleGroups(house: House, accessToken: string, address: Address): Promise<readonly string[]> {
  const { email, emailVerified } = address;
  const google = new URL(house.settings.issuer).hostname === ISSUER_HOST;
  const origin = house.groupsOrigin ?? (google ? API : null);
  if (origin === null) throw misconfigured('groups come from Cloud Identity, but the issuer is not Google');
  if (email === null) throw groupsUnavailable('without an address nobody can be looked up at Cloud Identity');
  // An address that nobody checked would be given the groups of whom it really belongs to.
  if (emailVerified !== true) throw new SignInFailure('email_unverified', 'Google has not verified the address');
  const first = new URL('/v1/groups/-/memberships:searchTransitiveGroups', origin);
  const member = email.replace(/[\\']/g, '\\$&');
  first.searchParams.set('query', `member_key_id == '${member}' && '${LABEL}' in labels`);
  first.searchParams.set('pageSize', '1000');
  return listGroups(house, {
    first,
    what: 'Cloud Identity',
    accessToken,
    groupsOn: groupsOn,
    next: (page) => nextPage(page, first),
  });
}

/** A person without groups has no `memberships` at all. */
function groupsOn({ memberships = [] }: JsonValues): readonly unknown[] {
  if (!Array.isArray(memberships)) throw groupsUnavailable('Cloud Identity gave no list');
  return memberships.map((membership) => asObject(asObject(membership)?.groupKey)?.id);
}

function nextPage({ nextPageToken: token }: JsonValues, first: URL): URL | null {
  if (token === undefined || token === '') return null;
  if (typeof token !== 'string' || token.length > 4_096) throw groupsUnavailable('Cloud Identity gave no next page');
  const next = new URL(first);
  next.searchParams.set('pageToken', token);
  return next;
}
