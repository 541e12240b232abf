import * as admit from './changes/admit.ts';
import * as breakGlass from './changes/break-glass.ts';
import type { ChangeContext } from './changes/commit.ts';
import * as credentials from './changes/credentials.ts';
import * as grants from './changes/grants.ts';
import * as invitations from './changes/invitations.ts';
import * as links from './changes/links.ts';
import * as owner from './changes/owner.ts';
import * as parties from './changes/parties.ts';
import * as policy from './changes/policy.ts';
import * as proposals from './changes/proposals.ts';
import * as roles from './changes/roles.ts';
import * as sessions from './changes/sessions.ts';
import * as stops from './changes/stops.ts';

export type { ChangeContext } from './changes/commit.ts';
export { ChangeError, type ChangeErrorCode } from './changes/error.ts';

type Verb<I, O> = (context: ChangeContext, input: I) => Promise<O>;

/**
 * The verbs that change the directory and what lies over it: stops, grants, policies. Each is one transaction of the change and exactly one outbox record (none when
 * everything already was as asked), resolves when the change is in force in this process (P3), and rejects with a ChangeError
 * when nothing was changed; the verbs of signing in with a SignInFailure. `actor` is the id of who asks, or `system`.
 */
export function directoryChanges(context: ChangeContext) {
  const bind =
    <I, O>(verb: Verb<I, O>) =>
    (input: I): Promise<O> =>
      verb(context, input);
  return {
    ensureOwnerSecret: () => owner.ensureOwnerSecret(context),
    claimOwner: bind(owner.claimOwner),
    addPerson: bind(parties.addPerson),
    setPersonTeam: bind(parties.setPersonTeam),
    disableParty: bind(parties.disableParty),
    enableParty: bind(parties.enableParty),
    erasePerson: bind(parties.erasePerson),
    addTeam: bind(parties.addTeam),
    ensureService: bind(parties.ensureService),
    createKey: bind(credentials.createKey),
    rotateKey: bind(credentials.rotateKey),
    revokeCredential: bind(credentials.revokeCredential),
    stop: bind(stops.stop),
    liftStop: bind(stops.liftStop),
    grant: bind(grants.grant),
    revokeGrant: bind(grants.revokeGrant),
    applyPolicy: bind(policy.applyPolicy),
    propose: bind(proposals.propose),
    decideProposal: bind(proposals.decideProposal),
    admitIdentity: bind(admit.admitIdentity),
    linkIdentity: bind(links.linkIdentity),
    unlinkIdentity: bind(links.unlinkIdentity),
    discardWaiting: bind(links.discardWaiting),
    invite: bind(invitations.invite),
    extendInvitation: bind(invitations.extendInvitation),
    revokeInvitation: bind(invitations.revokeInvitation),
    openSession: bind(sessions.openSession),
    renewSession: bind(sessions.renewSession),
    revokeSession: bind(sessions.revokeSession),
    revokeSessionsOf: bind(sessions.revokeSessionsOf),
    setRole: bind(roles.setRole),
    transferOwner: bind(roles.transferOwner),
    sealBreakGlass: bind(breakGlass.sealBreakGlass),
    useBreakGlass: bind(breakGlass.useBreakGlass),
  };
}

export type DirectoryChanges = ReturnType<typeof directoryChanges>;
