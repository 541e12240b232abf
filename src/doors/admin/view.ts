/** What the directory looks like from outside: names resolved, states worked out. Built anew for every request. */
import type { CredentialRow, DirectoryState, PartyRow, TeamRow } from '../../store/ports.ts';
import { AdminProblem } from './problems.ts';

/** What is shown in place of the name of an erased person (P7). */
export const ERASED = 'erased';

/** A key counts as expiring during its last two weeks. */
export const EXPIRING_MS = 14 * 86_400_000;

export type KeyState = 'active' | 'expiring' | 'rotated' | 'expired' | 'revoked' | 'owner_disabled';

export class DirectoryView {
  readonly people: readonly PartyRow[];
  readonly teams: readonly TeamRow[];
  readonly credentials: readonly CredentialRow[];
  readonly #parties: ReadonlyMap<string, PartyRow>;
  readonly #teams: ReadonlyMap<string, TeamRow>;

  constructor(state: DirectoryState) {
    this.#parties = new Map(state.parties.map((party) => [party.id, party]));
    this.#teams = new Map(state.teams.map((team) => [team.id, team]));
    this.people = state.parties.filter((party) => party.kind === 'person');
    this.teams = state.teams;
    this.credentials = state.credentials;
  }

  party(id: string): PartyRow | undefined {
    return this.#parties.get(id);
  }

  /** Name of a party or team, for showing; null when the directory does not know the id. */
  nameOf(id: string | null): string | null {
    if (id === null) return null;
    const party = this.#parties.get(id);
    if (party) return party.name ?? ERASED;
    return this.#teams.get(id)?.name ?? null;
  }

  /** A person by id or e-mail address. Throws `resource_unknown`. */
  person(idOrEmail: string): PartyRow {
    const found = this.#find(idOrEmail, (party) => party.kind === 'person');
    if (!found) throw new AdminProblem('resource_unknown', 'There is no person with this id or e-mail address.');
    return found;
  }

  /** A person or service by id or name, undefined when there is none. */
  findParty(idOrName: string): PartyRow | undefined {
    return this.#find(idOrName, () => true);
  }

  /** A team by id or name. Throws `resource_unknown`. */
  team(idOrName: string): TeamRow {
    const found = this.#teams.get(idOrName) ?? named(this.teams, idOrName);
    if (!found) throw new AdminProblem('resource_unknown', 'There is no team with this id or name.');
    return found;
  }

  /** A credential by id. Throws `resource_unknown`. */
  credential(id: string): CredentialRow {
    const found = this.credentials.find((credential) => credential.id === id);
    if (!found) throw new AdminProblem('resource_unknown', 'There is no key with this id.');
    return found;
  }

  /** The one state that says most about a key: what stops it comes before what will. */
  stateOf(credential: CredentialRow, now: number): KeyState {
    if (credential.revokedAt !== null) return 'revoked';
    if (credential.expiresAt !== null && credential.expiresAt <= now) return 'expired';
    const owner = this.#parties.get(credential.owner);
    if (!owner || !isActive(owner, now)) return 'owner_disabled';
    if (credential.rotatedTo !== null) return 'rotated';
    return credential.expiresAt !== null && credential.expiresAt - now <= EXPIRING_MS ? 'expiring' : 'active';
  }

  #find(idOrName: string, accepts: (party: PartyRow) => boolean): PartyRow | undefined {
    const byId = this.#parties.get(idOrName);
    if (byId && accepts(byId)) return byId;
    return named([...this.#parties.values()].filter(accepts), idOrName);
  }
}

/** Neither disabled nor erased, nor a guest whose time is over. */
export function isActive({ disabledAt, erasedAt, endsAt }: PartyRow, now: number): boolean {
  return disabledAt === null && erasedAt === null && (endsAt === null || now < endsAt);
}

/** The row of this exact name, else the only one whose name differs in case alone: two of those would be a guess. */
function named<T extends { readonly name: string | null }>(rows: readonly T[], text: string): T | undefined {
  const name = text.trim().normalize('NFC');
  const exact = rows.find((row) => row.name === name);
  if (exact) return exact;
  const similar = rows.filter((row) => row.name?.toLowerCase() === name.toLowerCase());
  return similar.length === 1 ? similar[0] : undefined;
}

/** An instant for JSON; null stays null. */
export function isoOrNull(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/**
 * One page of `rows`, newest first. Ids sort by time of creation, so the cursor is the last id shown and stays right while
 * rows are added. Throws `invalid` for a cursor that no list of this kind gave out.
 */
export function pageOf<T extends { readonly id: string }>(
  rows: readonly T[],
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): { rows: T[]; cursor: string | null } {
  if (cursor !== undefined && !/^[a-z]{3}_[0-9a-z]{26}$/.test(cursor)) {
    throw new AdminProblem('invalid', 'cursor is not one that this list gave out');
  }
  const sorted = rows
    .filter((row) => cursor === undefined || timeOf(row.id) < timeOf(cursor))
    .sort((a, b) => (timeOf(a.id) < timeOf(b.id) ? 1 : -1));
  const shown = sorted.slice(0, limit);
  const last = shown.at(-1);
  return { rows: shown, cursor: sorted.length > limit && last ? last.id : null };
}

/** The part of an id that sorts by time: lists of keys hold two prefixes. */
function timeOf(id: string): string {
  return id.slice(4);
}
