import { z } from 'zod';
import { money, moneyFields } from './money.ts';
import type { PolicyReplayed } from './policy-services.ts';
import { caller, mode, Place, period, showPlace } from './policy-views.ts';
import { described, instant, named } from './schemas.ts';

const times = { calls: z.number().int(), first: instant('The first.'), last: instant('The last.') };
const rest = described(z.number().int(), 'Calls outside the groups that are shown.');
const rule = described(z.string().nullable(), 'Place in the document; null for closed by default.');

const Turned = z.object({
  calls: z.number().int(),
  by_rule: z.object({ groups: z.array(z.object({ rule, text: z.string(), ...times })), rest }),
  by_caller: z.object({
    groups: z.array(z.object({ ...caller, ...times })),
    rest,
  }),
});

export const PolicyReplay = named(
  'PolicyReplay',
  z.object({
    from: instant('From when the journal was read.'),
    to: instant('Until when.'),
    records: described(z.number().int(), 'Records that were read.'),
    stopped_early: described(z.boolean(), 'There were more records than are read at once; `to` says how far it came.'),
    decisions: z.object({
      seen: z.number().int(),
      newly_refused: described(Turned, 'Were let through, and would be refused.'),
      newly_allowed: described(Turned, 'Were refused by policy, and would be let through.'),
      unchanged: z.number().int(),
      observed: described(z.number().int(), 'Would be refused if what only observes were enforced.'),
    }),
    budgets: z.object({
      passed: z.array(
        z.object({
          place: Place,
          mode,
          counter: described(z.string(), 'Whose counter: an id, a team, a model, `organization`.'),
          period,
          window: described(z.string(), 'First day of the period; empty for a lifetime.'),
          ...moneyFields('limit', 'Of this counter.'),
          ...moneyFields('spent', 'In the window, as far as it was read.'),
          passed_at: instant('When it was first over the limit.'),
          late: described(z.number().int(), 'Calls that came when nothing was left.'),
        }),
      ),
      rest: described(z.number().int(), 'How many more there are.'),
    }),
    rates: z.object({
      groups: z.array(
        z.object({
          rule: z.string(),
          text: z.string(),
          mode,
          measure: z.enum(['requests', 'count_tokens']),
          limit: z.number().int(),
          counter: z.string(),
          ...times,
        }),
      ),
      rest,
    }),
    lines: described(z.array(z.string()), 'All of it in words.'),
  }),
  'What a candidate would have done with the calls of the past. Only models are asked about, not capabilities.',
);

export function showReplay(replayed: PolicyReplayed): z.infer<typeof PolicyReplay> {
  const { decisions, budgets, rates } = replayed.result;
  return {
    ...{ from: iso(replayed.from), to: iso(replayed.to), records: replayed.records },
    stopped_early: replayed.stoppedEarly,
    decisions: {
      seen: decisions.seen,
      newly_refused: showTurned(decisions.newlyRefused),
      newly_allowed: showTurned(decisions.newlyAllowed),
      ...{ unchanged: decisions.unchanged, observed: decisions.observed },
    },
    budgets: {
      passed: budgets.passed.map(({ place, mode, counter, period, window, limit, spent, at, late }) => ({
        ...{ place: showPlace(place), mode, counter, period, window, passed_at: iso(at), late },
        ...money('limit', limit),
        ...money('spent', spent),
      })),
      rest: budgets.rest,
    },
    rates: {
      groups: rates.over.groups.map(({ of: { rule, text, mode, measure, limit, counter }, ...group }) => ({
        ...{ rule, text, mode, limit, counter, ...showTimes(group) },
        measure: measure === 'requests' ? 'requests' : 'count_tokens',
      })),
      rest: rates.over.rest,
    },
    lines: [...replayed.lines],
  };
}

type Changed = PolicyReplayed['result']['decisions']['newlyRefused'];

function showTurned({ calls, byRule, byPerson }: Changed): z.infer<typeof Turned> {
  return {
    calls,
    by_rule: {
      groups: byRule.groups.map(({ of: { rule, text }, ...group }) => ({ rule, text, ...showTimes(group) })),
      rest: byRule.rest,
    },
    by_caller: {
      groups: byPerson.groups.map(({ of: { kind, id, name }, ...group }) => ({ kind, id, name, ...showTimes(group) })),
      rest: byPerson.rest,
    },
  };
}

function showTimes({ count, first, last }: { count: number; first: number; last: number }) {
  return { calls: count, first: iso(first), last: iso(last) };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
