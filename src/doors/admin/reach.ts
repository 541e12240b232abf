import type { FastifyRequest } from 'fastify';
import type { CredentialRow } from '../../store/ports.ts';
import type { AdminCaller, AdminServices } from './services.ts';

/** What a caller may see and change with the permission of the route. Handlers of routes that narrow ask it for everything. */
export interface Reach {
  /** Everybody and everything: the rest answers true to whatever is asked. */
  readonly all: boolean;
  /** `tea_…`: teams that the caller leads. Empty where `all` or only what is the caller's own. */
  readonly teams: ReadonlySet<string>;
  /** Whether this team is one of them. */
  readonly team: (id: string | null) => boolean;
  /** Whether this person or service belongs to one of the teams, or is the caller. */
  readonly person: (id: string) => boolean;
  /** Whether what this person or service spends is charged to one of the teams where nothing else is said. */
  readonly charged: (id: string) => boolean;
  /** Whether this is a virtual key whose calls are charged to one of the teams. Never an admin token: it speaks for its owner. */
  readonly key: (row: Pick<CredentialRow, 'kind' | 'owner' | 'team'>) => boolean;
}

const yes = (): boolean => true;
const no = (): boolean => false;
const NO_TEAMS: ReadonlySet<string> = new Set();
const EVERYTHING: Reach = { all: true, teams: NO_TEAMS, team: yes, person: yes, charged: yes, key: yes };

/** The reach of this name for this caller; `none` is nobody's to ask for. */
export function reachOfCaller(
  name: 'all' | 'team' | 'own',
  { principal, teams }: AdminCaller,
  { teamsOf }: Pick<AdminServices, 'teamsOf'>,
): Reach {
  if (name === 'all') return EVERYTHING;
  if (name === 'own') {
    const self = (id: string): boolean => id === principal.id;
    return { all: false, teams: NO_TEAMS, team: no, person: self, charged: no, key: no };
  }
  const led = new Set(teams);
  const team = (id: string | null): boolean => id !== null && led.has(id);
  return {
    all: false,
    teams: led,
    team,
    person: (id) => teamsOf(id).some(team),
    charged: (id) => team(teamsOf(id)[0] ?? null),
    key: (row) => row.kind === 'key' && team(chargedTeam(teamsOf(row.owner), row.team)),
  };
}

/** The team that a key's calls are charged to: the one it names counts only while its owner belongs to it. */
export function chargedTeam(teams: readonly string[], named: string | null): string | null {
  return named !== null && teams.includes(named) ? named : (teams[0] ?? null);
}

const reaches = new WeakMap<FastifyRequest, Reach>();

export function setReach(request: FastifyRequest, reach: Reach): void {
  reaches.set(request, reach);
}

/** What the caller of this request may see and change. Throws where nobody was asked who that is. */
export function reachOf(request: FastifyRequest): Reach {
  const reach = reaches.get(request);
  if (reach === undefined) throw new Error('no caller was checked for this request');
  return reach;
}
