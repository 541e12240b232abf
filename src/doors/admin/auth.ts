import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../identity/principal.ts';
import type { Caller } from '../../journal/bodies.ts';
import { Refusal } from '../../kernel/errors.ts';
import { permits } from './permissions.ts';
import { AdminProblem } from './problems.ts';
import type { AdminServices } from './services.ts';

const callers = new WeakMap<FastifyRequest, Principal>();

/** Whom a refusal is recorded for: the caller, or the owner of a known credential that is not valid here (P1). */
export function knownCallerOf(request: FastifyRequest, error: unknown): Caller | null {
  const principal = callers.get(request);
  if (principal) return { who: principal.id, key: principal.credential.id, team: principal.team };
  return error instanceof Refusal && 'known' in error && isCaller(error.known) ? error.known : null;
}

/** By shape, because doors know identity by interface only. */
function isCaller(value: unknown): value is Caller {
  return typeof value === 'object' && value !== null && 'who' in value && 'key' in value && 'team' in value;
}

/** The id that a change of this request names as its actor. Throws on a public route, where there is none. */
export function actorOf(request: FastifyRequest): string {
  const principal = callers.get(request);
  if (!principal) throw new Refusal('credential_missing');
  return principal.id;
}

/**
 * Decides on headers alone, before a byte of the body is read, so that a stranger cannot make us parse anything.
 * An unknown path is answered only after the same check: what exists here is not told to strangers.
 */
export function checkCaller(services: AdminServices, request: FastifyRequest): void {
  checkOrigin(request);
  const permission = request.is404 ? 'system.read' : request.routeOptions.config.permission;
  if (permission === 'public') return;
  const principal = services.identify(request.headers);
  callers.set(request, principal);
  // The identify service was asked for this door; a slip there must not let a virtual key in.
  if (principal.credential.kind !== 'admin') throw new Refusal('wrong_door');
  if (permission === undefined || !permits(principal.role, permission)) {
    throw new AdminProblem('owner_required', 'This token belongs to a member; the admin API is for owners.');
  }
}

/** A browser says which page a request comes from; another page's script has no business here (DNS rebinding, CSRF). */
function checkOrigin(request: FastifyRequest): void {
  const { origin, host } = request.headers;
  if (origin === undefined) return;
  if (!URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase()) {
    throw new AdminProblem('origin_unexpected', 'The Origin header does not match the address called.');
  }
}
