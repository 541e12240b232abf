import type { LoadedPolicy } from '../compile.ts';
import type { Finding, Place } from '../model.ts';
import { isShared } from '../providers/domains.ts';

/** What is odd about who can sign in: providers that nobody enters by, domains that strangers share, a second person who may be the first. */
export function signIn({ identity, twoPeople, twoPeoplePlace }: LoadedPolicy): Finding[] {
  const found: Finding[] = [];
  for (const provider of identity.providers.values()) {
    const { place, domains } = provider;
    if (domains.length === 0) found.push(warning(place, 'captures no domain: only invited guests can enter here'));
    for (const domain of domains.filter(isShared)) {
      found.push(warning(place, `captures ${domain}, where anybody can have an address: all of them can enter`));
    }
    if (provider.kind === 'saml' && provider.unsolicited) {
      found.push(warning(place, 'takes answers that nobody asked for: a link can sign people in as somebody else'));
    }
  }
  if (twoPeople.size > 0 && !identity.requireSso) {
    const message =
      'one person can be two: without identity.require_sso an admin can make another account and approve with it';
    found.push(warning(twoPeoplePlace, message));
  }
  return found;
}

function warning(place: Place, message: string): Finding {
  return { severity: 'warning', code: 'sign_in', place, message };
}
