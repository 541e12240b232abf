import type { Principal } from '../identity/principal.ts';
import { Refusal } from '../kernel/errors.ts';
import { fold } from '../kernel/text.ts';
import { localDay } from '../limits/periods.ts';
import { onceEach, policyTeams } from '../policy/membership.ts';
import type { CompiledPolicy, Subject } from '../policy/model.ts';
import type { Exchange, Party } from './exchange.ts';
import type { Governance } from './governance.ts';
import type { Services } from './services.ts';

/** The caller's choice among its own teams. Checked, then kept from the provider. */
const TEAM_HEADER = 'x-gatehouse-team';

/** Whom this call is booked on: exactly one verified team and its cost centre, on the day it is admitted. */
export function attribute(x: Exchange, s: Services): void {
  x.party.set(partyOf(x, x.governance.value, s.clock.now()));
}

/** @throws Refusal `team_not_yours` when the caller names a team it does not belong to */
export function partyOf(x: Exchange, governance: Governance, now: number): Party {
  const principal = x.principal.value;
  const who = subjectOf({ principal, governance, asked: x.envelope.headers[TEAM_HEADER] });
  const { policy } = governance;
  const { team } = who.subject;
  return {
    ...who,
    booking: {
      day: localDay(now, policy?.timeZone ?? 'UTC'),
      cost_center: team === null ? null : costCenter(policy, team),
    },
  };
}

interface Asking {
  readonly principal: Pick<Principal, 'kind' | 'id' | 'keyTeam'> & {
    readonly credential: Pick<Principal['credential'], 'id'>;
  };
  readonly governance: Pick<Governance, 'policy' | 'directory'>;
  /** The team that the caller names, as the header came. */
  readonly asked: string | readonly string[] | undefined;
}

/** The caller in the words of policy, with the id of the team that is charged. Throws as partyOf. */
export function subjectOf({ principal, governance, asked }: Asking): Pick<Party, 'subject' | 'team'> {
  const { policy, directory } = governance;
  const row = directory.parties.get(principal.id);
  const home = row?.team ? (directory.teams.get(row.team)?.name ?? null) : null;
  const name = row?.name ? fold(row.name) : null;
  // Services have no groups: nobody signs in as one.
  const groups = principal.kind === 'person' ? directory.groupsOf(principal.id) : [];
  const own = policy === null ? [] : policyTeams(policy, { id: principal.id, name, groups });
  // The team of the directory first, then those of the policy.
  const teams = onceEach(home === null ? own : [home, ...own]);
  const keyTeam = principal.keyTeam === null ? undefined : directory.teams.get(principal.keyTeam)?.name;
  const team = asked === undefined ? (memberOf(teams, keyTeam) ?? teams[0] ?? null) : chosen(teams, asked);
  const { kind, id, credential } = principal;
  const subject: Subject = { kind, id, name, key: credential.id, teams, team, groups };
  return { subject, team: team === null ? null : (directory.teamsByName.get(fold(team))?.id ?? null) };
}

function memberOf(teams: readonly string[], wanted: string | undefined): string | undefined {
  return wanted === undefined ? undefined : teams.find((team) => fold(team) === fold(wanted));
}

function chosen(teams: readonly string[], asked: string | readonly string[]): string {
  const team = typeof asked === 'string' ? memberOf(teams, asked.trim()) : undefined;
  if (team === undefined) throw new Refusal('team_not_yours');
  return team;
}

const centersOf = new WeakMap<CompiledPolicy, ReadonlyMap<string, string | null>>();

/** Looked up in what is worked out once a policy: a call does not walk through all teams. */
function costCenter(policy: CompiledPolicy | null, team: string): string | null {
  if (policy === null) return null;
  const known = centersOf.get(policy);
  const centers = known ?? new Map([...policy.teams.values()].map(({ name, costCenter }) => [fold(name), costCenter]));
  if (known === undefined) centersOf.set(policy, centers);
  return centers.get(fold(team)) ?? null;
}
