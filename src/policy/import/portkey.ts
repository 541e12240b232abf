import { Draft } from './draft.ts';
import { quoted } from './hidden.ts';
import type { Translated } from './litellm.ts';
import { TeamNames } from './names.ts';
import { type LimitContext, rateLimit, usageLimit } from './portkey/limits.ts';
import { readTarget } from './portkey/targets.ts';
import type { Entry } from './source.ts';
import { UpstreamChoice } from './upstream.ts';

/**
 * Translates a Portkey config (at the root, under `config` or in `configs`) and its limits: policies under `usage_limits` and
 * `rate_limits` (at the root or under `policies`), and those of `virtual_keys`, `providers` and `integrations`.
 */
export function translatePortkey(root: Entry): Translated {
  const draft = new Draft();
  const upstream = new UpstreamChoice();
  const names = new TeamNames();
  const teamOf = (source: string): string => {
    const name = names.of(source);
    draft.teams.set(name, `Portkey metadata.team ${quoted(source)}: list its members`);
    return name;
  };
  const credentials = ['virtual_keys', 'providers', 'integrations'].flatMap((name) => root.at(name).items);
  const providers = readProviders(credentials);
  const configs = [root, root.at('config'), ...root.at('configs').items.flatMap((item) => [item, item.at('config')])];
  for (const config of configs) readTarget(config, { draft, upstream, providers, depth: 0 });
  for (const holder of [root, root.at('policies')]) limitsOf(holder, { draft, teamOf });
  for (const credential of credentials) {
    if (providerOf(credential) === 'anthropic') limitsOf(credential, { draft, teamOf });
    else if (credential.exists)
      credential.note('untranslated', 'is a credential for a provider that Gatehouse does not call');
  }
  return { draft, upstream };
}

function limitsOf(holder: Entry, context: LimitContext): void {
  for (const entry of listOrOne(holder.at('usage_limits'))) usageLimit(entry, context);
  for (const entry of listOrOne(holder.at('rate_limits'))) rateLimit(entry, context);
}

function listOrOne(entry: Entry): Entry[] {
  if (!entry.exists) return [];
  return Array.isArray(entry.value) ? entry.items : [entry];
}

function providerOf(entry: Entry): unknown {
  return entry.at('provider').value ?? entry.at('ai_provider_id').value ?? entry.at('ai_provider').value;
}

function readProviders(credentials: readonly Entry[]): Map<string, string> {
  const providers = new Map<string, string>();
  for (const entry of credentials) {
    const provider = providerOf(entry);
    for (const field of ['slug', 'name']) {
      const slug = entry.at(field).value;
      if (typeof slug === 'string' && typeof provider === 'string') providers.set(slug, provider);
    }
    if (provider === 'anthropic') {
      for (const field of ['slug', 'name', 'provider', 'ai_provider_id', 'ai_provider']) entry.at(field).use();
    }
  }
  return providers;
}
