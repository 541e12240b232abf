import type { GrantRow } from '../../store/ports.ts';
import { findGrant } from './grant-view.ts';
import { AdminProblem } from './problems.ts';
import { chargedTeam, type Reach } from './reach.ts';
import type { AdminServices } from './services.ts';
import type { DirectoryView } from './view.ts';

type Whom = Pick<GrantRow, 'scope' | 'subject'>;
type Wanted = Whom & Pick<GrantRow, 'kind' | 'models' | 'micros'>;

/** Whether this grant is for a team within reach, or for a person, service or key that is charged to one. */
export function isWithin(reach: Reach, view: DirectoryView, { scope, subject }: Whom): boolean {
  if (reach.all) return true;
  if (subject === null) return false;
  if (scope === 'team') return reach.team(subject);
  if (scope === 'person' || scope === 'service') return reach.charged(subject);
  const key = scope === 'key' ? view.credentials.find(({ id }) => id === subject) : undefined;
  return key !== undefined && reach.key(key);
}

/**
 * Refuses a grant that is wider than what its author could be refused themselves: a lead raises nobody above what is left to the team,
 * never the team's own budget, and approves only what the policy lets the team ask for.
 *
 * @throws AdminProblem `out_of_reach`
 */
export function mustBeWithin(
  services: AdminServices,
  reach: Reach,
  { view, wanted }: { readonly view: DirectoryView; readonly wanted: Wanted },
): void {
  if (reach.all) return;
  if (!isWithin(reach, view, wanted)) {
    throw new AdminProblem(
      'out_of_reach',
      'Grants of yours are for your teams, and for who and what is charged to them.',
    );
  }
  const team = teamOf(services, view, wanted);
  if (wanted.kind === 'approval') mustBeAskable(services, team, wanted.models ?? '');
  else mustBeLeft(services, team, wanted);
}

/** The team whose limits bound the grant. */
function teamOf(services: AdminServices, view: DirectoryView, { scope, subject }: Whom): string {
  if (scope === 'team') return subject ?? '';
  const key = scope === 'key' ? view.credential(subject ?? '') : null;
  const teams = services.teamsOf(key?.owner ?? subject ?? '');
  return chargedTeam(teams, key?.team ?? null) ?? '';
}

function mustBeAskable(services: AdminServices, team: string, models: string): void {
  if (services.teamMayAsk(team, models)) return;
  throw new AdminProblem('out_of_reach', 'The policy does not let this team ask for these models.');
}

function mustBeLeft(services: AdminServices, team: string, { scope, micros }: Wanted): void {
  // Each such grant would raise the very limit that bounds the next.
  if (scope === 'team') throw new AdminProblem('out_of_reach', 'More for a whole team is for an admin to grant.');
  const left = services.teamHeadroom(team);
  if (left === null) throw new AdminProblem('out_of_reach', 'This team has no budget of its own to give from.');
  if ((micros ?? Number.POSITIVE_INFINITY) <= left) return;
  throw new AdminProblem('out_of_reach', 'This is more than what is left of the team’s own budget.');
}

/** The grant with this id, where it is within reach. @throws AdminProblem `resource_unknown` */
export async function grantWithin(services: AdminServices, reach: Reach, id: string): Promise<GrantRow> {
  const { row, view } = await findGrant(services, id);
  if (!isWithin(reach, view, row)) throw new AdminProblem('resource_unknown', 'There is no grant with this id.');
  return row;
}
