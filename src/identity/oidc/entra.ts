import { groupsUnavailable, misconfigured } from './failures.ts';
import { listGroups } from './pages.ts';
import type { House } from './parts.ts';
import { asObject, type JsonValues } from './strict-json.ts';

/** Microsoft Graph by the host of the issuer, for each cloud. Access tokens of other providers are never sent there. */
const GRAPHS: ReadonlyMap<string, string> = new Map([
  ['login.microsoftonline.com', 'https://graph.microsoft.com'],
  ['sts.windows.net', 'https://graph.microsoft.com'],
  ['login.microsoftonline.us', 'https://graph.microsoft.us'],
  ['login.partner.microsoftonline.cn', 'https://microsoftgraph.chinacloudapi.cn'],
]);

/**
 * Object ids of every group that the person belongs to, directly or through others, from Microsoft Graph with their own access token
 * (permission `User.Read`, or `GroupMember.Read.All`). The address that an overage token names is never followed. Rejects with a
 * SignInFailure.
 */
export async function entraGroups(house: House, accessToken: string): Promise<readonly string[]> {
  const origin = house.groupsOrigin ?? GRAPHS.get(new URL(house.settings.issuer).hostname);
  if (origin === undefined)
    throw misconfigured('groups come from Microsoft Graph, but the issuer is none of Microsoft');
  const first = new URL('/v1.0/me/transitiveMemberOf/microsoft.graph.group', origin);
  first.search = '$select=id&$count=true&$top=999';
  return listGroups(house, {
    first,
    what: 'Microsoft Graph',
    accessToken,
    // A cast to groups is an advanced query, which Graph answers from its index only.
    headers: { consistencylevel: 'eventual' },
    groupsOn: (page) => items(page.value).map((item) => asObject(item)?.id),
    next: nextLink,
  });
}

function items(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw groupsUnavailable('Microsoft Graph gave no list');
  return value;
}

function nextLink(page: JsonValues): URL | null {
  const link = page['@odata.nextLink'];
  if (link === undefined || link === null) return null;
  const url = typeof link === 'string' && link.length <= 8_192 ? URL.parse(link) : null;
  if (url === null || url.username !== '' || url.password !== '')
    throw groupsUnavailable('Microsoft Graph leads to no address');
  return url;
}
