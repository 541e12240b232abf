import type { StoreTransaction } from '../ports.ts';
import { useAssertion } from './assertions.ts';
import * as keys from './content-keys.ts';
import * as credentials from './credentials.ts';
import * as grants from './grants.ts';
import * as identities from './identities.ts';
import * as invitations from './invitations.ts';
import * as answers from './kept-answers.ts';
import * as outbox from './outbox.ts';
import * as parties from './parties.ts';
import * as policies from './policies.ts';
import * as proposals from './proposals.ts';
import type { Scope } from './scope.ts';
import * as sessions from './sessions.ts';
import * as settings from './settings.ts';
import * as stops from './stops.ts';
import * as teams from './teams.ts';
import * as waiting from './waiting-identities.ts';

/** The handle that `change` and `read` hand to their work. */
export function transactionOf(scope: Scope): StoreTransaction {
  return {
    party: (id) => scope.read((db) => parties.findParty(db, id)),
    partyByName: (kind, name) => scope.read((db) => parties.findPartyByName(db, kind, name)),
    primaryOwner: () => scope.read(parties.findPrimaryOwner),
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
    ...people(scope),
    ...ways(scope),
    ...overlays(scope),
    ...second(scope),
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

/** Who somebody is at an identity provider. An address that is deleted must leave the write-ahead log too (P7). */
function people(
  scope: Scope,
): Pick<
  StoreTransaction,
  | 'identity'
  | 'identitiesOf'
  | 'insertIdentity'
  | 'updateIdentity'
  | 'deleteIdentity'
  | 'waitingIdentity'
  | 'waitingIdentityOf'
  | 'saveWaitingIdentity'
  | 'deleteWaitingIdentity'
  | 'deleteWaitingIdentitiesOf'
> {
  return {
    identity: (provider, subject) => scope.read((db) => identities.findIdentity(db, provider, subject)),
    identitiesOf: (person) => scope.read((db) => identities.identitiesOf(db, person)),
    insertIdentity: (row) => scope.write((db) => identities.insertIdentity(db, row)),
    updateIdentity: (provider, subject, change) =>
      scope.write((db) => identities.updateIdentity(db, { provider, subject }, change)),
    deleteIdentity: (provider, subject) => {
      scope.erased = true;
      return scope.write((db) => identities.deleteIdentity(db, provider, subject));
    },
    waitingIdentity: (id) => scope.read((db) => waiting.findWaiting(db, id)),
    waitingIdentityOf: (provider, subject) => scope.read((db) => waiting.findWaitingOf(db, provider, subject)),
    saveWaitingIdentity: (row) => scope.write((db) => waiting.saveWaiting(db, row)),
    deleteWaitingIdentity: (id) => {
      scope.erased = true;
      return scope.write((db) => waiting.deleteWaiting(db, id));
    },
    deleteWaitingIdentitiesOf: (person) => {
      scope.erased = true;
      return scope.write((db) => waiting.deleteWaitingOf(db, person));
    },
  };
}

/** Ways in: invitations, sessions, and assertions that count once. */
function ways(
  scope: Scope,
): Pick<
  StoreTransaction,
  | 'invitation'
  | 'openInvitation'
  | 'insertInvitation'
  | 'updateInvitation'
  | 'deleteInvitationsOf'
  | 'session'
  | 'sessionsOf'
  | 'insertSession'
  | 'deleteSessionsOf'
  | 'updateSession'
  | 'useAssertion'
> {
  return {
    invitation: (id) => scope.read((db) => invitations.findInvitation(db, id)),
    openInvitation: (email) => scope.read((db) => invitations.openInvitation(db, email)),
    insertInvitation: (row) => scope.write((db) => invitations.insertInvitation(db, row)),
    updateInvitation: (id, change) => scope.write((db) => invitations.updateInvitation(db, id, change)),
    deleteInvitationsOf: (person, email) => {
      scope.erased = true;
      return scope.write((db) => invitations.deleteInvitationsOf(db, person, email));
    },
    session: (id) => scope.read((db) => sessions.findSession(db, id)),
    sessionsOf: (person) => scope.read((db) => sessions.sessionsOf(db, person)),
    insertSession: (row) => scope.write((db) => sessions.insertSession(db, row)),
    deleteSessionsOf: (person) => scope.write((db) => sessions.deleteSessionsOf(db, person)),
    updateSession: (id, change) => scope.write((db) => sessions.updateSession(db, id, change)),
    useAssertion: (digest, until, now) => scope.write((db) => useAssertion(db, { digest, until }, now)),
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
      return scope.write(async (db) => {
        await policies.redactPolicies(db, address, id);
        await proposals.redactProposals(db, address, id);
      });
    },
  };
}

/** What waits for a second person, and what is said a second time. */
function second(
  scope: Scope,
): Pick<
  StoreTransaction,
  'proposal' | 'insertProposal' | 'decideProposal' | 'keptAnswer' | 'saveKeptAnswer' | 'deleteKeptAnswer'
> {
  return {
    proposal: (id) => scope.read((db) => proposals.findProposal(db, id)),
    insertProposal: (row) => scope.write((db) => proposals.insertProposal(db, row)),
    decideProposal: (id, decision) => scope.write((db) => proposals.decideProposal(db, id, decision)),
    keptAnswer: (key) => scope.read((db) => answers.findKeptAnswer(db, key)),
    saveKeptAnswer: (row) => scope.write((db) => answers.saveKeptAnswer(db, row)),
    deleteKeptAnswer: (key) => scope.write((db) => answers.deleteKeptAnswer(db, key)),
  };
}
