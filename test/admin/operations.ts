/** Every route of the admin door, with who may use it, written by hand: what the code says of itself is not asked. */
import type { Role } from '../../src/identity/principal.ts';
import type { PartyRow } from '../../src/store/ports.ts';
import { grant, stop } from '../store/rows.ts';
import { type Method, NOW, openDoor } from './fake.ts';

export const ROLES: readonly Role[] = ['primary_owner', 'admin', 'auditor', 'team_lead', 'member'];

/** Who may, at all: a team lead within the team, and everybody with what is their own. */
const MAY = {
  everyone: ['primary_owner', 'admin', 'auditor', 'team_lead', 'member'],
  readers: ['primary_owner', 'admin', 'auditor'],
  readersAndLeads: ['primary_owner', 'admin', 'auditor', 'team_lead'],
  admins: ['primary_owner', 'admin'],
  adminsAndLeads: ['primary_owner', 'admin', 'team_lead'],
  owner: ['primary_owner'],
} as const satisfies Record<string, readonly Role[]>;

export interface Operation {
  readonly name: string;
  readonly route: string;
  readonly method: Method;
  readonly url: string;
  readonly body?: unknown;
  readonly may: readonly Role[];
  /** Outbox rows that it leaves. */
  readonly records: number;
  /** A POST that changes nothing. */
  readonly asks: boolean;
  /** What others hear: what is somebody else's looks like nothing to those who reach their own alone. */
  readonly refused: readonly [status: number, code: string];
}

/** Not walked with credentials: they need none. */
export const PUBLIC = { claimOwner: 'POST /api/owner', getOpenapi: 'GET /api/openapi.json' };
/** Walked last: whoever did it is not who they were. */
export const LAST = ['transferOwner', 'endSession'];

type Door = Awaited<ReturnType<typeof openDoor>>;

export interface Walk {
  readonly door: Door;
  /** `per_…` of somebody of every role. */
  readonly callers: Readonly<Record<Role, string>>;
  /** In the team of the lead. */
  readonly mate: PartyRow;
  /** In no team; changes befall this person. */
  readonly victim: PartyRow;
  /** `key_…` of a service of the team. */
  readonly key: string;
  /** `rec_…`. */
  readonly record: string;
}

/** A house with somebody of every role, and something for every operation to work on. `lena` leads Payments, where `maria` is. */
export async function openWalk(): Promise<Walk> {
  const door = await openDoor({
    // Nobody waits for an end that does not come.
    follow: async function* () {},
  });
  const { world, owner } = door;
  const { people } = world;
  const team = world.team('Payments');
  const named = (name: string, change = {}) => world.party(`${name}@example.com`, change);
  const lena = named('lena');
  people.roles.set(lena.id, 'team_lead');
  people.leads.set(lena.id, [team.id]);
  const callers = {
    primary_owner: owner.id,
    admin: named('adam', { role: 'admin' }).id,
    auditor: named('audrey', { role: 'auditor' }).id,
    team_lead: lena.id,
    member: named('mike').id,
  } as const satisfies Record<Role, string>;
  const mate = named('maria', { team: team.id });
  const victim = named('vic');
  people.headroom.set(team.id, 1_000_000_000);
  const bot = world.party('bot', { kind: 'service', team: team.id });
  const key = world.credential(bot.id).row.id;
  world.policies.put('access: [{ allow: "*", to: everyone }]');
  world.stops.push(stop({ target: 'session', subject: 's1' }));
  world.grants.push(grant({ scope: 'team', subject: team.id, endsAt: NOW + 86_400_000 }));
  const issuer = 'https://acme.okta.com';
  const waits = {
    provider: 'okta',
    issuer,
    email: 'vic@example.com',
    person: victim.id,
    firstSeenAt: NOW,
    lastSeenAt: NOW,
  };
  people.waiting.push({ id: wai(1), subject: 'u1', ...waits }, { id: wai(2), subject: 'u2', ...waits });
  const known = { provider: 'okta', issuer, subject: 'u0', person: victim.id, email: null, groups: ['eng'] };
  people.identities.push({ ...known, linkedBy: 'sign-in', createdAt: NOW, lastSignInAt: null });
  await world.services().changes.invite({
    ...{ actor: owner.id, email: 'guest@example.net', provider: 'adfs', sponsor: owner.id },
    ...{ endsAt: NOW + 86_400_000, reason: null },
  });
  const author = named('ada', { role: 'admin' });
  for (const n of [1, 2, 3]) propose(door, author.id, n);
  world.changes.length = 0;
  return { door, callers, mate, victim, key, record: aRecord(door) };
}

const wai = (n: number) => `wai_${String(n).padStart(26, '0')}`;
const chg = (n: number) => `chg_${String(n).padStart(26, '0')}`;

/** Written by somebody who asks for nothing in the walk; the third goes over to whoever withdraws it. */
function propose({ world }: Door, author: string, n: number): void {
  const text = `access: [{ allow: claude-${n}, to: everyone }]`;
  const times = { createdAt: NOW, expiresAt: NOW + 86_400_000 };
  const open = { decision: null, decidedBy: null, decidedAt: null, reason: null, restores: null };
  world.policies.proposals.push({
    ...{ id: chg(n), base: 1, text, sha256: 'ab', author, kinds: ['controls'] },
    ...{ ...times, ...open },
  });
}

function aRecord({ world }: Door): string {
  const at = '2026-11-24T11:00:00.000Z';
  world.records.push({ seq: 1, prev: '00', id: `rec_${'0'.repeat(26)}`, at, kind: 'intent' as const });
  return `rec_${'0'.repeat(26)}`;
}

const END = { hours: '3 days' };

/** In an order in which all of them succeed; `ownSession` is one of whoever asks. */
export function operations(walk: Walk, ownSession: string): Operation[] {
  const { door, key, record, mate, victim } = walk;
  const { world } = door;
  const grantId = world.grants[0]?.id ?? '';
  const stopId = world.stops[0]?.id ?? '';
  const invitation = world.people.invitations[0]?.id ?? '';
  const question = { person: mate.id, model: 'm' };
  const found: Operation[] = [];
  const add = (
    may: readonly Role[],
    [name, route, url]: readonly [name: string, route: string, url?: string],
    more: Partial<Operation> = {},
  ): void => {
    const [method = '', path = ''] = route.split(' ');
    found.push({
      ...{ name, route: `${method} /api${path}`, method: method as Method, url: `/api${url ?? path}`, may },
      ...{ records: 0, asks: false, refused: [403, 'role_required'], ...more },
    });
  };
  const vic = `/people/${victim.id}`;
  add(MAY.everyone, ['getSession', 'GET /session']);
  add(MAY.everyone, ['getOwnUsage', 'GET /account/usage']);
  add(MAY.everyone, ['listSessions', 'GET /sessions']);
  add(MAY.everyone, ['revokeSession', 'DELETE /sessions/:id', `/sessions/${ownSession}`], { records: 1 });
  add(MAY.readersAndLeads, ['listPeople', 'GET /people']);
  add(MAY.readersAndLeads, ['getPerson', 'GET /people/:id', `/people/${mate.id}`]);
  add(MAY.readersAndLeads, ['listTeams', 'GET /teams']);
  add(MAY.readers, ['listRoles', 'GET /roles']);
  add(MAY.readers, ['getRole', 'GET /people/:id/role', `${vic}/role`]);
  add(MAY.readers, ['getOwner', 'GET /owner']);
  add(MAY.readersAndLeads, ['listKeys', 'GET /keys']);
  add(MAY.readersAndLeads, ['getKey', 'GET /keys/:id', `/keys/${key}`]);
  add(MAY.readers, ['listIdentities', 'GET /identities']);
  add(MAY.readers, ['listWaitingIdentities', 'GET /identities/waiting']);
  add(MAY.readers, ['listInvitations', 'GET /invitations']);
  add(MAY.readers, ['getInvitation', 'GET /invitations/:id', `/invitations/${invitation}`]);
  add(MAY.readers, ['listIdentityProviders', 'GET /identity-providers']);
  add(MAY.readers, ['getIdentityProvider', 'GET /identity-providers/:name', '/identity-providers/okta']);
  add(MAY.admins, ['testIdentityProvider', 'POST /identity-providers/:name/test', '/identity-providers/okta/test'], {
    asks: true,
  });
  add(MAY.readers, ['searchAudit', 'GET /audit']);
  add(MAY.readers, ['getAuditHead', 'GET /audit/head']);
  add(MAY.readers, ['getAuditRecord', 'GET /audit/:id', `/audit/${record}`]);
  // Reading what somebody said is itself recorded.
  add(MAY.admins, ['getAuditContent', 'GET /audit/:id/content', `/audit/${record}/content`], { records: 1 });
  add(MAY.readers, ['followEvents', 'GET /events']);
  add(MAY.readersAndLeads, ['getUsage', 'GET /usage']);
  add(MAY.readersAndLeads, ['getForecast', 'GET /usage/forecast']);
  add(MAY.readersAndLeads, ['getUnusualSpending', 'GET /usage/unusual']);
  add(MAY.readers, ['getHealth', 'GET /health']);
  add(MAY.readers, ['listStops', 'GET /stops']);
  add(MAY.readers, ['getStop', 'GET /stops/:id', `/stops/${stopId}`]);
  add(MAY.readersAndLeads, ['listGrants', 'GET /grants']);
  add(MAY.readersAndLeads, ['getGrant', 'GET /grants/:id', `/grants/${grantId}`]);
  add(MAY.readers, ['getPolicy', 'GET /policy']);
  add(MAY.readers, ['listPolicyRevisions', 'GET /policy/revisions']);
  add(MAY.readers, ['getPolicyRevision', 'GET /policy/revisions/:revision', '/policy/revisions/1']);
  add(MAY.readers, ['checkPolicy', 'POST /policy/check'], { body: { text: '{}' }, asks: true });
  add(MAY.readers, ['diffPolicy', 'POST /policy/diff'], { body: { text: '{}' }, asks: true });
  add(MAY.readers, ['explainPolicy', 'POST /policy/explain'], { body: question, asks: true });
  add(MAY.readers, ['replayPolicy', 'POST /policy/replay'], { body: { text: '{}' }, asks: true });
  add(MAY.readers, ['listProposals', 'GET /proposals']);
  add(MAY.readers, ['getProposal', 'GET /proposals/:id', `/proposals/${chg(1)}`]);
  add(MAY.readersAndLeads, ['listBudgets', 'GET /budgets']);
  add(MAY.admins, ['addPerson', 'POST /people'], { body: { email: 'new@example.com' }, records: 1 });
  add(MAY.admins, ['addTeam', 'POST /teams'], { body: { name: 'Build' }, records: 1 });
  add(MAY.admins, ['setPersonTeam', 'POST /people/:id/team', `${vic}/team`], { body: { team: 'build' }, records: 1 });
  add(MAY.admins, ['setRole', 'PUT /people/:id/role', `${vic}/role`], { body: { role: 'auditor' }, records: 1 });
  add(MAY.adminsAndLeads, ['createKey', 'POST /keys'], { body: { service: 'bot' }, records: 1 });
  add(MAY.adminsAndLeads, ['rotateKey', 'POST /keys/:id/rotate', `/keys/${key}/rotate`], { records: 1 });
  add(MAY.adminsAndLeads, ['revokeKey', 'POST /keys/:id/revoke', `/keys/${key}/revoke`], { records: 1 });
  add(MAY.admins, ['disablePerson', 'POST /people/:id/disable', `${vic}/disable`], { records: 1 });
  add(MAY.admins, ['enablePerson', 'POST /people/:id/enable', `${vic}/enable`], { records: 1 });
  const unlink = `/identities/${IDENTITY}/unlink`;
  add(MAY.admins, ['unlinkIdentity', 'POST /identities/:id/unlink', unlink], { records: 1 });
  const waiting = (n: number, verb: string) => `/identities/waiting/${wai(n)}/${verb}`;
  add(MAY.admins, ['linkWaitingIdentity', 'POST /identities/waiting/:id/link', waiting(1, 'link')], { records: 1 });
  add(MAY.admins, ['discardWaitingIdentity', 'POST /identities/waiting/:id/discard', waiting(2, 'discard')], {
    records: 1,
  });
  const guest = { email: 'new@example.net', provider: 'okta', ...END };
  add(MAY.admins, ['invite', 'POST /invitations'], { body: guest, records: 1 });
  const invited = (verb: string) => `/invitations/${invitation}/${verb}`;
  add(MAY.admins, ['extendInvitation', 'POST /invitations/:id/extend', invited('extend')], { body: END, records: 1 });
  add(MAY.admins, ['revokeInvitation', 'POST /invitations/:id/revoke', invited('revoke')], { records: 1 });
  const theirs = `${vic}/sessions/revoke`;
  add(MAY.admins, ['revokeSessionsOf', 'POST /people/:id/sessions/revoke', theirs], {
    records: 1,
    refused: [404, 'resource_unknown'],
  });
  add(MAY.admins, ['erasePerson', 'POST /people/:id/erase', `${vic}/erase`], { records: 1 });
  const everything = { target: 'everything', reason: 'incident' };
  add(MAY.admins, ['makeStop', 'POST /stops'], { body: everything, records: 1 });
  add(MAY.admins, ['liftStop', 'POST /stops/:id/lift', `/stops/${stopId}/lift`], { records: 1 });
  const more = { kind: 'budget', for: mate.id, usd: '5', hours: '8 h', reason: 'end of quarter' };
  add(MAY.adminsAndLeads, ['makeGrant', 'POST /grants'], { body: more, records: 1 });
  add(MAY.adminsAndLeads, ['revokeGrant', 'POST /grants/:id/revoke', `/grants/${grantId}/revoke`], { records: 1 });
  const proposal = (n: number, verb: string) => `/proposals/${chg(n)}/${verb}`;
  add(MAY.admins, ['rejectProposal', 'POST /proposals/:id/reject', proposal(2, 'reject')], { records: 1 });
  add(MAY.admins, ['withdrawProposal', 'POST /proposals/:id/withdraw', proposal(3, 'withdraw')], { records: 1 });
  // The decision, and the policy that it puts in force.
  add(MAY.admins, ['approveProposal', 'POST /proposals/:id/approve', proposal(1, 'approve')], { records: 2 });
  add(MAY.admins, ['applyPolicy', 'POST /policy/apply'], { body: { text: '{}' }, records: 1 });
  add(MAY.admins, ['rollbackPolicy', 'POST /policy/rollback'], { body: { revision: 1 }, records: 1 });
  add(MAY.admins, ['rebuildUsage', 'POST /usage/rebuild'], { records: 1 });
  add(MAY.admins, ['createBackup', 'POST /backup'], { body: { name: 'monday' }, records: 1 });
  add(MAY.owner, ['sealBreakGlass', 'POST /owner/break-glass'], { records: 1 });
  add(MAY.owner, ['transferOwner', 'POST /owner/transfer'], { body: { to: 'adam@example.com' }, records: 1 });
  add(MAY.everyone, ['endSession', 'DELETE /session'], { records: 1 });
  return found;
}

/** SHA-256 of `["okta","u0"]`, its first 32 digits: computed beside the code. */
const IDENTITY = 'cb3b546ac1748d545580795dd866d32b';
