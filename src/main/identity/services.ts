import { timingSafeEqual } from 'node:crypto';
import type { Account, Browser, SignInServices } from '../../doors/signin/services.ts';
import { BREAK_GLASS_SETTING } from '../../identity/changes/break-glass.ts';
import { serviceProviderMetadata } from '../../identity/saml/metadata-out.ts';
import { safeText } from '../../kernel/redact.ts';
import type { SessionRow } from '../../store/ports.ts';
import { teamsOfParty } from '../teams.ts';
import { renewed, sessionOf } from './browsers.ts';
import { begin, breakGlass, callbackOf, finish, type SignInParts } from './sign-in.ts';
import { standingOf } from './standing.ts';

/** Most sessions that a person is shown of their own. */
const MOST_SHOWN = 100;

/** What the sign-in door works with. */
export function signInServices(parts: SignInParts): SignInServices {
  const { config, governance, providers, clock, log, state } = parts;
  const { url } = config.listen;
  return {
    clock,
    log,
    publicUrl: url === null ? null : new URL(url),
    organization: () => governance.keeper.current.policy?.organization ?? null,
    providers: () => providers.all().map(({ name, label, kind }) => ({ name, label: label ?? name, protocol: kind })),
    providerOf: (email) => providers.covering(email),
    begin: (input) => begin(parts, input),
    finish: (input) => finish(parts, input),
    breakGlass: (input) => breakGlass(parts, input),
    hasBreakGlass: async () => (await state.store.read((tx) => tx.setting(BREAK_GLASS_SETTING))) !== undefined,
    account: (secret, browser) => accountOf(parts, secret, browser),
    signOut: (input) => signOut(parts, input),
    metadata: (name, base) => metadataFor(parts, name, base),
    turnedAway(code, { peer, userAgent }) {
      state.strangers.count(`signin_${code}`, peer, userAgent === undefined ? null : safeText(userAgent, 200));
    },
  };
}

async function metadataFor({ providers, samlKeys }: SignInParts, name: string, base: URL): Promise<string | null> {
  const settings = providers.all().find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (settings?.kind !== 'saml') return null;
  const { certificate } = await samlKeys();
  return serviceProviderMetadata({ callback: callbackOf(settings, base), certificate });
}

async function accountOf(parts: SignInParts, secret: string, { userAgent }: Browser): Promise<Account | null> {
  const live = sessionOf(parts, { secret, userAgent });
  if ('code' in live) return null;
  const { session } = live;
  const governance = parts.governance.keeper.current;
  const { directory } = governance;
  const { role, reason } = standingOf(governance, session.person);
  return {
    person: session.person,
    email: directory.parties.get(session.person)?.name ?? null,
    role,
    roleReason: reason,
    teams: teamsOfParty(governance, session.person),
    provider: session.provider,
    groups: directory.groupsOf(session.person),
    session: session.id,
    csrf: session.csrf,
    sessions: await openSessions(parts, session.person),
    renewed: await renewed(parts, live),
  };
}

async function openSessions({ state, clock }: SignInParts, person: string): Promise<Account['sessions'][number][]> {
  const rows = await state.store.sessions(MOST_SHOWN, person);
  return rows
    .filter((row) => state.sessions.isOpen(row, clock.now()))
    .map((row: SessionRow) => ({
      id: row.id,
      label: row.label,
      createdAt: row.createdAt,
      lastSeenAt: state.sessions.lastSeen(row),
      expiresAt: row.expiresAt,
    }));
}

async function signOut(
  parts: SignInParts,
  { secret, csrf, session: named, browser }: Parameters<SignInServices['signOut']>[0],
): Promise<boolean> {
  const live = sessionOf(parts, { secret, userAgent: browser.userAgent });
  // Nobody is signed in with it any more, which is what was asked.
  if ('code' in live) return named === null;
  const [given, own] = [Buffer.from(csrf), Buffer.from(live.session.csrf)];
  if (given.length !== own.length || !timingSafeEqual(given, own)) return false;
  const { person } = live.session;
  const target = named ?? live.session.id;
  // Another's session looks like one that is gone.
  if (parts.state.directory.current.sessions.get(target)?.session.person !== person) return true;
  await parts.state.changes.revokeSession({ actor: person, session: target, reason: null });
  return true;
}
