import type { FastifyReply } from 'fastify';
import { isId } from '../../kernel/ids.ts';
import { accountPage } from './account-view.ts';
import { DoorFault } from './faults.ts';
import { sendPage } from './page.ts';
import { HOME } from './return-path.ts';
import type { Visit } from './visit.ts';

/** Where whoever is not signed in is sent; from there they come back here. */
const SIGN_IN = '/signin';

/** `GET /account`: who one is here, and where one is signed in. */
export async function showAccount(visit: Visit): Promise<FastifyReply> {
  const { cookies, door, browser, organization } = visit;
  const { session: secret } = cookies;
  const account = secret === null ? null : await door.services.account(secret, browser);
  if (account === null) {
    if (cookies.hasSession) visit.cookie(cookies.dropSession());
    return visit.go(SIGN_IN);
  }
  if (account.renewed !== null) visit.keepSession(account.renewed);
  return sendPage(visit.reply, accountPage({ organization, account, now: door.services.clock.now() }));
}

/** `POST /account/signout`: ends the session of this browser. */
export async function signOut(visit: Visit): Promise<FastifyReply> {
  if (!(await end(visit, null))) return visit.go(SIGN_IN);
  visit.cookie(visit.cookies.dropSession());
  return visit.go('/signin?out');
}

/** `POST /account/sessions/:id/end`: ends one of one's own. */
export async function endSession(visit: Visit): Promise<FastifyReply> {
  const session = visit.part('id', /^ses_/);
  if (session === null || !isId(session, 'ses')) throw new DoorFault('page_unknown');
  return visit.go((await end(visit, session)) ? HOME : SIGN_IN);
}

/** False where nobody is signed in. @throws DoorFault for a form of another session */
async function end(visit: Visit, session: string | null): Promise<boolean> {
  const { cookies, door, browser } = visit;
  const { session: secret } = cookies;
  const csrf = visit.form().get('csrf') ?? '';
  if (secret !== null) {
    if (await door.services.signOut({ secret, csrf, session, browser })) return true;
    const account = await door.services.account(secret, browser);
    // Its secret may just have turned: the browser must learn the new one, or its next request looks like a thief's.
    if (account?.renewed) visit.keepSession(account.renewed);
    if (account !== null) throw new DoorFault('form_late');
  }
  if (cookies.hasSession) visit.cookie(cookies.dropSession());
  return false;
}
