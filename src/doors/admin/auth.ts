import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../../journal/bodies.ts';
import { Refusal } from '../../kernel/errors.ts';
import { checkForgery, keepRenewed, visitorOf } from './browser.ts';
import { reachFor, roleRequired } from './permissions.ts';
import { AdminProblem } from './problems.ts';
import { reachOfCaller, setReach } from './reach.ts';
import type { AdminCaller, AdminServices } from './services.ts';

const callers = new WeakMap<FastifyRequest, AdminCaller>();

/** Whom a refusal is recorded for: the caller, or the owner of a known credential that is not valid here (P1). */
export function knownCallerOf(request: FastifyRequest, error: unknown): Caller | null {
  const principal = callers.get(request)?.principal;
  if (principal) return { who: principal.id, key: principal.credential.id, team: principal.team };
  return error instanceof Refusal && 'known' in error && isCaller(error.known) ? error.known : null;
}

/** By shape, because doors know identity by interface only. */
function isCaller(value: unknown): value is Caller {
  return typeof value === 'object' && value !== null && 'who' in value && 'key' in value && 'team' in value;
}

/** The verified caller of this request. Throws on a public route, where there is none. */
export function callerOf(request: FastifyRequest): AdminCaller {
  const caller = callers.get(request);
  if (!caller) throw new Refusal('credential_missing');
  return caller;
}

/** The id that a change of this request names as its actor. Throws as callerOf. */
export function actorOf(request: FastifyRequest): string {
  return callerOf(request).principal.id;
}

/**
 * Decides on headers alone, before a byte of the body is read, so that a stranger cannot make us parse anything.
 * An unknown path is answered only after the same check: what exists here is not told to strangers.
 */
export async function checkCaller(
  services: AdminServices,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  checkOrigin(request);
  const { permission } = request.routeOptions.config;
  if (permission === 'public') return;
  const caller = await authenticate(services, request, reply);
  if (!request.is404) authorize(services, request, caller);
}

async function authenticate(
  services: AdminServices,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<AdminCaller> {
  const visitor = visitorOf(request, services.publicUrl);
  const { headers, ip: peer } = request;
  const caller = await services.identify({ headers, session: visitor?.secret ?? null, peer });
  callers.set(request, caller);
  if (visitor !== null) keepRenewed(reply, visitor, { renewed: caller.renewed, now: services.clock.now() });
  // The identify service was asked for this door; a slip there must not let a virtual key in.
  const { kind } = caller.principal.credential;
  if (kind !== (visitor === null ? 'admin' : 'session')) throw new Refusal('wrong_door');
  if (visitor !== null) checkForgery(request, visitor, caller);
  return caller;
}

/** Whoever reaches less than everything gets in only where the route says that it narrows what it shows. */
function authorize(services: AdminServices, request: FastifyRequest, caller: AdminCaller): void {
  const { permission, narrows } = request.routeOptions.config;
  const { role } = caller.principal;
  if (permission === undefined || permission === 'public') throw new Error('this route states no permission');
  const name = reachFor(role, permission);
  if (name === 'none' || (name !== 'all' && narrows !== true)) {
    throw roleRequired(role, permission, narrows ? ['all', 'team', 'own'] : ['all']);
  }
  setReach(request, reachOfCaller(name, caller, services));
}

/** A browser says which page a request comes from; another page's script has no business here (DNS rebinding, CSRF). */
function checkOrigin(request: FastifyRequest): void {
  const { origin, host } = request.headers;
  if (origin === undefined) return;
  if (!URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase()) {
    throw new AdminProblem('origin_unexpected', 'The Origin header does not match the address called.');
  }
}
