import { SignInFailure } from '../sign-in-failure.ts';
import { askJson, REQUEST_MS } from './ask.ts';
import { groupsUnavailable } from './failures.ts';
import { groupNames } from './groups-claim.ts';
import type { House } from './parts.ts';
import type { JsonValues } from './strict-json.ts';

const MAX_PAGES = 25;
const MAX_BYTES = 1024 * 1024;
/** For all pages together, milliseconds: somebody waits before a browser. */
const ALL_PAGES_MS = 20_000;

interface Listing {
  readonly first: URL;
  /** Who is asked, for details: `Microsoft Graph`. */
  readonly what: string;
  readonly accessToken: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Names of groups on a page, checked afterwards. */
  readonly groupsOn: (page: JsonValues) => readonly unknown[];
  /** Address of the next page; null after the last. */
  readonly next: (page: JsonValues, current: URL) => URL | null;
}

/**
 * Reads a list of groups page by page, with the person's access token, from one origin only. Rejects with a SignInFailure
 * `groups_unavailable` unless the list came whole.
 */
export async function listGroups({ fetcher, clock }: House, listing: Listing): Promise<readonly string[]> {
  const { what, first } = listing;
  const end = clock.monotonic() + ALL_PAGES_MS;
  const headers = { ...listing.headers, authorization: `Bearer ${listing.accessToken}` };
  const found: unknown[] = [];
  let at: URL | null = first;
  for (let page = 0; at !== null; page++) {
    const timeoutMs = Math.min(REQUEST_MS, end - clock.monotonic());
    if (page === MAX_PAGES || timeoutMs <= 0) throw groupsUnavailable(`${what} did not come to an end`);
    // A link to somewhere else would be given the token.
    if (at.origin !== first.origin) throw groupsUnavailable(`${what} leads to another host`);
    const url: string = at.href;
    const { json } = await askJson(fetcher, { url, what, headers, maxBytes: MAX_BYTES, timeoutMs }).catch(unavailable);
    found.push(...listing.groupsOn(json));
    groupNames(found);
    at = listing.next(json, at);
  }
  return groupNames(found);
}

function unavailable(error: unknown): never {
  throw groupsUnavailable(error instanceof SignInFailure ? error.detail : 'the groups could not be asked for');
}
