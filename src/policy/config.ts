import { z } from 'zod';

/** `policy`: where the policy document comes from. */
export const policyConfig = z.strictObject({
  file: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'A policy document that is watched: what stands in it is in force, and cannot be changed by the API. Without it the policy is what was applied last (gatehouse policy apply).',
    ),
});
