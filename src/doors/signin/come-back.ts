import type { FastifyReply } from 'fastify';
import { isOwnPost } from './base.ts';
import { DoorFault, isSignInFailure, TooMany } from './faults.ts';
import { type Fields, FormFault } from './form.ts';
import { sendPage } from './page.ts';
import type { SignedIn } from './services.ts';
import { PROVIDER } from './start.ts';
import { sendAgainPage } from './views.ts';
import type { Visit } from './visit.ts';

/** Base 64 (SAML bindings §3.5.4), with the line ends that some providers put in. */
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** Ours is 43 characters; of a response that nobody asked for it may be an address. */
const RELAY_STATE = /^[\x20-\x7e]{0,1024}$/;

interface Return {
  readonly provider: string;
  readonly parameters: URLSearchParams;
  readonly state: string;
}

/** `GET /signin/callback/:provider`: the answer of an OpenID provider. */
export async function callback(visit: Visit): Promise<FastifyReply> {
  const provider = providerOf(visit);
  const { url = '' } = visit.request.raw;
  // Before anything is read strictly: whatever comes of it, the sign-in that this belongs to is over.
  const state = new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('state') ?? '';
  visit.cookie(...visit.cookies.dropFlow(state));
  return comeBack(visit, { provider, parameters: new URLSearchParams([...visit.query()]), state });
}

/**
 * `POST /signin/saml/:provider`: the answer of a SAML provider. From its site, browsers send none of our cookies: it is sent again from
 * ours, once, and only then looked at.
 */
export async function assertion(visit: Visit): Promise<FastifyReply> {
  const provider = providerOf(visit);
  const form = visit.form();
  const response = responseOf(form);
  const relayState = form.get('RelayState') ?? null;
  if (relayState !== null && !RELAY_STATE.test(relayState)) throw new FormFault('it says where it belongs by no text');
  if (!isOwnPost(visit.request.headers, visit.base)) {
    // It says that we sent it, and we did not.
    if (form.has('again')) throw new DoorFault('form_foreign');
    const { organization } = visit;
    return sendPage(
      visit.reply,
      sendAgainPage({ organization, action: `/signin/saml/${provider}`, response, relayState }),
    );
  }
  const parameters = new URLSearchParams({ SAMLResponse: response });
  if (relayState !== null) parameters.set('RelayState', relayState);
  const state = relayState ?? '';
  visit.cookie(...visit.cookies.dropFlow(state));
  return comeBack(visit, { provider, parameters, state });
}

/** `GET /signin/saml/:provider/metadata`: what a SAML provider is given to know us by. */
export async function metadata(visit: Visit): Promise<FastifyReply> {
  const xml = await visit.door.services.metadata(providerOf(visit), visit.base);
  if (xml === null) throw new DoorFault('page_unknown');
  return visit.reply.type('application/samlmetadata+xml').send(xml);
}

function providerOf(visit: Visit): string {
  const provider = visit.part('provider', PROVIDER);
  if (provider === null) throw new DoorFault('page_unknown');
  return provider;
}

function responseOf(form: Fields): string {
  const response = (form.get('SAMLResponse') ?? '').replace(/[\r\n\t ]/g, '');
  if (!BASE64.test(response)) throw new FormFault('it holds no response');
  return response;
}

async function comeBack(visit: Visit, { provider, parameters, state }: Return): Promise<FastifyReply> {
  const { services, throttle } = visit.door;
  const { base, browser } = visit;
  const kept = visit.cookies.flow(state);
  const [flow = null, mark = null] = kept?.split('.', 2) ?? [];
  const arrival = throttle.arrive(browser.peer);
  if (arrival.wait > 0) throw new TooMany(arrival.wait);
  let signedIn: SignedIn;
  try {
    signedIn = await services.finish({ provider, base, parameters, flow, browser });
  } catch (error) {
    const wait = arrival.failed(isSignInFailure(error) ? error.person : null);
    throw wait > 0 ? new TooMany(wait) : error;
  }
  arrival.succeeded(mark);
  return visit.enter(signedIn);
}
