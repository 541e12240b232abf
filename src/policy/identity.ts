import { z } from 'zod';
import { type Context, checkSubject, itemPath } from './context.ts';
import type { IdentityPolicy, SubjectPattern } from './model.ts';
import { providerSchema } from './providers.ts';
import { subjects, type WrittenSubject } from './subjects.ts';
import type { Listed } from './text.ts';

const MAX_PROVIDERS = 50;
const ROLE = 'by `group PROVIDER/NAME`, `team NAME`, e-mail address or `per_…`';

/** `identity`: who people are, and what they may do with Gatehouse itself. */
export const identitySchema = z.strictObject({
  require_sso: z
    .boolean()
    .default(false)
    .describe('People enter only through a provider: their keys and tokens without an identity there stop working.'),
  providers: z
    .array(providerSchema)
    .max(MAX_PROVIDERS)
    .default([])
    .describe('Where people sign in. A domain belongs to one of them.'),
  roles: z
    .strictObject({
      admin: subjects.optional().describe(`Who manages people, policies and audit, ${ROLE}.`),
      auditor: subjects.optional().describe(`Who reads everything and changes nothing, ${ROLE}.`),
    })
    .default({})
    .describe('Roles beside those of the directory; the highest counts. The primary owner is never one of them.'),
});

export type IdentitySection = z.output<typeof identitySchema>;

/** The section; its providers are those of the context. Roles for what is nobody in particular are faults. */
export function compileIdentity(section: IdentitySection | undefined, context: Context): IdentityPolicy {
  const { providers, fault } = context;
  const requireSso = section?.require_sso ?? false;
  if (requireSso && providers.size === 0) {
    fault(['identity', 'require_sso'], 'would let nobody in: there is no provider under identity.providers');
  }
  const role = (name: 'admin' | 'auditor') => roleOf(section?.roles[name], ['identity', 'roles', name], context);
  return { requireSso, providers, roles: { admin: role('admin'), auditor: role('auditor') } };
}

function roleOf(
  written: Listed<WrittenSubject> | undefined,
  path: readonly string[],
  context: Context,
): readonly SubjectPattern[] {
  if (written === undefined) return [];
  return written.items.map(({ pattern }, i) => {
    const own = itemPath(path, written, i);
    const { kind } = pattern;
    if (kind === 'everyone') context.fault(own, 'a role for everyone is none; name a group, a team or people');
    else if (kind === 'service' || kind === 'key') context.fault(own, 'only people have roles');
    else checkSubject(pattern, own, context);
    return pattern;
  });
}
