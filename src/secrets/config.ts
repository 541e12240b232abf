import { z } from 'zod';
import { isSecretReference } from './reference.ts';

/** `secrets`: which references the policy may use, and where their values may go. */
export const secretsConfig = z.strictObject({
  allow: z
    .array(
      z.strictObject({
        reference: z
          .string()
          .max(500)
          .refine(isSecretReference, {
            error: 'must be a reference, such as env:OKTA_SECRET or file:/etc/gatehouse/okta',
          })
          .describe('A reference to a secret, `env:NAME` or `file:/path`, as the policy writes it.'),
        for: z
          .string()
          .max(253)
          .regex(/^[a-z0-9.-]+$/, 'must be the name of a host in lower case, such as acme.okta.com')
          .describe('The one host that the value is used for.'),
      }),
    )
    .max(1000)
    .default([])
    .describe(
      'References that the policy may name, each for one host. Whoever writes policy could otherwise have any secret of this machine sent to a host of their own.',
    ),
});
