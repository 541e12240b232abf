import type { FastifyReply } from 'fastify';
import { DoorFault, TooMany } from './faults.ts';
import { FormFault } from './form.ts';
import { sendPage } from './page.ts';
import { returnPath } from './return-path.ts';
import { leavePage, startPage } from './views.ts';
import type { Visit } from './visit.ts';

/** Names of providers, as the policy takes them. */
export const PROVIDER = /^[A-Za-z0-9-]{1,32}$/;
/** Enough to find a domain by; the provider knows whether the address is one. */
const EMAIL = /^[^\s@<>"]{1,64}@[^\s@<>"]{1,190}$/;
/** Sealed, in base 64 for addresses; a cookie holds 4 KB with its name. */
const FLOW = /^[A-Za-z0-9_-]{1,3800}$/;

/** `GET /signin`: where everybody begins. `return` names the page of ours to go on to. */
export function showStart(visit: Visit): FastifyReply {
  const query = visit.query();
  return offer(visit, { asked: query.get('return'), typed: null, signedOut: query.has('out') });
}

/** `POST /signin` with `provider`, or with `email`, whose domain finds the provider: nobody learns whether there is such a person. */
export async function start(visit: Visit): Promise<FastifyReply> {
  const form = visit.form();
  const named = form.get('provider') ?? null;
  const email = form.get('email')?.trim() ?? null;
  if ((named === null) === (email === null)) throw new FormFault('it names not one way');
  if (named !== null && !PROVIDER.test(named)) throw new FormFault('no provider has such a name');
  if (email !== null && !EMAIL.test(email)) throw new FormFault('it is no address');
  const { services, throttle } = visit.door;
  const { wait, mark } = throttle.start(visit.browser.peer, email);
  if (wait > 0) throw new TooMany(wait);
  const provider = named ?? services.providerOf(email ?? '');
  if (provider === null) return offer(visit, { asked: form.get('return'), typed: email, signedOut: false });
  return leave(visit, { provider, mark, email, returnTo: returnPath(form.get('return'), visit.base) });
}

function offer(
  visit: Visit,
  { asked, typed, signedOut }: { asked: string | undefined; typed: string | null; signedOut: boolean },
): FastifyReply {
  const { organization, base, door } = visit;
  const providers = door.services.providers();
  return sendPage(
    visit.reply,
    startPage({ organization, providers, returnTo: returnPath(asked, base), typed, signedOut }),
  );
}

async function leave(
  visit: Visit,
  {
    provider,
    mark,
    email,
    returnTo,
  }: { provider: string; mark: string | null; email: string | null; returnTo: string },
): Promise<FastifyReply> {
  const { services } = visit.door;
  const { base, browser, organization } = visit;
  const begun = await services.begin({ provider, base, returnTo, loginHint: email, browser });
  if (!FLOW.test(begun.flow)) throw new Error('a sign-in under way does not fit a cookie');
  const location = new URL(begun.location);
  // A page opens whatever a document names, scripts too.
  if (location.protocol !== 'https:' && location.protocol !== 'http:') throw new DoorFault('unexpected');
  const seconds = (begun.endsAt - services.clock.now()) / 1000;
  visit.cookie(...visit.cookies.keepFlow(begun.state, mark === null ? begun.flow : `${begun.flow}.${mark}`, seconds));
  return sendPage(visit.reply, leavePage({ organization, location }));
}
