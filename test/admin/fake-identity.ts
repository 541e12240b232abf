/** People, sessions and providers behind the admin door, in memory. Verbs refuse nothing: that is tested with the real ones. */
import { createHash, randomBytes } from 'node:crypto';
import type { IdentityChanges, IdentityServices, ProviderReport } from '../../src/doors/admin/identity-services.ts';
import type { AdminCaller } from '../../src/doors/admin/services.ts';
import type { CheckedPoint } from '../../src/identity/ports.ts';
import type { Principal, Role } from '../../src/identity/principal.ts';
import { Refusal } from '../../src/kernel/errors.ts';
import { newId } from '../../src/kernel/ids.ts';
import type {
  IdentityRow,
  InvitationRow,
  PartyRow,
  SessionRow,
  TeamRow,
  WaitingIdentityRow,
} from '../../src/store/ports.ts';

interface Around {
  now: number;
  parties: PartyRow[];
  teams: TeamRow[];
  set(rows: 'parties', id: string, change: object): void;
}

type Session = SessionRow & { readonly secret: string };

/** As identity's: a refusal that knows whose session it was. */
class SessionRefusal extends Refusal {
  readonly known: object | null;
  constructor(code: 'session_ended' | 'session_elsewhere', known: object | null) {
    super(code);
    this.known = known;
  }
}

export class People {
  identities: IdentityRow[] = [];
  waiting: WaitingIdentityRow[] = [];
  invitations: InvitationRow[] = [];
  sessions: Session[] = [];
  /** What the policy gives, by person. */
  readonly roles = new Map<string, Role>();
  /** Teams that somebody leads, by person. */
  readonly leads = new Map<string, string[]>();
  /** Teams by the policy, beside that of the directory, which comes first. */
  readonly memberships = new Map<string, string[]>();
  readonly headroom = new Map<string, number>();
  /** `team models` that a lead may approve. */
  readonly askable = new Set<string>();
  providers: Omit<ProviderReport, 'callback'>[] = [
    {
      ...{ name: 'okta', label: 'Acme sign-in', protocol: 'oidc', domains: ['acme.com'] },
      ...{ issuer: 'https://acme.okta.com', state: 'ok', trouble: null },
    },
    {
      ...{ name: 'adfs', label: null, protocol: 'saml', domains: [] },
      ...{ issuer: null, state: 'untried', trouble: null },
    },
  ];
  points: CheckedPoint[] = [{ point: 'discovery', state: 'ok', message: 'The provider answers.' }];
  tested: [string, string][] = [];
  sealed = false;
  /** The next requests by session get this secret in place of theirs. */
  renewed: AdminCaller['renewed'] = null;
  publicUrl: URL | null = null;
  readonly #world: Around;

  constructor(world: Around) {
    this.#world = world;
  }

  session(person: string, change: Partial<SessionRow> = {}): Session {
    const { now } = this.#world;
    const secret = randomBytes(32).toString('base64url');
    const row: Session = {
      id: newId('ses', this.#world.now++),
      person,
      provider: 'okta',
      digest: createHash('sha256').update(secret).digest('hex'),
      previous: null,
      rotatedAt: now,
      client: 'c',
      label: 'Firefox on Linux',
      csrf: randomBytes(32).toString('base64url'),
      createdAt: now,
      lastSeenAt: now,
      expiresAt: now + 86_400_000,
      revokedAt: null,
      secret,
      ...change,
    };
    this.sessions.push(row);
    return row;
  }

  /** Who is behind a cookie. */
  signedIn(secret: string): AdminCaller {
    const session = this.sessions.find((row) => row.secret === secret);
    if (session === undefined) throw new SessionRefusal('session_ended', null);
    const known = { who: session.person, key: session.id, team: null };
    if (!this.#isOpen(session)) throw new SessionRefusal('session_ended', known);
    const owner = this.#world.parties.find(({ id }) => id === session.person);
    if (owner === undefined) throw new SessionRefusal('session_ended', known);
    const { id, kind, team } = owner;
    const credential = { id: session.id, kind: 'session', expires: session.expiresAt } as const;
    const principal: Principal = { kind, id, team, keyTeam: null, role: this.#role(id), credential, snapshot: 'd1' };
    return { ...this.standing(principal), csrf: session.csrf, renewed: this.renewed };
  }

  /** The caller with what the policy makes of them. */
  standing(principal: Principal): AdminCaller {
    const role = this.#role(principal.id);
    return {
      principal: { ...principal, role },
      teams: this.leads.get(principal.id) ?? [],
      roleReason: this.#reason(principal.id),
      csrf: null,
      renewed: null,
    };
  }

  roleNow({ id, credential }: Principal, worksToken: (id: string) => boolean): Role | null {
    const session = this.sessions.find((row) => row.id === credential.id);
    const works = credential.kind === 'session' ? session && this.#isOpen(session) : worksToken(credential.id);
    return works ? this.#role(id) : null;
  }

  #isOpen({ person, revokedAt, expiresAt }: SessionRow): boolean {
    const party = this.#world.parties.find(({ id }) => id === person);
    return revokedAt === null && expiresAt > this.#world.now && party?.disabledAt === null;
  }

  #role(id: string): Role {
    return this.roles.get(id) ?? this.#world.parties.find((row) => row.id === id)?.role ?? 'member';
  }

  #reason(id: string): string {
    return this.roles.has(id) ? 'group okta/platform' : 'assigned in the directory';
  }

  services(): IdentityServices {
    const { publicUrl } = this;
    return {
      publicUrl,
      standing: (id) => ({ role: this.#role(id), reason: this.#reason(id), leads: new Set(this.leads.get(id)) }),
      teamsOf: (id) => {
        const home = this.#world.parties.find((row) => row.id === id)?.team;
        return [...(home ? [home] : []), ...(this.memberships.get(id) ?? [])];
      },
      teamHeadroom: (team) => this.headroom.get(team) ?? null,
      teamMayAsk: (team, models) => this.askable.has(`${team} ${models}`),
      sessions: async (limit, person) =>
        this.sessions
          .filter((row) => person === undefined || row.person === person)
          .toReversed()
          .slice(0, limit)
          .map((row) => ({ ...row, open: this.#isOpen(row) })),
      waitingIdentities: async (limit) => this.waiting.toReversed().slice(0, limit),
      invitations: async (limit) => this.invitations.toReversed().slice(0, limit),
      providers: (base) =>
        this.providers.map((report) => ({
          ...report,
          callback: base === null ? null : new URL(`/signin/callback/${report.name}`, base).href,
        })),
      testProvider: async (name, base) => {
        if (!this.providers.some((report) => report.name === name.toLowerCase())) return null;
        this.tested.push([name, base.href]);
        return this.points;
      },
      breakGlassSealed: async () => this.sealed,
    };
  }

  verbs(record: (name: string) => void): IdentityChanges {
    const { now } = this.#world;
    const change = <T extends { id: string }>(rows: T[], id: string, with_: Partial<T>): void => {
      const at = rows.findIndex((row) => row.id === id);
      rows[at] = { ...rows[at], ...with_ } as T;
    };
    return {
      linkIdentity: async ({ actor, waiting }) => {
        const row = this.waiting.find(({ id }) => id === waiting);
        if (row === undefined) throw new Error('nobody waits');
        const { provider, subject, issuer, email, person } = row;
        const linked = { groups: [], linkedBy: actor, createdAt: now, lastSignInAt: null };
        this.identities.push({ provider, subject, issuer, email, person, ...linked });
        this.waiting = this.waiting.filter(({ id }) => id !== waiting);
        record('identity.linked');
        return { person };
      },
      unlinkIdentity: async ({ provider, subject }) => {
        this.identities = this.identities.filter((row) => row.provider !== provider || row.subject !== subject);
        record('identity.unlinked');
      },
      discardWaiting: async ({ waiting }) => {
        this.waiting = this.waiting.filter(({ id }) => id !== waiting);
        record('identity.discarded');
      },
      invite: async ({ actor, email, provider, sponsor, endsAt }) => {
        const id = newId('inv', this.#world.now++);
        const row = { id, email, provider, sponsor, actor, createdAt: now, endsAt, person: null, revokedAt: null };
        this.invitations.push(row);
        record('invitation.made');
        return { id };
      },
      extendInvitation: async ({ invitation, endsAt }) => {
        change(this.invitations, invitation, { endsAt });
        record('invitation.extended');
      },
      revokeInvitation: async ({ invitation }) => {
        change(this.invitations, invitation, { revokedAt: now });
        record('invitation.revoked');
      },
      revokeSession: async ({ session }) => {
        change(this.sessions, session, { revokedAt: this.#world.now });
        record('session.revoked');
      },
      revokeSessionsOf: async ({ person }) => {
        for (const { id } of this.sessions.filter((row) => row.person === person)) {
          change(this.sessions, id, { revokedAt: this.#world.now });
        }
        record('sessions.revoked');
      },
      setRole: async ({ person, role }) => {
        this.#world.set('parties', person, { role });
        record('role.changed');
      },
      transferOwner: async ({ actor, to }) => {
        this.#world.set('parties', actor, { role: 'admin' });
        this.#world.set('parties', to, { role: 'primary_owner' });
        record('owner.transferred');
      },
      sealBreakGlass: async () => {
        this.sealed = true;
        record('break_glass.sealed');
        return { secret: `ghb_${'Z'.repeat(40)}` };
      },
    };
  }
}
