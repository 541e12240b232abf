import { timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../../kernel/errors.ts';
import { baseOf, isOwnPost } from '../signin/base.ts';
import { Cookies } from '../signin/cookies.ts';
import { AdminProblem } from './problems.ts';
import type { AdminCaller } from './services.ts';

/** A browser that is signed in, as it shows itself. */
export interface Visitor {
  /** What the cookie holds, whatever a stranger put there. */
  readonly secret: string;
  readonly cookies: Cookies;
  /** Where browsers reach this gateway. */
  readonly base: URL;
}

/**
 * The session that came with a request; null where none did.
 *
 * @throws Refusal `credential_conflict` beside another credential, `credential_malformed` for a cookie that is none of ours;
 *   AdminProblem `origin_unexpected` where another site made the browser ask
 */
export function visitorOf({ headers }: FastifyRequest, publicUrl: URL | null): Visitor | null {
  const base = baseOf(headers, publicUrl);
  if (base === null) return null;
  const cookies = new Cookies(headers, base);
  if (!cookies.hasSession) return null;
  // A browser sends its cookie with whatever a page asks for: which of the two the caller means is nobody's to guess.
  if (headers.authorization !== undefined || headers['x-api-key'] !== undefined) {
    throw new Refusal('credential_conflict');
  }
  const site = headers['sec-fetch-site'];
  // Reading changes nothing, but a link on another page must not make a browser open what is shown here.
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw new AdminProblem('origin_unexpected', 'A page of another site asked for this.');
  }
  const secret = cookies.session;
  if (secret === null) throw new Refusal('credential_malformed');
  return { secret, cookies, base };
}

/** The methods that change nothing (RFC 9110 §9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * A change by cookie must come from a page of ours, and carry the token that only such a page can read.
 *
 * @throws AdminProblem `csrf_missing`
 */
export function checkForgery({ method, headers }: FastifyRequest, { base }: Visitor, { csrf }: AdminCaller): void {
  if (SAFE.has(method)) return;
  if (!isOwnPost(headers, base))
    throw new AdminProblem('csrf_missing', 'The browser does not say that our page asked.');
  const given = headers['x-gatehouse-csrf'];
  if (typeof given !== 'string' || csrf === null || !same(given, csrf)) {
    throw new AdminProblem('csrf_missing', 'The header x-gatehouse-csrf is missing, or of another session.');
  }
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Hands the browser the secret in place of the one it sent: whatever becomes of the request, the old one ends soon. */
export function keepRenewed(
  reply: FastifyReply,
  { cookies }: Visitor,
  { renewed, now }: { readonly renewed: AdminCaller['renewed']; readonly now: number },
): void {
  if (renewed === null) return;
  reply.header('set-cookie', cookies.keepSession(renewed.secret, (renewed.expiresAt - now) / 1000));
}

/** Takes the cookie away, of a session that was just ended. */
export function dropSession({ headers }: FastifyRequest, reply: FastifyReply, publicUrl: URL | null): void {
  const base = baseOf(headers, publicUrl);
  if (base !== null) reply.header('set-cookie', new Cookies(headers, base).dropSession());
}
