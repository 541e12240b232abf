import { isTimeZone } from '../dates.ts';
import { Draft } from './draft.ts';
import { quoted } from './hidden.ts';
import { budget, COMMON, limits, rates } from './litellm/limits.ts';
import { allowedBy, type Catalogue, readModels } from './litellm/models.ts';
import { TeamNames } from './names.ts';
import type { Entry } from './source.ts';
import { UpstreamChoice } from './upstream.ts';

/** What a translator yields: the policy under construction and the way to the provider. */
export interface Translated {
  readonly draft: Draft;
  readonly upstream: UpstreamChoice;
}

/** Translates a LiteLLM proxy's `config.yaml`. */
export function translateLitellm(root: Entry): Translated {
  const draft = new Draft();
  const upstream = new UpstreamChoice();
  const teams = new TeamNames();
  const settings = root.at('litellm_settings');
  const catalogue = readModels(root.at('model_list'), draft, upstream);
  organization(root, settings, draft);
  people(settings, draft);
  keysAndTeams(settings, draft);
  const named = namedTeams(settings, { draft, teams, catalogue });
  access(settings, { draft, teams, catalogue, named });
  aliases(root, settings, catalogue);
  return { draft, upstream };
}

function organization(root: Entry, settings: Entry, draft: Draft): void {
  const counts = { who: 'for', whom: 'organization', models: null } as const;
  budget(draft, counts, { amount: settings.at('max_budget'), duration: settings.at('budget_duration') });
  const none = root.at('');
  rates(draft, counts, {
    tokens: none,
    requests: none,
    parallel: root.at('general_settings').at('global_max_parallel_requests'),
  });
  const zone = settings.at('timezone');
  const name = zone.text();
  if (name !== null && isTimeZone(name)) draft.timeZone = name;
  else if (zone.exists) zone.note('untranslated', 'is not the name of a time zone; budgets reset by UTC');
}

function people(settings: Entry, draft: Draft): void {
  const counts = { who: 'each', whom: 'person', models: null } as const;
  const params = settings.at('default_internal_user_params');
  limits(draft, params, { counts, names: COMMON });
  budget(draft, counts, {
    amount: settings.at('max_internal_user_budget'),
    duration: settings.at('internal_user_budget_duration'),
  });
  const amount = params.at('max_budget');
  if (amount.exists) {
    amount.note(
      'changed',
      "also counts what a person's keys for teams spend, which LiteLLM leaves to the team's budget",
    );
  }
}

function keysAndTeams(settings: Entry, draft: Draft): void {
  const keys = { who: 'each', whom: 'key', models: null } as const;
  for (const name of ['default_key_generate_params', 'upperbound_key_generate_params']) {
    limits(draft, settings.at(name), { counts: keys, names: COMMON });
  }
  limits(draft, settings.at('default_team_params'), {
    counts: { who: 'each', whom: 'team', models: null },
    names: COMMON,
  });
}

interface TeamWork {
  readonly draft: Draft;
  readonly teams: TeamNames;
  readonly catalogue: Catalogue;
}

/** Entries of `default_team_settings`: the team, and limits where they stand there. Returns what each team may use. */
function namedTeams(settings: Entry, { draft, teams, catalogue }: TeamWork): Map<string, ReadonlySet<string> | null> {
  const named = new Map<string, ReadonlySet<string> | null>();
  for (const entry of settings.at('default_team_settings').items) {
    const source = entry.at('team_id').text() ?? entry.at('team_alias').text();
    if (source === null) continue;
    const name = addTeam(draft, teams, source);
    entry.at('team_id').note('changed', `became the team "${name}": list its members in the policy`);
    limits(draft, entry, { counts: { who: 'for', whom: `team ${name}`, models: null }, names: COMMON });
    named.set(name, allowedBy(entry.at('models'), catalogue));
  }
  return named;
}

function addTeam(draft: Draft, teams: TeamNames, source: string): string {
  const name = teams.of(source);
  draft.teams.set(name, `LiteLLM team ${quoted(source)}: list its members`);
  return name;
}

interface AccessWork extends TeamWork {
  readonly named: ReadonlyMap<string, ReadonlySet<string> | null>;
}

/**
 * Who may use what. LiteLLM lets every key use every model unless a list restricts it; of several lists that may apply to a
 * caller only what all of them hold is allowed, so that nobody gains a model.
 */
function access(settings: Entry, { draft, teams, catalogue, named }: AccessWork): void {
  const lists = ['default_internal_user_params', 'default_key_generate_params', 'default_team_params'].map((name) => {
    return settings.at(name).at('models');
  });
  const restrictions = lists.map((list) => ({ list, allowed: allowedBy(list, catalogue) }));
  const active = restrictions.filter(({ allowed }) => allowed !== null);
  const permitted = (model: string) => active.every(({ allowed }) => allowed?.has(model));
  for (const { list } of active) {
    list.note('changed', 'holds for everyone now, services too; give more to a team with an access rule of its own');
  }
  for (const model of new Set([...catalogue.byPublicName.values()].flat())) {
    const only = catalogue.onlyFor.get(model);
    if (only !== undefined) {
      for (const team of only) draft.rule({ effect: 'allow', model, to: `team ${addTeam(draft, teams, team)}` });
    } else if (permitted(model)) draft.rule({ effect: 'allow', model, to: 'everyone' });
  }
  for (const [team, allowed] of named) {
    for (const model of allowed ?? []) {
      const elsewhere = catalogue.onlyFor.get(model);
      if (elsewhere === undefined) draft.rule({ effect: 'allow', model, to: `team ${team}` });
    }
  }
}

/** Other names for models: clients have to use the real ones. */
function aliases(root: Entry, settings: Entry, catalogue: Catalogue): void {
  for (const map of [root.at('router_settings').at('model_group_alias'), settings.at('model_alias_map')]) {
    for (const [alias, entry] of map.fields) {
      const target = typeof entry.value === 'string' ? entry.value : entry.at('model').text();
      const real = catalogue.byPublicName.get(target ?? '')?.[0];
      const use =
        real === undefined ? 'its model is none that Gatehouse can reach' : `clients must ask for ${quoted(real)}`;
      const message = `is another name, ${quoted(alias)}: Gatehouse does not rename models; ${use}`;
      entry.note(real === undefined ? 'untranslated' : 'changed', message);
    }
  }
}
