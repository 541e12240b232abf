import type { FastifyReply } from 'fastify';

/** On every answer below /api, refusals included: nobody but the caller's own program does anything with it, and no cache keeps it. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

export function guardAnswer(reply: FastifyReply): void {
  reply.headers(HEADERS);
}
