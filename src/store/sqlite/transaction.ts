import type { StoreTransaction } from '../ports.ts';
import * as keys from './content-keys.ts';
import * as credentials from './credentials.ts';
import * as grants from './grants.ts';
import * as outbox from './outbox.ts';
import * as parties from './parties.ts';
import * as policies from './policies.ts';
import type { Scope } from './scope.ts';
import * as settings from './settings.ts';
import * as stops from './stops.ts';
import * as teams from './teams.ts';

/** The handle that `change` and `read` hand to their work. */
export function transactionOf(scope: Scope): StoreTransaction {
  return {
    party: (id) => scope.read((db) => parties.findParty(db, id)),
    partyByName: (kind, name) => scope.read((db) => parties.findPartyByName(db, kind, name)),
    owners: () => scope.read(parties.findOwners),
    insertParty: (row) => scope.write((db) => parties.insertParty(db, row)),
    updateParty: (id, change) => {
      if (change.name === null) scope.erased = true;
      return scope.write((db) => parties.updateParty(db, id, change));
    },
    team: (id) => scope.read((db) => teams.findTeam(db, id)),
    teamByName: (name) => scope.read((db) => teams.findTeamByName(db, name)),
    insertTeam: (row) => scope.write((db) => teams.insertTeam(db, row)),
    credential: (id) => scope.read((db) => credentials.findCredential(db, id)),
    credentialsOf: (owner) => scope.read((db) => credentials.credentialsOf(db, owner)),
    insertCredential: (row) => scope.write((db) => credentials.insertCredential(db, row)),
    updateCredential: (id, change) => scope.write((db) => credentials.updateCredential(db, id, change)),
    ...overlays(scope),
    contentKey: (person) => scope.read((db) => keys.findContentKey(db, person)),
    insertContentKey: (person, wrapped) => scope.write((db) => keys.insertContentKey(db, person, wrapped)),
    deleteContentKey: (person) => {
      scope.erased = true;
      return scope.write((db) => keys.deleteContentKey(db, person));
    },
    setting: (name) => scope.read((db) => settings.findSetting(db, name)),
    setSetting: (name, value) => scope.write((db) => settings.setSetting(db, name, value)),
    enqueue: async (record) => {
      const number = await scope.write((db) => outbox.enqueue(db, record));
      scope.enqueued = true;
      return number;
    },
  };
}

/** Stops, grants and policies: what lies over the directory. */
function overlays(
  scope: Scope,
): Pick<
  StoreTransaction,
  | 'stop'
  | 'insertStop'
  | 'liftStop'
  | 'grant'
  | 'insertGrant'
  | 'revokeGrant'
  | 'newestPolicy'
  | 'policyRevision'
  | 'insertPolicy'
  | 'redactPolicies'
> {
  return {
    stop: (id) => scope.read((db) => stops.findStop(db, id)),
    insertStop: (row) => scope.write((db) => stops.insertStop(db, row)),
    liftStop: (id, at) => scope.write((db) => stops.liftStop(db, id, at)),
    grant: (id) => scope.read((db) => grants.findGrant(db, id)),
    insertGrant: (row) => scope.write((db) => grants.insertGrant(db, row)),
    revokeGrant: (id, at) => scope.write((db) => grants.revokeGrant(db, id, at)),
    newestPolicy: () => scope.read(policies.newestPolicy),
    policyRevision: (number) => scope.read((db) => policies.findPolicy(db, number)),
    insertPolicy: (row) => scope.write((db) => policies.insertPolicy(db, row)),
    redactPolicies: (address, id) => {
      scope.erased = true;
      return scope.write((db) => policies.redactPolicies(db, address, id));
    },
  };
}
