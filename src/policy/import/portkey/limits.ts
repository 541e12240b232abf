import type { Period } from '../../model.ts';
import { dollars, perMinute } from '../amounts.ts';
import type { Counts, Draft } from '../draft.ts';
import { quoted } from '../hidden.ts';
import { claudeName } from '../names.ts';
import type { Entry } from '../source.ts';

const PERIODS: ReadonlyMap<unknown, Period> = new Map([
  ['daily', 'day'],
  ['weekly', 'week'],
  ['monthly', 'month'],
]);
/** What one organization shares: to count by it is to count everything. */
const SHARED: ReadonlySet<unknown> = new Set(['workspace_id', 'organisation_id', 'provider', 'virtual_key']);
const ADDRESS = /^[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}$/;
const WORDS: ReadonlyMap<unknown, string> = new Map([
  ['rph', 'an hour'],
  ['rpd', 'a day'],
  ['rpw', 'a week'],
]);
const SCOPES: ReadonlyMap<unknown, string> = new Map([
  ['api_key', 'key'],
  ['metadata._user', 'person'],
  ['metadata.team', 'team'],
]);

export interface LimitContext {
  readonly draft: Draft;
  readonly teamOf: (name: string) => string;
}

/** A limit of spending, standing alone (with conditions) or on a credential. */
export function usageLimit(entry: Entry, context: LimitContext): void {
  if (entry.at('type').value !== 'cost') {
    const why = 'is no limit of cost: budgets are in USD, and requests and tokens are limited for a minute only';
    entry.note('untranslated', why);
    return;
  }
  const counts = countsOf(entry, context);
  if (counts === null) return;
  const amount = entry.at('credit_limit');
  const value = amount.number();
  const limit = value === null ? null : dollars(value);
  if (limit === null) {
    entry.note('untranslated', 'is not an amount that a budget can have');
    return;
  }
  const reset = entry.at('periodic_reset');
  const period = reset.exists ? PERIODS.get(reset.value) : 'lifetime';
  if (period === undefined)
    reset.note('changed', 'is no period of Gatehouse: the budget became one for life, which never resets');
  else reset.use();
  entry.at('type').use();
  const warn = marks(entry.at('alert_threshold'), value ?? 0);
  const kept = context.draft.budget({
    ...counts,
    limit,
    period: period ?? 'lifetime',
    ...(warn === null ? {} : { warn }),
  });
  if (!kept) amount.note('changed', 'a tighter budget for the same callers and period was found and stays');
}

/** The alarm as a percentage of the limit. */
function marks(alarm: Entry, limit: number): number[] | null {
  const value = alarm.exists ? alarm.number() : null;
  if (value === null || limit <= 0) return null;
  const percent = Math.floor((value / limit) * 100);
  if (percent < 1 || percent > 99) {
    alarm.note('untranslated', 'is not between 1 % and 99 % of the limit');
    return null;
  }
  if ((percent * limit) / 100 !== value) alarm.note('changed', `became ${percent} % of the limit`);
  return [percent];
}

/** A limit of requests or tokens; only those of a minute have a counterpart. */
export function rateLimit(entry: Entry, context: LimitContext): void {
  const unit = entry.at('unit').value;
  if (unit !== 'rpm') {
    entry.note(
      'untranslated',
      `is a limit for ${WORDS.get(unit) ?? 'another time'}: rates of Gatehouse are those of one minute`,
    );
    return;
  }
  const type = entry.at('type').value;
  if (type !== 'requests' && type !== 'tokens') {
    entry.note('untranslated', 'is a limit of neither requests nor tokens');
    return;
  }
  const value = entry.at('value');
  const number = value.number();
  const limit = number === null ? null : perMinute(number);
  if (limit === null) {
    entry.note('untranslated', 'is not a limit that a rate can have; to refuse everything, deny it in access');
    return;
  }
  const counts = countsOf(entry, context);
  if (counts === null) return;
  for (const field of ['type', 'unit']) entry.at(field).use();
  const tokens = type === 'tokens';
  context.draft.rate(counts, tokens ? { inputTokens: limit, outputTokens: limit } : { requests: limit });
  if (tokens) {
    const message =
      'counts input and output tokens together; Gatehouse counts them apart, so each has this limit: lower one if the sum matters';
    value.note('changed', message);
  }
}

/** Whom a policy counts, from its conditions and its grouping; null, noted, where no line of ours could. */
function countsOf(entry: Entry, { teamOf }: LimitContext): Counts | null {
  let whom: Named | null = null;
  let models: string | null = null;
  for (const condition of entry.at('conditions').items) {
    const read = conditionOf(condition, teamOf);
    if (read === null || (read.whom !== null && whom !== null) || (read.models !== null && models !== null)) {
      entry.note('untranslated', 'counts only some calls, by a condition that no line of a policy can say');
      return null;
    }
    whom ??= read.whom;
    models ??= read.models;
  }
  if (whom === null) return groupedBy(entry, models);
  const groups = entry.at('group_by');
  const key = whom.key;
  const same = keysOf(groups).every((group) => group.value === key);
  if (same) for (const group of keysOf(groups)) group.use();
  else groups.note('changed', `there is one counter for ${quoted(whom.whom)}`);
  return { who: 'for', whom: whom.whom, models };
}

/** The keys of a grouping, written as `[{ key }]` or as a list of names. */
function keysOf(groups: Entry): Entry[] {
  return groups.items.map((group) => (typeof group.value === 'string' ? group : group.at('key')));
}

function groupedBy(entry: Entry, models: string | null): Counts | null {
  const groups = entry.at('group_by');
  const keys = keysOf(groups);
  const own = keys.filter((key) => !SHARED.has(key.value));
  if (own.length === 0) {
    const why = 'one workspace or credential became the whole organization';
    for (const key of keys) key.note('changed', why);
    if (keys.length === 0) entry.remark('changed', why);
    return { who: 'for', whom: 'organization', models };
  }
  const scope = SCOPES.get(own[0]?.value);
  if (scope === undefined || own.length > 1) {
    entry.note('untranslated', 'counts by something that no line of a policy can count by');
    return null;
  }
  for (const key of keys) key.use();
  if (scope !== 'key')
    own[0]?.note('changed', `became each ${scope}, known by the key and not by what the request claims`);
  return { who: 'each', whom: scope, models };
}

/** A person or team, and the setting of the source that names it. */
interface Named {
  readonly key: string;
  readonly whom: string;
}

interface Condition {
  readonly whom: Named | null;
  readonly models: string | null;
}

/** What one condition means: nothing (any value), a person, a team, a model. Null for everything else. */
function conditionOf(condition: Entry, teamOf: (name: string) => string): Condition | null {
  const key = condition.at('key').value;
  const value = condition.at('value');
  const text = value.value;
  if (condition.at('excludes').exists || typeof text !== 'string' || typeof key !== 'string') return null;
  condition.at('key').use();
  value.use();
  if (text === '*' && (SHARED.has(key) || SCOPES.has(key) || key === 'model')) return { whom: null, models: null };
  if (key === 'metadata._user' && ADDRESS.test(text)) {
    value.note('changed', 'the person is known by the key, not by what the request claims');
    return { whom: { key, whom: `person ${text.toLowerCase()}` }, models: null };
  }
  if (key === 'metadata.team' && text !== '*') {
    const team = teamOf(text);
    value.note('changed', `${quoted(text)} became the team "${team}": list its members in the policy`);
    return { whom: { key, whom: `team ${team}` }, models: null };
  }
  if (key === 'workspace_id') {
    value.note('changed', 'one workspace became the whole organization');
    return { whom: null, models: null };
  }
  if (key === 'provider' && text === 'anthropic') return { whom: null, models: null };
  const model = key === 'model' ? claudeName(text.slice(text.indexOf('/') + 1)) : null;
  return model === null ? null : { whom: null, models: model };
}
