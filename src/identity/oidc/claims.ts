import type { ProvenIdentity } from '../ports.ts';
import { entraGroups } from './entra.ts';
import { groupsUnavailable } from './failures.ts';
import { googleGroups } from './google.ts';
import { groupsIn, isOverage } from './groups-claim.ts';
import type { House } from './parts.ts';
import { type Address, addressIn, nameIn } from './person.ts';
import type { JsonValues } from './strict-json.ts';

const USUAL_CLAIM = ['groups'];

/** What is known of somebody once the ID token is verified. */
export interface Known {
  readonly subject: string;
  readonly claims: JsonValues;
  readonly accessToken: string;
  /** Asks the userinfo endpoint, once however often it is called; null where there is nothing to ask. */
  readonly more: () => Promise<JsonValues | null>;
}

/** Who it is. Rejects with a SignInFailure where groups are configured and cannot be read (P8). */
export async function identityFrom(house: House, known: Known): Promise<ProvenIdentity> {
  const address = await addressFrom(known);
  const groups = await groupsFrom(house, known, address);
  return {
    provider: house.settings.name,
    issuer: house.settings.issuer,
    subject: known.subject,
    ...address,
    name: nameIn(known.claims),
    groups,
    until: null,
    once: null,
  };
}

async function addressFrom({ claims, more }: Known): Promise<Address> {
  if (claims.email !== undefined && claims.email !== null) return addressIn(claims);
  return addressIn((await more()) ?? {});
}

async function groupsFrom(house: House, known: Known, address: Address): Promise<readonly string[]> {
  const { groupsClaim, groupsFrom: from } = house.settings;
  if (from === 'google') return googleGroups(house, known.accessToken, address);
  if (groupsClaim === null && from === 'claims') return [];
  const path = groupsClaim ?? USUAL_CLAIM;
  if (from === 'entra') {
    const said = isOverage(known.claims, path) ? null : groupsIn(known.claims, path);
    // Entra ID leaves the claim out for whoever has no groups, and for whoever has too many: only Graph can tell.
    return said ?? entraGroups(house, known.accessToken);
  }
  return claimedGroups(known, path);
}

async function claimedGroups({ claims, more }: Known, path: readonly string[]): Promise<readonly string[]> {
  if (isOverage(claims, path)) {
    throw groupsUnavailable(
      'there are too many groups for a token: take them from entra, or have the provider send fewer',
    );
  }
  const said = groupsIn(claims, path) ?? groupsIn((await more()) ?? {}, path);
  if (said === null) {
    throw groupsUnavailable(
      `neither the ID token nor userinfo has the claim ${JSON.stringify(path)}: have it sent, also when empty`,
    );
  }
  return said;
}
