import { covers } from '../../patterns.ts';
import { usdPrice } from '../amounts.ts';
import type { Counts, Draft } from '../draft.ts';
import { quoted } from '../hidden.ts';
import { modelOf } from '../names.ts';
import type { Entry } from '../source.ts';
import type { UpstreamChoice } from '../upstream.ts';
import { budget, rates } from './limits.ts';

/** The models of the file by the name that clients use; only those that Gatehouse can reach. */
export interface Catalogue {
  readonly byPublicName: ReadonlyMap<string, readonly string[]>;
  /** Of `model_info.team_id`: models that one team alone may use. */
  readonly onlyFor: ReadonlyMap<string, ReadonlySet<string>>;
}

interface Found {
  readonly byPublicName: Map<string, string[]>;
  readonly onlyFor: Map<string, Set<string>>;
  /** Models that a deployment offers to everybody. */
  readonly open: Set<string>;
}

/** Reads `model_list`: what can be reached, at which address, for how much, how fast. */
export function readModels(list: Entry, draft: Draft, upstream: UpstreamChoice): Catalogue {
  const found: Found = { byPublicName: new Map(), onlyFor: new Map(), open: new Set() };
  for (const deployment of list.items) readDeployment(deployment, found, { draft, upstream });
  for (const name of found.open) found.onlyFor.delete(name);
  return found;
}

function readDeployment(entry: Entry, found: Found, into: { draft: Draft; upstream: UpstreamChoice }): void {
  const params = entry.at('litellm_params');
  const info = entry.at('model_info');
  const publicName = entry.at('model_name').text();
  const model = params.at('model').text() ?? '';
  const name = modelOf(model, params.at('custom_llm_provider').text());
  if (name.kind !== 'claude') {
    const what =
      name.kind === 'elsewhere' ? `Claude at ${quoted(name.provider)}` : `${quoted(model)}, which is not Claude`;
    entry.note('untranslated', `is ${what}: Gatehouse reaches Claude at the Claude API only`);
    return;
  }
  if (info.at('blocked').flag() === true || params.at('blocked').flag() === true) {
    entry.note('changed', 'is blocked and was left out');
    return;
  }
  into.upstream.offer({ base: params.at('api_base'), key: params.at('api_key'), firstByte: null });
  const counts: Counts = { who: 'for', whom: 'organization', models: name.name };
  readLimits(params, counts, into.draft);
  readPrices([params, info], name.name, into.draft);
  if (model.includes('*'))
    params.at('model').note('check', `allows every model that ${quoted(name.name)} fits, also future ones`);
  remember(found, { publicName: publicName ?? model, name: name.name, info });
  if (publicName !== null && publicName !== name.name && !publicName.includes('*')) {
    const message = `clients must ask for ${quoted(name.name)}: Gatehouse does not rename models`;
    entry.at('model_name').note('changed', message);
  }
}

function remember(found: Found, { publicName, name, info }: { publicName: string; name: string; info: Entry }): void {
  found.byPublicName.set(publicName, [...(found.byPublicName.get(publicName) ?? []), name]);
  const team = info.at('team_id').text();
  if (team === null) found.open.add(name);
  else found.onlyFor.set(name, new Set([...(found.onlyFor.get(name) ?? []), team]));
}

function readLimits(params: Entry, counts: Counts, draft: Draft): void {
  budget(draft, counts, { amount: params.at('max_budget'), duration: params.at('budget_duration') });
  const requests = params.at('rpm');
  rates(draft, counts, { tokens: params.at('tpm'), requests, parallel: params.at('max_parallel_requests') });
  if (requests.exists) {
    const message =
      'was the limit of one deployment; it became one for all calls to the model, the lowest where there are several';
    requests.note('changed', message);
  }
}

const CLASSES: readonly (readonly [field: string, name: string])[] = [
  ['input_cost_per_token', 'input'],
  ['output_cost_per_token', 'output'],
  ['cache_creation_input_token_cost', 'cache_write_5m'],
  ['cache_creation_input_token_cost_above_1hr', 'cache_write_1h'],
  ['cache_read_input_token_cost', 'cache_read'],
];

/** Prices a token become prices a million tokens. A price of zero would make budgets blind, so it is not taken. */
function readPrices(places: readonly Entry[], model: string, draft: Draft): void {
  const usd: Record<string, string> = {};
  for (const place of places) {
    for (const [field, name] of CLASSES) {
      const entry = place.at(field);
      const price = entry.exists ? entry.number() : null;
      if (price === null) continue;
      const written = usdPrice(price, 6);
      if (written !== null) usd[name] = written;
      else
        entry.note(
          'untranslated',
          'is zero, which would hide spending from budgets, or no price: the list price holds',
        );
    }
  }
  if (Object.keys(usd).length === 0) return;
  if (!draft.prices.some((price) => price.model === model)) draft.prices.push({ model, discount: null, usd });
  else places[0]?.remark('changed', `${quoted(model)} has prices at another deployment too: those of the first hold`);
}

/** What a list such as `models: [sonnet, claude-*]` allows of the catalogue; null where it restricts nothing. */
export function allowedBy(list: Entry, catalogue: Catalogue): ReadonlySet<string> | null {
  const names = list.exists ? list.texts() : null;
  if (names === null || names.length === 0 || names.some((name) => /^(?:\*|all-proxy-models)$/.test(name))) return null;
  const allowed = new Set<string>();
  for (const [i, name] of names.entries()) {
    if (name === 'no-default-models') continue;
    const found = [...catalogue.byPublicName].filter(([group]) => covers(name, group) || group === name);
    for (const [, models] of found) for (const model of models) allowed.add(model);
    if (found.length === 0) {
      const place = list.items[i] ?? list;
      place.note('untranslated', `${quoted(name)} names no model of this file that Gatehouse can reach`);
    }
  }
  return allowed;
}
