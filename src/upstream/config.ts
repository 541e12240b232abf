import { z } from 'zod';
import { duration } from '../kernel/units.ts';
import { isSecretReference } from '../secrets/reference.ts';

function hasPassword(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && (url.username !== '' || url.password !== '');
}

/** `upstream`: the provider. */
export const upstreamConfig = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, 'use up to 32 lower-case letters, digits and hyphens')
    .default('anthropic')
    .describe('How records name it.'),
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http or https address' })
    .refine((text) => !hasPassword(text), 'must not hold a user or password; the key is named by upstream.key')
    .default('https://api.anthropic.com')
    .describe('Origin and optional path prefix of an API that speaks the Claude API protocol.'),
  key: z
    .string()
    .refine(
      isSecretReference,
      'must be a reference such as env:ANTHROPIC_API_KEY or file:/run/secrets/anthropic, never the key itself',
    )
    .default('env:ANTHROPIC_API_KEY')
    .describe('Reference to the provider key: env:NAME or file:/path.'),
  connect: duration().default(10_000).describe('Longest wait for a connection.'),
  first_byte: duration().default(600_000).describe('Longest wait for the first byte of an answer.'),
  silence: duration().default(300_000).describe('Longest silence inside an answer.'),
  ping: duration().default(15_000).describe('Silence on a stream after which a ping is sent to the caller.'),
});
