import type { StoreTransaction } from '../ports.ts';
import * as keys from './content-keys.ts';
import * as credentials from './credentials.ts';
import * as outbox from './outbox.ts';
import * as parties from './parties.ts';
import type { Scope } from './scope.ts';
import * as settings from './settings.ts';
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
