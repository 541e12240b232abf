import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Browser, SignedIn, SignInServices } from '../../doors/signin/services.ts';
import type { ProvenIdentity } from '../../identity/ports.ts';
import type { OwnKeys } from '../../identity/saml/own-keys.ts';
import { clientOf } from '../../identity/sessions.ts';
import { SignInFailure } from '../../identity/sign-in-failure.ts';
import type { IdentityProvider } from '../../policy/model.ts';
import type { DoorParts } from '../doors.ts';
import { recordRefusal } from '../refusals.ts';
import type { Sealer } from '../sealer.ts';
import { type Flow, openFlow, sealFlow } from './flows.ts';
import type { OpenProvider, Providers } from './providers.ts';

/** How long somebody may take at the provider. */
const FLOW_MS = 600_000;
/** The break-glass owner puts things right and leaves. */
const BREAK_GLASS_MS = 3_600_000;

export interface SignInParts extends DoorParts {
  readonly providers: Providers;
  readonly flows: Sealer;
  /** Of this installation, made when first needed. */
  readonly samlKeys: () => Promise<OwnKeys>;
}

type Begin = Parameters<SignInServices['begin']>[0];
type Finish = Parameters<SignInServices['finish']>[0];

/** Where the provider sends the browser back to. */
export function callbackOf({ kind, name }: Pick<IdentityProvider, 'kind' | 'name'>, base: URL): string {
  return new URL(kind === 'oidc' ? `/signin/callback/${name}` : `/signin/saml/${name}`, base).href;
}

/** Sends the browser to the provider. */
export async function begin(parts: SignInParts, input: Begin): ReturnType<SignInServices['begin']> {
  const { provider: name, base, returnTo, loginHint, browser } = input;
  return recorded({ ...parts, browser, operation: 'begin sign-in' }, async () => {
    const provider = await known(parts.providers, name);
    const state = randomBytes(32).toString('base64url');
    const callback = callbackOf(provider.settings, base);
    const { location, remember } = await noted(parts.providers, name, () =>
      provider.client.begin({ callback, state, loginHint }),
    );
    const endsAt = parts.clock.now() + FLOW_MS;
    const flow = sealFlow(parts.flows, { provider: provider.settings.name, state, returnTo, remember, endsAt });
    return { location, state, flow, endsAt };
  });
}

/** Takes what the browser brought back, and opens a session for whom it proves. */
export async function finish(parts: SignInParts, input: Finish): Promise<SignedIn> {
  return recorded({ ...parts, browser: input.browser, operation: 'finish sign-in' }, async () => {
    const provider = await known(parts.providers, input.provider);
    const flow = flowOf(parts, provider, input);
    const { base, parameters } = input;
    const remembered = flow?.remember ?? null;
    const callback = callbackOf(provider.settings, base);
    const proven = await noted(parts.providers, input.provider, () =>
      provider.client.finish({ callback, parameters, remembered }),
    );
    const session = await admit(parts, { provider, proven, browser: input.browser });
    return { session, returnTo: flow?.returnTo ?? '/account' };
  });
}

/** The sealed way in: whoever uses it is heard. */
export async function breakGlass(
  parts: SignInParts,
  { secret, browser }: Parameters<SignInServices['breakGlass']>[0],
): Promise<SignedIn> {
  return recorded({ ...parts, browser, operation: 'break glass' }, async () => {
    const { person } = await parts.state.changes.useBreakGlass({ secret });
    parts.log.error({ alarm: 'break_glass', person }, 'ALARM: the sealed way in of the primary owner was used');
    const { client, label } = clientOf(browser.userAgent);
    const session = await parts.state.changes.openSession({
      person,
      provider: null,
      client,
      label,
      until: null,
      longestMs: BREAK_GLASS_MS,
    });
    return { session, returnTo: '/account' };
  });
}

async function admit(
  parts: SignInParts,
  { provider, proven, browser }: { provider: OpenProvider; proven: ProvenIdentity; browser: Browser },
): Promise<SignedIn['session']> {
  const { settings } = provider;
  const { state, providers, config } = parts;
  // As it is compared everywhere: a blank at its end must not make it somebody else's domain.
  const capturedBy = proven.email === null ? null : providers.covering(proven.email.trim());
  // What SAML asserts it vouches for: it has no word for an address that was not checked.
  const trustsEmail = settings.kind === 'saml' || settings.trustsEmail;
  const { person, endsAt } = await state.changes.admitIdentity({ proven, capturedBy, trustsEmail });
  const { client, label } = clientOf(browser.userAgent);
  const ends = [proven.until, endsAt].filter((end) => end !== null);
  return state.changes.openSession({
    person,
    provider: settings.name,
    client,
    label,
    until: ends.length === 0 ? null : Math.min(...ends),
    longestMs: config.signin.longest,
  });
}

/** Failures that are the provider's, or of its settings; all others are of one person. */
const PROVIDERS_OWN = new Set(['provider_unreachable', 'provider_misconfigured']);

async function noted<T>(providers: Providers, name: string, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    providers.note(name, null);
    return result;
  } catch (error) {
    if (error instanceof SignInFailure && PROVIDERS_OWN.has(error.code)) providers.note(name, error.detail);
    throw error;
  }
}

async function known(providers: Providers, name: string): Promise<OpenProvider> {
  const provider = await providers.open(name);
  if (provider === undefined) throw new SignInFailure('provider_unknown', 'the policy in force has no such provider');
  return provider;
}

/** The sign-in that this browser began; null where none is needed. */
function flowOf(parts: SignInParts, { settings }: OpenProvider, { flow: sealed, parameters }: Finish): Flow | null {
  if (sealed === null) {
    if (settings.kind === 'saml' && settings.unsolicited) return null;
    throw new SignInFailure('browser_changed', 'the browser brought no sign-in of its own');
  }
  const flow = openFlow(parts.flows, sealed, parts.clock.now());
  if (flow === null) throw new SignInFailure('browser_changed', 'the sign-in is over or was not begun here');
  const came = parameters.get(settings.kind === 'oidc' ? 'state' : 'RelayState') ?? '';
  // A response of one provider must not end a sign-in that was begun at another (mix-up).
  if (flow.provider !== settings.name || !same(came, flow.state)) {
    throw new SignInFailure('browser_changed', 'the state is not that of the sign-in which this browser began');
  }
  return flow;
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

interface Watched extends SignInParts {
  readonly browser: Browser;
  readonly operation: string;
}

/** Every refusal is counted, and recorded where it is proven whom it concerns (P1). */
async function recorded<T>(parts: Watched, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SignInFailure)) throw error;
    const { browser, operation, log, state } = parts;
    const { code, detail, person } = error;
    log.warn({ operation, code, detail, person }, 'somebody was not signed in');
    const team = person === null ? null : (state.directory.current.parties.get(person)?.team ?? null);
    const record = await recordRefusal(parts, {
      action: 'signin',
      caller: person === null ? null : { who: person, key: 'sign-in', team },
      code: `signin_${code}`,
      status: 403,
      detail,
      operation,
      headers: { 'user-agent': browser.userAgent },
      peer: browser.peer,
    });
    throw new SignInFailure(code, detail, { person, record, cause: error });
  }
}
