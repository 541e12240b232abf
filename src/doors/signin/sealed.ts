import type { FastifyReply } from 'fastify';
import { DoorFault, TooMany } from './faults.ts';
import { sendPage } from './page.ts';
import { sealedPage } from './views.ts';
import type { Visit } from './visit.ts';

/** Anything else is no sealed secret, and costs neither a look nor one of the few attempts. */
const SECRET = /^ghb_[A-Za-z0-9]{20,200}$/;

/** `GET /signin/sealed`: the way in for when the provider is gone. */
export async function showSealed(visit: Visit): Promise<FastifyReply> {
  const { organization, door } = visit;
  return sendPage(visit.reply, sealedPage({ organization, sealed: await door.services.hasBreakGlass() }));
}

/** `POST /signin/sealed` with `secret`. */
export async function openSealed(visit: Visit): Promise<FastifyReply> {
  const secret = visit.form().get('secret')?.trim() ?? '';
  if (!SECRET.test(secret)) throw new DoorFault('secret_malformed');
  const { services, throttle } = visit.door;
  const { browser } = visit;
  const opening = throttle.open(browser.peer);
  if (opening.wait > 0) throw new TooMany(opening.wait);
  const signedIn = await services.breakGlass({ secret, browser });
  opening.succeeded();
  return visit.enter(signedIn);
}
