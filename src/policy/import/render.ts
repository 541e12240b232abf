import { printable } from '../../kernel/text.ts';
import type { AccessDraft, BudgetDraft, Counts, Draft, PriceDraft, RateDraft } from './draft.ts';

/** Words that YAML would read as something else than text, and characters that end a plain one inside `{ }`. */
const PLAIN = /^[A-Za-z][A-Za-z0-9 ._@/+-]*\*?$/;
const NOT_TEXT = /^(?:true|false|null|yes|no|on|off|~)$/i;

function text(value: string): string {
  return PLAIN.test(value) && !NOT_TEXT.test(value) && value === value.trim() ? value : JSON.stringify(value);
}

function comment(line: string): string {
  return `# ${printable(line)}`;
}

/** The document, YAML. Without anything allowed it allows nothing. */
export function renderPolicy(draft: Draft, title: string): string {
  const sections = [
    [comment(title), ...draft.comments.map(comment)],
    [`time_zone: ${text(draft.timeZone)}`, 'mode: enforce'],
    identity(draft),
    teams(draft),
    models(draft),
    access(draft),
    list('rates', draft.rates.map(rate)),
    list('budgets', draft.budgets.map(budget)),
    list('prices', draft.prices.map(price)),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function identity({ provider }: Draft): string[] {
  if (provider === null) return [];
  const { name, domains, oidc } = provider;
  return [
    'identity:',
    '  providers:',
    `    - name: ${text(name)}`,
    `      domains: [${domains.map(text).join(', ')}]`,
    '      oidc:',
    ...Object.entries(oidc).map(([key, value]) => `        ${key}: ${JSON.stringify(value)}`),
  ];
}

function teams({ teams: names }: Draft): string[] {
  if (names.size === 0) return [];
  return ['teams:', ...[...names].map(([name, why]) => `  ${text(name)}: { members: [] }   ${comment(why)}`)];
}

/** The ceiling repeats what the rules allow, so that a rule added in haste opens nothing else. A ceiling holds 200 names. */
function models({ allowed }: Draft): string[] {
  const ceiling = allowed.length > 0 && allowed.length <= 200;
  return ['models:', ...(ceiling ? [`  allowed: [${allowed.map(text).join(', ')}]`] : []), '  unknown_price: refuse'];
}

/** Rules that say the same of several models become one. */
function access({ access: rules }: Draft): string[] {
  const groups = new Map<string, AccessDraft[]>();
  for (const rule of rules) {
    const id = JSON.stringify([rule.effect, rule.to, rule.waitsFor ?? []]);
    groups.set(id, [...(groups.get(id) ?? []), rule]);
  }
  const lines = [...groups.values()].flatMap((group) => chunks(group).flatMap(ruleLines));
  if (rules.length === 0) lines.push(`  ${comment('Nothing: the input names no model that Gatehouse can reach.')}`);
  return rules.some((rule) => rule.waitsFor === undefined) ? ['access:', ...lines] : ['access: []', ...lines];
}

/** A rule holds 200 names. */
function chunks(group: readonly AccessDraft[]): AccessDraft[][] {
  const count = Math.ceil(group.length / 200);
  return Array.from({ length: count }, (_, i) => group.slice(i * 200, (i + 1) * 200));
}

function ruleLines(group: readonly AccessDraft[]): string[] {
  const [first] = group;
  if (first === undefined) return [];
  const named = group.map((rule) => text(rule.model));
  const models = named.length === 1 ? named.join() : `[${named.join(', ')}]`;
  const line = `- { ${first.effect}: ${models}, to: ${text(first.to)} }`;
  if (first.waitsFor === undefined) return [`  ${line}`];
  const why = `Until the members of ${first.waitsFor.join(', ')} are listed, this rule would reach them too. Then take the # away.`;
  return [`  ${comment(why)}`, `  # ${line}`];
}

function list(name: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${name}:`, ...lines.map((line) => `  - { ${line} }`)];
}

function counts({ who, whom, models: only }: Counts): string[] {
  return [`${who}: ${text(whom)}`, ...(only === null ? [] : [`models: ${text(only)}`])];
}

function rate(line: RateDraft): string {
  const { requests, inputTokens, outputTokens, concurrent } = line;
  return [
    ...counts(line),
    ...(requests === undefined ? [] : [`requests: ${requests}/min`]),
    ...(inputTokens === undefined ? [] : [`input_tokens: ${inputTokens}/min`]),
    ...(outputTokens === undefined ? [] : [`output_tokens: ${outputTokens}/min`]),
    ...(concurrent === undefined ? [] : [`concurrent: ${concurrent}`]),
  ].join(', ');
}

function money(amount: string, period: BudgetDraft['period']): string {
  return `${amount} USD/${period}`;
}

function budget(line: BudgetDraft): string {
  const { limit, period, except, warn, whenSpent } = line;
  const others = [...(except ?? [])].map(([name, amount]) => `${text(name)}: ${money(amount, period)}`);
  return [
    ...counts(line),
    `limit: ${money(limit, period)}`,
    ...(others.length === 0 ? [] : [`except: { ${others.join(', ')} }`]),
    ...(warn === undefined || warn.length === 0 ? [] : [`warn: [${warn.map((mark) => `${mark}%`).join(', ')}]`]),
    ...(whenSpent === undefined ? [] : [`when_spent: ${JSON.stringify(printable(whenSpent, 290))}`]),
  ].join(', ');
}

function price({ model, discount, usd }: PriceDraft): string {
  // In quotes where a reader would turn it into 3e-7.
  const shown = (amount: string) => (/\.\d{7}/.test(amount) ? JSON.stringify(amount) : amount);
  const classes = Object.entries(usd).map(([name, amount]) => `${name}: ${shown(amount)}`);
  return [`models: ${text(model)}`, ...(discount === null ? [] : [`discount: ${discount}`]), ...classes].join(', ');
}

/** What the input says about the way to the provider. */
export interface UpstreamDraft {
  /** Null for the default of the configuration. */
  readonly url: string | null;
  /** `env:NAME` or `file:/path`. */
  readonly key: string;
  /** Milliseconds. */
  readonly firstByte: number | null;
}

/** The `upstream` section of a configuration file. */
export function renderUpstream({ url, key, firstByte }: UpstreamDraft): string {
  return [
    comment('For gatehouse.yaml. The key is a reference: it never stands in the file.'),
    'upstream:',
    ...(url === null ? [] : [`  url: ${JSON.stringify(url)}`]),
    `  key: ${JSON.stringify(key)}`,
    ...(firstByte === null ? [] : [`  first_byte: ${firstByte} ms`]),
    '',
  ].join('\n');
}
