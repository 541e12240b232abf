import type { FastifyRequest } from 'fastify';
import type { DirectoryState, PartyRow } from '../../store/ports.ts';
import { actorOf, callerOf } from './auth.ts';
import { roleRequired } from './permissions.ts';
import { AdminProblem } from './problems.ts';
import { chargedTeam, type Reach, reachOf } from './reach.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView } from './view.ts';

/** What a request for a new key says of its owner. */
interface Wanted {
  readonly person?: string | undefined;
  readonly service?: string | undefined;
  readonly team?: string | undefined;
  readonly kind: 'key' | 'admin';
}

/**
 * The owner and team of a new key, by id. A service is made where there is none of this name. Whoever reaches teams alone makes
 * virtual keys alone, for their own people and services, charged to their own teams.
 *
 * @throws AdminProblem `resource_unknown`, `role_required`, `out_of_reach`, `change_refused`
 */
export async function keyOwner(
  services: AdminServices,
  request: FastifyRequest,
  wanted: Wanted,
): Promise<{ owner: string; team: string | null }> {
  const reach = reachOf(request);
  const state = await services.directory();
  const view = new DirectoryView(state);
  const team = wanted.team === undefined ? null : view.team(wanted.team).id;
  if (team !== null && !reach.team(team))
    throw new AdminProblem('resource_unknown', 'There is no team with this id or name.');
  // An admin token does everything that its owner may.
  if (wanted.kind === 'admin' && !reach.all)
    throw roleRequired(callerOf(request).principal.role, 'keys.write', ['all']);
  if (wanted.service === undefined) return { owner: personFor(services, view, { request, reach, wanted, team }), team };
  const known = serviceNamed(state, wanted.service);
  if (!reach.all) mustReachService(services, reach, { known, team });
  // One that is in a team stays there: its other keys would be charged elsewhere all at once.
  const home = known?.team ? null : team;
  const { id } = await services.changes.ensureService({ actor: actorOf(request), name: wanted.service, team: home });
  return { owner: id, team };
}

function serviceNamed(state: DirectoryState, name: string): PartyRow | undefined {
  return state.parties.find((party) => party.kind === 'service' && party.name === name.normalize('NFC'));
}

function personFor(
  services: AdminServices,
  view: DirectoryView,
  { request, reach, wanted, team }: { request: FastifyRequest; reach: Reach; wanted: Wanted; team: string | null },
): string {
  const { id } = view.person(wanted.person ?? '');
  if (!reach.person(id)) {
    throw new AdminProblem('resource_unknown', 'There is no person with this id or e-mail address.');
  }
  // A key speaks for its owner, in every team and under every rule: a lead makes none of somebody else.
  if (!reach.all && id !== actorOf(request)) {
    throw new AdminProblem('out_of_reach', 'You lead the team: you make keys of its services and of your own.');
  }
  mustBeCharged(services, reach, { id, team });
  // It would open nothing of worth, and whoever made it would believe otherwise.
  if (wanted.kind === 'admin' && services.standing(id).role === 'member') {
    throw new AdminProblem('change_refused', 'An admin token is for people with a role; this person is a member.');
  }
  return id;
}

/** Without this a lead would draw somebody else's service, or one in no team yet, into their own team. */
function mustReachService(
  services: AdminServices,
  reach: Reach,
  { known, team }: { known: PartyRow | undefined; team: string | null },
): void {
  if (known === undefined) {
    if (team === null) throw new AdminProblem('out_of_reach', 'Name one of your teams for a new service.');
    return;
  }
  mustBeCharged(services, reach, { id: known.id, team });
}

function mustBeCharged(services: AdminServices, reach: Reach, { id, team }: { id: string; team: string | null }): void {
  if (reach.all || reach.team(chargedTeam(services.teamsOf(id), team))) return;
  throw new AdminProblem('out_of_reach', 'This key would be charged to a team that is not yours: name one of yours.');
}
