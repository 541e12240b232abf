import { AdminProblem } from '../doors/admin/problems.ts';
import type { AdminChanges, Issued, NewKey } from '../doors/admin/services.ts';
import { ChangeError } from '../identity/changes.ts';
import { fold } from '../kernel/text.ts';
import type { DoorParts } from './doors.ts';
import { isProvenNow } from './identity/known.ts';
import { standingOf } from './identity/standing.ts';
import { teamsOfParty } from './teams.ts';

/** The verbs as the admin door has them: with what depends on the policy in force, which the directory knows nothing of. */
export function guardedChanges(parts: DoorParts): AdminChanges {
  const { changes } = parts.state;
  return {
    ...changes,
    createKey: (input) => createKey(parts, input),
    claimOwner: (input) => claimOwner(parts, input),
    async addPerson(input) {
      if (input.role !== 'member') mustAppoint(parts, input.actor);
      return changes.addPerson(input);
    },
    async setRole(input) {
      mustAppoint(parts, input.actor);
      await changes.setRole(input);
    },
    async linkIdentity(input) {
      const waiting = await parts.state.store.read((tx) => tx.waitingIdentity(input.waiting));
      // Whoever proves it is this person from then on.
      if (waiting !== undefined && roleOf(parts, waiting.person) !== 'member') mustAppoint(parts, input.actor);
      return changes.linkIdentity(input);
    },
    async setPersonTeam(input) {
      mustMove(parts, input);
      await changes.setPersonTeam(input);
    },
    async transferOwner(input) {
      mustBeAbleToEnter(parts, input.to);
      await changes.transferOwner(input);
    },
    async grant(input) {
      if (input.kind === 'budget' && input.scope === 'organization' && !isOwner(parts, input.actor)) {
        throw new AdminProblem('role_required', 'Money for the whole organization is granted by the primary owner.');
      }
      return changes.grant(input);
    },
  };
}

function roleOf({ governance }: DoorParts, id: string) {
  return standingOf(governance.keeper.current, id).role;
}

function isOwner(parts: DoorParts, id: string): boolean {
  return roleOf(parts, id) === 'primary_owner';
}

/** Where two people must agree on who may what, an admin does not appoint their own second one. */
function mustAppoint(parts: DoorParts, actor: string): void {
  const two = parts.governance.keeper.current.policy?.twoPeople.has('credentials') === true;
  if (!two || isOwner(parts, actor)) return;
  throw new ChangeError('refused', 'The policy wants two people for who may what: the primary owner gives roles.');
}

/** A team can be what a role is for: moving somebody into it, oneself above all, would give the role past everybody. */
function mustMove(parts: DoorParts, { actor, person, team }: { actor: string; person: string; team: string | null }) {
  if (isOwner(parts, actor)) return;
  if (actor === person) throw new AdminProblem('second_person_needed', 'Nobody moves themselves into a team.');
  const { policy, directory } = parts.governance.keeper.current;
  const moved = [team, directory.parties.get(person)?.team ?? null].map((id) =>
    fold(directory.teams.get(id ?? '')?.name ?? ''),
  );
  const { admin = [], auditor = [] } = policy?.identity.roles ?? {};
  const named = [...admin, ...auditor].some((one) => one.kind === 'team' && moved.includes(one.id));
  if (named) throw new ChangeError('refused', 'The policy gives this team a role: the primary owner moves its people.');
}

/** An owner who cannot sign in could not even undo it. */
function mustBeAbleToEnter({ governance }: DoorParts, heir: string): void {
  const { policy, directory } = governance.keeper.current;
  if (policy?.identity.requireSso !== true) return;
  if ((directory.identitiesOf.get(heir) ?? []).some((one) => isProvenNow(policy, one))) return;
  throw new ChangeError('refused', 'The policy requires SSO, and this person has not signed in at a provider yet.');
}

/** Where SSO is required, the secret of the first start is one of the ways that are shut. */
async function claimOwner({ state, governance }: DoorParts, input: { secret: string; email: string }) {
  const shut = governance.keeper.current.policy?.identity.requireSso === true;
  if (shut && (await state.store.read((tx) => tx.primaryOwner())) !== undefined) {
    throw new ChangeError('refused', 'The policy requires SSO: sign in at /signin.');
  }
  return state.changes.claimOwner(input);
}

/** A key of a person is charged to one of the person's own teams: another would be taken silently and never used. */
async function createKey({ state, governance }: DoorParts, input: NewKey): Promise<Issued> {
  const { directory } = governance.keeper.current;
  const owner = directory.parties.get(input.owner);
  const team = input.team === null ? undefined : directory.teams.get(input.team)?.name;
  if (owner?.kind === 'person' && team !== undefined) {
    const teams = teamsOfParty(governance.keeper.current, owner.id);
    if (!teams.some((name) => fold(name) === fold(team))) {
      throw new ChangeError('refused', 'This person is not in that team: move them, or name them in the policy first.');
    }
  }
  return state.changes.createKey(input);
}
