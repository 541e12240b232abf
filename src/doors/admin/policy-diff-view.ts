import { z } from 'zod';
import type { LimitChange } from '../../policy/diff.ts';
import type { PolicyDiffed } from './policy-services.ts';
import { caller, effect, Place, period, SCOPES, showPlace } from './policy-views.ts';
import { described, named } from './schemas.ts';

/** Most callers that one entry of a diff names; it counts all of them. */
const SHOWN = 200;

const Who = z.object({
  count: described(z.number().int(), 'How many people and services.'),
  first: described(z.array(z.object(caller)), `The first ${SHOWN} of them, by name.`),
});

const Access = z.object({
  effect,
  observed: described(z.boolean(), 'Allowed, and a rule that only observes would have refused it.'),
  max_uses: described(z.number().int().nullable(), 'Of a capability: most uses in one call; null for no bound.'),
});

const names = described(z.array(z.string()), 'Models or capabilities, sorted; patterns stand for models of tomorrow.');

const POLICY_ROLES = ['admin', 'auditor', 'team_lead', 'member'] as const;

export const PolicyDiff = named(
  'PolicyDiff',
  z.object({
    against: described(z.number().int().nullable(), 'Revision that was compared with; null where none is in force.'),
    newest: described(z.number().int(), 'Newest revision, 0 for none: send it as `expect` to apply what was compared.'),
    empty: described(z.boolean(), 'Nothing changes for anybody, as far as was tried.'),
    access: z.array(
      z.object({
        change: described(
          z.enum(['gained', 'lost', 'changed']),
          'From denied to allowed, the reverse, or another change.',
        ),
        resource: z.enum(['model', 'capability']),
        names,
        from: Access,
        to: Access,
        decided_by: z.object({ before: Place.nullable(), after: Place.nullable() }),
        who: Who,
      }),
    ),
    limits: z.array(
      z.object({
        measure: described(
          z.enum(['budget', 'requests', 'count_tokens', 'input_tokens', 'output_tokens', 'concurrent']),
          'Budgets in micro-dollars, rates in any 60 seconds, `concurrent` in open calls.',
        ),
        scope: z.enum(SCOPES),
        period: period.nullable(),
        models: described(names.nullable(), 'Null for every model that was tried.'),
        from: described(z.number().int().nullable(), 'The smallest that was enforced; null for none.'),
        to: z.number().int().nullable(),
        who: Who,
      }),
    ),
    content: z.array(z.object({ kept: described(z.boolean(), 'Whether content is kept from now on.'), who: Who })),
    roles: described(
      z.array(z.object({ from: z.enum(POLICY_ROLES), to: z.enum(POLICY_ROLES), who: Who })),
      'What the policy makes of people; the directory may give more.',
    ),
    tried: z.object({
      parties: z.number().int(),
      models: z.number().int(),
      capabilities: z.number().int(),
    }),
    lines: described(z.array(z.string()), 'All of it in words.'),
  }),
  'What a change of the policy means for the people and services there are. It says nothing of what was not tried.',
);

const MEASURES = {
  budget: 'budget',
  requests: 'requests',
  countTokens: 'count_tokens',
  inputTokens: 'input_tokens',
  outputTokens: 'output_tokens',
  concurrent: 'concurrent',
} as const satisfies Record<LimitChange['limit']['measure'], string>;

export function showDiff({ against, newest, diff, lines }: PolicyDiffed): z.infer<typeof PolicyDiff> {
  const { access, limits, content, roles, tried } = diff;
  return {
    against,
    newest,
    empty: access.length + limits.length + content.length + roles.length === 0,
    access: access.map(({ change, resource, names, from, to, by, who }) => ({
      ...{ change, resource, names: [...names], from: showAccess(from), to: showAccess(to) },
      decided_by: { before: by.before && showPlace(by.before), after: by.after && showPlace(by.after) },
      who: showWho(who),
    })),
    limits: limits.map(({ limit, models, from, to, who }) => ({
      ...{ measure: MEASURES[limit.measure], scope: limit.scope, period: limit.period },
      ...{ models: models && [...models], from, to, who: showWho(who) },
    })),
    content: content.map(({ kept, who }) => ({ kept, who: showWho(who) })),
    roles: roles.map(({ from, to, who }) => ({ from, to, who: showWho(who) })),
    tried: { ...tried },
    lines: [...lines],
  };
}

type Change = PolicyDiffed['diff']['access'][number];

function showAccess({ effect, observed, maxUses }: Change['from']): z.infer<typeof Access> {
  return { effect, observed, max_uses: maxUses };
}

function showWho(who: Change['who']): z.infer<typeof Who> {
  return { count: who.length, first: who.slice(0, SHOWN).map(({ kind, id, name }) => ({ kind, id, name })) };
}
