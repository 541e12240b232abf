import type { IdentityServices, ProviderReport, SessionListing } from '../../doors/admin/identity-services.ts';
import type { AdminServices } from '../../doors/admin/services.ts';
import { BREAK_GLASS_SETTING } from '../../identity/changes/break-glass.ts';
import type { Principal, Role } from '../../identity/principal.ts';
import { refusalOf } from '../../identity/snapshot.ts';
import { fold } from '../../kernel/text.ts';
import type { IdentityProvider } from '../../policy/model.ts';
import { teamHeadroom, teamMayAsk } from '../policy/teams.ts';
import { teamsOfParty } from '../teams.ts';
import { refuseWithoutSso } from './callers.ts';
import { callbackOf, type SignInParts } from './sign-in.ts';
import { standingOf } from './standing.ts';

/** What the admin door asks about people, roles, sessions and providers. */
export function identityServices(parts: SignInParts): IdentityServices & Pick<AdminServices, 'roleNow'> {
  const { config, state, governance, providers } = parts;
  const { url } = config.listen;
  return {
    publicUrl: url === null ? null : new URL(url),
    standing: (person) => standingOf(governance.keeper.current, person),
    teamsOf: (party) => teamIdsOf(parts, party),
    teamHeadroom: (team) => teamHeadroom(parts, team),
    teamMayAsk: (team, models) => teamMayAsk(parts, team, models),
    sessions: (limit, person) => sessionsOf(parts, limit, person),
    waitingIdentities: (limit) => state.store.waitingIdentities(limit),
    invitations: (limit) => state.store.invitations(limit),
    providers: (base) => providers.all().map((settings) => reportOf(parts, settings, base)),
    testProvider: (name, base) => testProvider(parts, name, base),
    breakGlassSealed: async () => (await state.store.read((tx) => tx.setting(BREAK_GLASS_SETTING))) !== undefined,
    roleNow: (principal) => roleNow(parts, principal),
  };
}

function teamIdsOf({ governance }: SignInParts, party: string): string[] {
  const current = governance.keeper.current;
  return teamsOfParty(current, party).flatMap((name) => current.directory.teamsByName.get(fold(name))?.id ?? []);
}

async function sessionsOf({ state, clock }: SignInParts, limit: number, person?: string): Promise<SessionListing[]> {
  const rows = await state.store.sessions(limit, person);
  const now = clock.now();
  return rows.map((row) => ({
    id: row.id,
    person: row.person,
    provider: row.provider,
    label: row.label,
    createdAt: row.createdAt,
    lastSeenAt: state.sessions.lastSeen(row),
    expiresAt: row.expiresAt,
    revokedAt: row.revokedAt,
    open: state.sessions.isOpen(row, now),
  }));
}

function reportOf({ providers }: SignInParts, settings: IdentityProvider, base: URL | null): ProviderReport {
  const { name, label, kind: protocol, domains } = settings;
  return {
    ...{ name, label, protocol, domains },
    issuer: settings.kind === 'oidc' ? settings.issuer : settings.entityId,
    callback: base === null ? null : callbackOf(settings, base),
    ...providers.stateOf(name),
  };
}

async function testProvider({ providers }: SignInParts, name: string, base: URL) {
  const provider = await providers.open(name);
  if (provider === undefined) return null;
  const points = await provider.client.test({ callback: callbackOf(provider.settings, base) });
  providers.note(name, points.find(({ state }) => state === 'failed')?.message ?? null);
  return points;
}

/** From memory alone, as of this moment. */
function roleNow({ state, governance, clock }: SignInParts, principal: Principal): Role | null {
  const { id, credential } = principal;
  const { directory } = governance.keeper.current;
  const now = clock.now();
  const works =
    credential.kind === 'session'
      ? isOpen(state, credential.id, now)
      : isValid(directory.credentials.get(credential.id), now);
  if (!works || (credential.kind !== 'session' && isShutOut({ governance }, principal))) return null;
  return standingOf(governance.keeper.current, id).role;
}

/** A token that the policy in force has shut out by requiring SSO. */
function isShutOut(parts: Pick<SignInParts, 'governance'>, principal: Principal): boolean {
  try {
    refuseWithoutSso(parts, principal);
    return false;
  } catch {
    return true;
  }
}

function isOpen(state: SignInParts['state'], id: string, now: number): boolean {
  const entry = state.directory.current.sessions.get(id);
  return entry !== undefined && state.sessions.isOpen(entry.session, now);
}

function isValid(entry: Parameters<typeof refusalOf>[0] | undefined, now: number): boolean {
  return entry !== undefined && refusalOf(entry, now) === null;
}
