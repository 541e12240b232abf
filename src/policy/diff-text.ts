import type { AccessChange, LimitChange, PolicyDiff, RoleChange } from './diff.ts';
import { isEmptyDiff } from './diff.ts';
import type { Party } from './diff-groups.ts';
import type { Access, LimitKind } from './diff-view.ts';
import type { Place } from './model.ts';
import { countOf, listed, partyName, placeLine, usdPer } from './wording.ts';

/** A diff for a terminal: what is lost first, for that is what people will call about. */
export function formatDiff(diff: PolicyDiff): string[] {
  const { parties, models, capabilities } = diff.tried;
  const scope = `${parties} people and services, ${models} models and ${capabilities} capabilities were tried.`;
  if (isEmptyDiff(diff)) return [`Nothing changes. ${scope}`];
  const lines: string[] = [];
  for (const change of ['lost', 'changed', 'gained'] as const) {
    for (const entry of diff.access) if (entry.change === change) lines.push(...accessLines(entry));
  }
  for (const entry of diff.limits) lines.push(limitLine(entry));
  for (const { kept, who } of diff.content) {
    lines.push(`Content of calls is ${kept ? 'kept from now on' : 'no longer kept'} for ${whoOf(who)}`);
  }
  for (const { from, to, who } of diff.roles) {
    lines.push(`Role by the policy changes from ${roleText(from)} to ${roleText(to)} for ${whoOf(who)}`);
  }
  return [...lines, scope];
}

function accessLines({ change, names, from, to, by, who }: AccessChange): string[] {
  const how = change === 'changed' ? `changes from ${accessText(from)} to ${accessText(to)} for` : `${change} by`;
  return [
    `${listed(names)}: ${how} ${whoOf(who)}`,
    `  before: ${accessText(from)}, ${byText(by.before)}`,
    `  after: ${accessText(to)}, ${byText(by.after)}`,
  ];
}

function roleText(role: RoleChange['from']): string {
  return role.replace('_', ' ');
}

function accessText({ effect, observed, maxUses }: Access): string {
  const notes = [];
  if (maxUses !== null) notes.push(`at most ${maxUses} uses in a call`);
  if (observed) notes.push('would be refused if enforced');
  return notes.length === 0 ? effect : `${effect} (${notes.join('; ')})`;
}

function byText(place: Place | null): string {
  return place === null ? 'no rule' : placeLine(place);
}

function limitLine({ limit, models, from, to, who }: LimitChange): string {
  const of = models === null ? '' : ` on ${listed(models)}`;
  const show = (value: number | null) => (value === null ? 'none' : limitText(limit, value));
  return `${limitName(limit)}${of} changes from ${show(from)} to ${show(to)} for ${whoOf(who)}`;
}

const NAMES = {
  requests: 'Requests',
  countTokens: 'Token counts',
  inputTokens: 'Input tokens',
  outputTokens: 'Output tokens',
  concurrent: 'Open calls',
};

function limitName({ measure, scope, period }: LimitKind): string {
  const name = measure === 'budget' ? `Budget for ${period === 'lifetime' ? 'life' : `the ${period}`}` : NAMES[measure];
  return `${name} (${scope})`;
}

function limitText({ measure, period }: LimitKind, value: number): string {
  if (measure === 'budget' && period !== null) return usdPer(value, period);
  return measure === 'concurrent' ? `${value}` : `${value}/min`;
}

function whoOf(parties: readonly Party[]): string {
  return `${countOf(parties)}: ${listed(parties.map(partyName))}`;
}
