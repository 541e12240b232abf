import { z } from 'zod';
import { exactProduct } from '../kernel/units.ts';
import { when } from './dates.ts';
import { parseSubject } from './subjects.ts';

const name = z.string().min(1).max(320);

/** `okta/eng` → the group as rules name it. */
const group = z
  .string()
  .max(320)
  .transform((text, context): string => {
    const pattern = parseSubject(`group ${text}`);
    if (pattern?.kind === 'group') return pattern.id;
    context.addIssue({ code: 'custom', message: 'write PROVIDER/NAME' });
    return z.NEVER;
  });

/** `300 USD`, `0.50 USD` → micro-dollars; `none` → null. */
const limit = z.string().transform((text, context): number | null => {
  if (text.trim() === 'none') return null;
  const micros = exactProduct(/^(\d{1,9}(?:\.\d{1,6})?) ?USD$/.exec(text.trim())?.[1] ?? '', 1_000_000);
  if (micros !== null) return micros;
  context.addIssue({ code: 'custom', message: 'write an amount such as "300 USD", or none' });
  return z.NEVER;
});

const entry = z.strictObject({
  name: name.optional(),
  person: name.optional(),
  service: name.optional(),
  /** The team that the call is charged to; the caller's first unless given. */
  team: name.optional(),
  /** Teams besides those of the policy: from the identity provider, say. */
  teams: z.array(name).optional(),
  /** `okta/eng-payments`: groups of the person at a provider of the policy. */
  groups: z.array(group).optional(),
  key: name.optional(),
  model: name.optional(),
  capability: name.optional(),
  expect: z.enum(['allow', 'ask', 'deny']).optional(),
  /** Path of the line that must decide; `nothing` for closed by default. */
  by: name.optional(),
  /** When it is asked; a day means its noon in the policy's time zone. */
  at: when.optional(),
  budget: z.enum(['day', 'week', 'month', 'lifetime']).optional(),
  limit: limit.optional(),
});

export type Entry = z.output<typeof entry>;

/** Of a whole file. */
export const assertionsSchema = z.strictObject({ tests: z.array(entry.superRefine(whole)).min(1) });

/** Says what is missing or does not go together: a test that checks less than its author thinks is worse than none. */
function whole(test: Entry, context: z.RefinementCtx): void {
  const wrong = (message: string, key?: keyof Entry) => {
    context.addIssue({ code: 'custom', message, path: key === undefined ? [] : [key] });
  };
  if ((test.person === undefined) === (test.service === undefined)) wrong('give one of person and service');
  if (test.service !== undefined && test.groups !== undefined) wrong('only people are in groups', 'groups');
  if (test.budget !== undefined) {
    if (test.model === undefined) wrong('a test of a budget needs a model');
    if (test.limit === undefined) wrong('a test of a budget needs its limit, such as "300 USD", or none');
    for (const key of ['capability', 'expect', 'by', 'at'] as const) {
      if (test[key] !== undefined) wrong('does not belong to a test of a budget', key);
    }
    return;
  }
  if ((test.model === undefined) === (test.capability === undefined)) wrong('give one of model and capability');
  if (test.expect === undefined) wrong('needs expect (allow, ask or deny), or budget and limit');
  if (test.limit !== undefined) wrong('needs budget: the period it is for', 'limit');
}
