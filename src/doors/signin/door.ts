import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { endSession, showAccount, signOut } from './account.ts';
import { isOwnPost } from './base.ts';
import { assertion, callback, metadata } from './come-back.ts';
import { DoorFault, doorFault, faultOf } from './faults.ts';
import { Gate } from './gate.ts';
import { guard, sendPage } from './page.ts';
import { placeOf } from './places.ts';
import { openSealed, showSealed } from './sealed.ts';
import type { SignInServices } from './services.ts';
import { showStart, start } from './start.ts';
import { SignInThrottle } from './throttle.ts';
import { faultPage } from './views.ts';
import { browserOf, type Door, Visit } from './visit.ts';

/** The one address that other sites post to. */
const ASSERTION = '/signin/saml/:provider';
/** Its answers hold a whole document in base 64. */
const ASSERTION_LIMIT = 512 * 1024;
const FORM_LIMIT = 8 * 1024;
/** A stranger's answer must be whole by then, milliseconds. */
const ASSERTION_MS = 15_000;

/**
 * Adds the pages by which people sign in (`/signin`, below it) and see who they are (`/account`). Plain pages from the server: they
 * load nothing, and work without scripts.
 */
export async function signInDoor(app: FastifyInstance, services: SignInServices): Promise<void> {
  const throttle = new SignInThrottle(services.clock);
  const door: Door = { services, throttle, gate: new Gate({ most: 128, mostEach: 64 }) };
  await app.register(async (scope) => {
    acceptForms(scope);
    answerFaults(scope, services);
    // On headers alone, before a byte of a form is read.
    scope.addHook('onRequest', async (request, reply) => check(door, request, reply));
    addRoutes(scope, door);
  });
}

function addRoutes(scope: FastifyInstance, door: Door): void {
  const serve = (work: (visit: Visit) => FastifyReply | Promise<FastifyReply>) => {
    return async (request: FastifyRequest, reply: FastifyReply) => work(new Visit(door, request, reply));
  };
  // No HEAD: programs that look at links before people open them would use up an answer that works once.
  const get = { exposeHeadRoute: false };
  const post = { bodyLimit: FORM_LIMIT };
  scope.get(
    '/',
    get,
    serve((visit) => visit.go('/account')),
  );
  scope.get('/signin', get, serve(showStart));
  scope.post('/signin', post, serve(start));
  scope.get('/signin/callback/:provider', get, serve(callback));
  scope.post(ASSERTION, { bodyLimit: ASSERTION_LIMIT }, serve(assertion));
  scope.get(`${ASSERTION}/metadata`, get, serve(metadata));
  scope.get('/signin/sealed', get, serve(showSealed));
  scope.post('/signin/sealed', post, serve(openSealed));
  scope.get('/account', get, serve(showAccount));
  scope.post('/account/signout', post, serve(signOut));
  scope.post('/account/sessions/:id/end', post, serve(endSession));
}

/** @throws DoorFault for a form that another site sent */
function check(door: Door, request: FastifyRequest, reply: FastifyReply): void {
  guard(reply);
  if (request.method !== 'POST') return;
  if (request.routeOptions.url === ASSERTION) admit(door, request, reply);
  else if (!isOwnPost(request.headers, new Visit(door, request, reply).base)) throw new DoorFault('form_foreign');
}

/** Strangers send large forms here: few at once, and each in good time. */
function admit({ gate, services }: Door, request: FastifyRequest, reply: FastifyReply): void {
  const leave = gate.enter(placeOf(request.ip).prefix);
  if (leave === null) throw new DoorFault('busy');
  const { raw } = request;
  const late = setTimeout(() => {
    if (!raw.complete) {
      services.turnedAway('form_slow', browserOf(request));
      raw.destroy();
    }
  }, ASSERTION_MS);
  late.unref();
  reply.raw.once('close', () => {
    clearTimeout(late);
    leave();
  });
}

/** Forms in one media type; everything else would be read by other rules than those of form.ts. */
function acceptForms(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(
    /^application\/x-www-form-urlencoded(;\s*charset="?utf-8"?)?$/i,
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      if (request.headers['content-encoding'] !== undefined) throw new DoorFault('form_invalid');
      return body;
    },
  );
}

function answerFaults(scope: FastifyInstance, services: SignInServices): void {
  scope.setErrorHandler(async (error, request, reply) => {
    const known = faultOf(error);
    const operation = `${request.method} ${request.routeOptions.url ?? 'unknown path'}`;
    if (known === null) services.log.error({ operation, error }, 'signing in failed');
    const fault = known ?? doorFault('unexpected');
    // Failures of the provider's answer are counted, or recorded, where they are found.
    if (known !== null && !isRecorded(error)) services.turnedAway(fault.code, browserOf(request));
    if (fault.wait !== null && fault.wait !== undefined) reply.header('retry-after', String(fault.wait));
    return sendPage(reply, faultPage(services.organization(), fault));
  });
}

function isRecorded(error: unknown): boolean {
  return error instanceof Error && error.name === 'SignInFailure';
}
