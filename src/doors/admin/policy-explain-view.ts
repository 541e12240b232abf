import { z } from 'zod';
import { Grant, showGrant } from './grant-view.ts';
import { money, moneyFields } from './money.ts';
import type { PolicyExplained } from './policy-services.ts';
import { caller, effect, mode, Place, period, showPlace } from './policy-views.ts';
import { described, instant, named } from './schemas.ts';
import { Stop, showStop } from './stop-view.ts';
import { type DirectoryView, isoOrNull } from './view.ts';

const place = described(Place.nullable(), 'The line that decides; null when nothing allows.');

const Budget = z.object({
  place: Place,
  counter: described(z.string(), 'What it counts for: an id, a team, a model, `organization`.'),
  period,
  mode,
  ...moneyFields('limit', 'For this caller.'),
  ...moneyFields('granted', 'On top of it, by grants.'),
  known: described(z.boolean(), 'False where its spending is not known: the line is new, or of a candidate.'),
  ...moneyFields('spent', '0 where it is not known.'),
  ...moneyFields('held', 'For calls that run.'),
  resets_at: instant('When it begins anew; null for never.').nullable(),
});

export const PolicyExplanation = named(
  'PolicyExplanation',
  z.object({
    code: described(
      z.string().nullable(),
      'What the gateway would refuse this call with now, such as `stopped`, `not_permitted`, `budget_spent`; null where ' +
        'directory, stops, policy and budgets let it through. Rates and the price of a call are not asked.',
    ),
    revision: described(z.number().int().nullable(), 'Revision that was asked; null for a candidate.'),
    caller: z.object({
      ...caller,
      key: described(z.string().nullable(), 'Null where no key was named and there is not just one.'),
      teams: z.array(z.string()),
      team: described(z.string().nullable(), 'The team that is charged.'),
    }),
    resource: z.object({ kind: z.enum(['model', 'capability']), name: z.string() }),
    mode,
    decision: z.object({
      effect,
      place,
      reason: z.string(),
      because: z.string().nullable(),
      max_uses: z.number().int().nullable(),
      observed: z.array(z.object({ code: z.string(), rule: z.string() })),
    }),
    rules: z.array(
      z.object({
        place: Place,
        effect,
        matched: z.boolean(),
        standing: described(z.string(), 'Such as `decides`, `outranked`, `expired`, `other_subject`.'),
        why: described(z.string().nullable(), 'Why it does not decide.'),
      }),
    ),
    stops: described(z.array(Stop), 'Stops in force for this call, over every policy.'),
    approvals: described(z.array(Grant), 'Approvals in force for this call.'),
    budgets: z.array(Budget),
    rates: z.array(z.object({ place: Place, counter: z.string(), mode })),
    lines: described(z.array(z.string()), 'All of it in words.'),
  }),
  'Why a call is allowed or refused.',
);

export function showExplanation(
  view: DirectoryView,
  { code, revision, explanation, stops, approvals, budgets, lines }: PolicyExplained,
  now: number,
): z.infer<typeof PolicyExplanation> {
  const { subject, resource, decision } = explanation;
  const standings = new Map(budgets.map((budget) => [budget.path, budget]));
  return {
    code,
    revision,
    caller: {
      ...{ kind: subject.kind, id: subject.id, name: subject.name, key: subject.key || null },
      ...{ teams: [...subject.teams], team: subject.team },
    },
    resource: { kind: resource.kind, name: resource.name },
    mode: explanation.mode,
    decision: {
      ...{ effect: decision.effect, place: decision.place && showPlace(decision.place), reason: decision.reason },
      ...{ because: decision.because, max_uses: decision.maxUses },
      observed: decision.observed.map(({ code, rule }) => ({ code, rule })),
    },
    rules: explanation.rules.map((rule) => ({ ...rule, place: showPlace(rule.place) })),
    stops: stops.map((row) => showStop(view, row)),
    approvals: approvals.map((row) => showGrant(view, row, now)),
    budgets: explanation.budgets.map(({ place, counter, period, mode, limit }) => {
      const standing = standings.get(place.path);
      return {
        ...{ place: showPlace(place), counter, period, mode, ...money('limit', limit) },
        ...money('granted', standing?.granted ?? 0),
        known: typeof standing?.spent === 'number',
        ...money('spent', standing?.spent ?? 0),
        ...money('held', standing?.held ?? 0),
        resets_at: isoOrNull(standing?.resetsAt ?? null),
      };
    }),
    rates: explanation.rates.map(({ place, counter, mode }) => ({ place: showPlace(place), counter, mode })),
    lines: [...lines],
  };
}
