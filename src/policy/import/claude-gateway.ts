import { covers } from '../patterns.ts';
import { decimal, usdPrice } from './amounts.ts';
import { modelsOf, type Role, writeRoles } from './claude-gateway/roles.ts';
import { DOMAIN, memberOf, readSignIn } from './claude-gateway/sign-in.ts';
import { spendLimits } from './claude-gateway/spend.ts';
import { readUpstreams } from './claude-gateway/upstreams.ts';
import { Draft } from './draft.ts';
import { quoted } from './hidden.ts';
import type { Translated } from './litellm.ts';
import { claudeName, TeamNames } from './names.ts';
import type { Entry } from './source.ts';
import { UpstreamChoice } from './upstream.ts';

/**
 * Translates the `gateway.yaml` of the Claude apps gateway, or the answer of its admin API for spend limits: a list, or one under
 * `data`, `spend_limits` or `admin.spend_limits`.
 */
export function translateClaudeGateway(root: Entry): Translated {
  const draft = new Draft();
  const upstream = new UpstreamChoice();
  const names = new TeamNames();
  const teamOf = (group: string): string => {
    const name = names.of(group);
    // Not written as members: whoever matched no other policy must be seen by a person first.
    const member = memberOf(group, draft);
    const write = member === null ? 'list its members' : `list its members, or write "${member}"`;
    draft.teams.set(name, `group ${quoted(group)}: ${write}`);
    return name;
  };
  readSignIn(root.at('oidc'), draft);
  const admin = root.at('admin');
  const limits = [root, root.at('data'), root.at('spend_limits'), admin.at('spend_limits')];
  spendLimits(limits, { draft, teamOf, message: admin.at('blocked_message') });
  // The answer of the API alone names no models; without a policy about them nothing is allowed.
  if (Array.isArray(root.value) || root.at('data').exists) return { draft, upstream };
  const offered = readUpstreams(root.at('upstreams'), root.at('timeouts'), upstream);
  const catalogue = readCatalogue(root, offered.models);
  const { roles, base } = readPolicies(root, { teamOf, catalogue });
  const gate = offered.groups === null ? null : new Set(offered.groups.map(teamOf));
  writeRoles(roles, base, { draft, catalogue, gate });
  if (roles.length > 1 || roles.some((role) => role.teams.length > 1)) draft.comments.push(FIRST_MATCH);
  prices(root.at('pricing'), draft);
  return { draft, upstream };
}

const FIRST_MATCH =
  'Of a person in several groups the first policy decided; here every rule counts and deny wins. List each person in one team.';

/** The names that the gateway knows: its own list, and every Claude model unless that is turned off. */
function readCatalogue(root: Entry, only: readonly string[] | null): readonly string[] {
  const listed: string[] = [];
  for (const entry of root.at('models').items) {
    const id = entry.at('id').text() ?? '';
    const name = claudeName(id);
    if (name === null) entry.note('untranslated', `${quoted(id)} is not the name of a model at the Claude API`);
    else listed.push(name);
    for (const [upstream, other] of entry.at('upstream_model').fields) {
      const same = other.text() === name;
      if (!same)
        other.note('untranslated', `is the model's name at ${quoted(upstream)}: Gatehouse does not rename models`);
    }
  }
  const builtin = root.at('auto_include_builtin_models');
  if (builtin.flag() === false) return narrowed(listed, only);
  builtin.note(
    'check',
    'every model of Claude is known to the gateway: the rules for all of them say "claude-*", future models included',
  );
  return narrowed(['claude-*'], only);
}

function narrowed(models: readonly string[], only: readonly string[] | null): readonly string[] {
  return only === null ? models : only.filter((name) => models.some((model) => covers(model, name)));
}

interface PolicyContext {
  readonly teamOf: (group: string) => string;
  readonly catalogue: readonly string[];
}

/** The policies by group, and the one that matches everybody. */
function readPolicies(root: Entry, context: PolicyContext): { roles: Role[]; base: Role } {
  const list = root.at('managed').at('policies');
  const roles: Role[] = [];
  let base = null as Role | null;
  for (const entry of list.items) {
    const role = readPolicy(entry, context);
    if (role === null) continue;
    if (role.teams.length > 0) roles.push(role);
    else if (base === null) base = role;
    else if (role.models !== null) {
      entry.remark('changed', 'is a second policy for everybody: only what both allow was taken');
      base = { teams: [], entry: base.entry, models: common(base.models, role.models) };
    }
  }
  return { roles, base: base ?? { teams: [], models: null, entry: list.exists ? list : root } };
}

function isEmpty(match: Entry): boolean {
  return typeof match.value === 'object' && match.value !== null && Object.keys(match.value).length === 0;
}

function common(a: readonly string[] | null, b: readonly string[]): readonly string[] {
  return a === null ? b : a.filter((name) => b.includes(name));
}

/** Null, noted, for a policy that matches by something else than groups and domains: it must not be taken for everybody's. */
function readPolicy(entry: Entry, { teamOf, catalogue }: PolicyContext): Role | null {
  const match = entry.at('match');
  const groups = match.at('groups');
  const domain = match.at('email_domain');
  const found = groups.exists ? (groups.texts() ?? []) : [];
  const teams = found.map(teamOf);
  if (teams.length > 0) {
    const message = `became ${teams.map((team) => `the team "${team}"`).join(', ')}: list the members in the policy`;
    groups.note('changed', message);
  }
  for (const name of domain.exists ? (domain.texts() ?? []) : []) {
    if (teams.length > 0) {
      domain.note('changed', 'Gatehouse does not match by domain: list only members of this domain in the team');
      continue;
    }
    const team = teamOf(`${DOMAIN}${name}`);
    domain.note('changed', `became the team "${team}": list the people of this domain`);
    teams.push(team);
  }
  if (teams.length === 0 && match.exists && !isEmpty(match)) {
    entry.note('untranslated', 'matches by something that is not known here: no rule was written for it');
    return null;
  }
  if (isEmpty(match)) match.use();
  const lists = ['code', 'cli', 'settings']
    .map((name) => entry.at(name).at('availableModels'))
    .filter((item) => item.exists);
  return { teams, models: lists[0] === undefined ? null : modelsOf(lists[0], catalogue), entry };
}

const CLASSES: readonly (readonly [field: string, names: readonly string[]])[] = [
  ['input', ['input']],
  ['output', ['output']],
  ['cache_read', ['cache_read']],
  ['cache_write', ['cache_write_5m']],
];

/** `pricing`: rows become prices where they are of the Claude API; a multiplier below one, after them, is a discount on the rest. */
function prices(pricing: Entry, draft: Draft): void {
  for (const row of pricing.at('overrides').items) priceRow(row, draft);
  const multiplier = pricing.at('multiplier');
  const factor = multiplier.number();
  if (factor === null || factor === 1) return;
  if (factor > 0 && factor < 1) discount(multiplier, factor, draft);
  else {
    const message = 'prices above the list cannot be written as a discount: write them by model under prices';
    multiplier.note('untranslated', message);
  }
}

/** Cut to what a discount can say, so that no price comes out lower than it is. */
function discount(multiplier: Entry, factor: number, draft: Draft): void {
  const percent = Math.floor(Number(((1 - factor) * 1e6).toFixed(3))) / 1e4;
  if (percent > 0) {
    if (draft.prices.length > 0) multiplier.note('check', 'models with a price of their own have no discount on it');
    draft.prices.push({ model: 'claude-*', discount: `${decimal(percent)}%`, usd: {} });
  } else multiplier.note('untranslated', 'is too near to 1 to be written as a discount');
}

function priceRow(row: Entry, draft: Draft): void {
  const name = claudeName(row.at('model').text() ?? '');
  const usd: Record<string, string> = {};
  for (const [field, classes] of CLASSES) {
    const price = row.at(field).exists ? row.at(field).number() : null;
    const written = price === null ? null : usdPrice(price, 0);
    if (written !== null) for (const one of classes) usd[one] = written;
  }
  if (name === null || Object.keys(usd).length === 0 || draft.prices.some((price) => price.model === name)) {
    row.note('untranslated', 'is no price of a model at the Claude API, or the second one of a model');
    return;
  }
  row.at('upstream').note('check', 'prices are those of one upstream at the source: see that it is the Claude API');
  if (row.at('cache_write').exists) {
    row
      .at('cache_write')
      .note('changed', 'became the price of cache writes for 5 minutes; those for 1 hour keep the list price');
  }
  draft.prices.push({ model: name, discount: null, usd });
}
