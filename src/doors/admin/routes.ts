import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { Problem } from './problems.ts';

/** The Fastify scope of the admin door: schemas are Zod and handlers are typed from them. */
export type AdminApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

const MEANINGS: Readonly<Record<number, string>> = {
  400: 'The request is not valid; `errors` names the fields.',
  401: 'No valid admin token or session.',
  403: 'This caller may not do this.',
  404: 'There is no such resource.',
  409: 'The request does not fit the present state.',
  412: 'It was changed since the caller looked at it; nothing was changed.',
  413: 'The body is larger than 1 MiB, or 4 MiB where it holds a policy document.',
  415: 'The body is not application/json.',
  422: 'The idempotency key was used for another request.',
  429: 'Too many at once, or too many wrong attempts.',
  500: 'Gatehouse failed.',
  503: 'The part that would answer is not available.',
};

/** A problem as the answer of this status. */
export const problem = (status: number) => ({
  description: MEANINGS[status] ?? 'Refused.',
  content: { 'application/problem+json': { schema: Problem } },
});

type ProblemAnswers = Record<string, ReturnType<typeof problem>>;

/** The `response` part of a route's schema: the answer, and the problems that this route and every other can give. */
export function answers<S extends number, T extends z.ZodType>(
  success: readonly [S, T],
  ...problems: readonly number[]
): Record<S, T> & ProblemAnswers {
  const all = [400, 401, 403, 500, 503, ...problems].sort((a, b) => a - b);
  const declared: ProblemAnswers = Object.fromEntries(all.map((status) => [String(status), problem(status)]));
  return { ...declared, [success[0]]: success[1] } as Record<S, T> & ProblemAnswers;
}

/** Largest body that holds a policy document, bytes: JSON may escape each byte of its one megabyte as three. */
export const DOCUMENT_LIMIT = 4 * 1024 * 1024;
