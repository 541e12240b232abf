import { z } from 'zod';
import type { TwoPeopleKind } from './model.ts';

const KINDS = ['credentials', 'content', 'controls', 'billing'] as const satisfies readonly TwoPeopleKind[];

/** `two_people`: what of the policy an author proposes and somebody else approves. */
export const twoPeopleSchema = z
  .array(z.enum(KINDS))
  .max(KINDS.length)
  .optional()
  .describe(
    'Changes of the policy that somebody else must approve: `credentials` (providers, their secrets, roles), `content` (more is kept), `controls` (a restriction becomes weaker), `billing` (prices, budgets of the organization). The list in force counts.',
  );
