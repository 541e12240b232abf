import { quoted } from '../hidden.ts';
import { claudeName } from '../names.ts';
import type { Entry } from '../source.ts';
import type { UpstreamChoice } from '../upstream.ts';

export interface Offered {
  /** Groups whose members alone are served; null when everybody is. */
  readonly groups: readonly string[] | null;
  /** Models that alone are served; null for all. */
  readonly models: readonly string[] | null;
}

/** Reads `upstreams`: Anthropic's own becomes ours. Where there is none, what the others serve still says who may use what. */
export function readUpstreams(list: Entry, timeouts: Entry, upstream: UpstreamChoice): Offered {
  const firstByte = timeouts.at('upstream_ttfb_ms').number();
  const own: Entry[] = [];
  for (const entry of list.items) {
    const provider = entry.at('provider').value;
    if (provider === 'anthropic') {
      own.push(entry);
      readOwn(entry, { upstream, firstByte });
      continue;
    }
    const where = typeof provider === 'string' ? quoted(provider) : 'another provider';
    entry.note('untranslated', `is Claude at ${where}: Gatehouse reaches Claude at the Claude API only`);
  }
  const serving = own.length > 0 ? own : list.items;
  return { groups: union(serving, 'groups'), models: modelsOf(serving) };
}

function readOwn(entry: Entry, { upstream, firstByte }: { upstream: UpstreamChoice; firstByte: number | null }): void {
  entry.at('provider').use();
  const auth = entry.at('auth');
  upstream.offer({ base: entry.at('base_url'), key: auth.at('api_key'), firstByte });
  for (const field of ['oauth_token', 'federation_rule_id']) {
    auth.at(field).exists && auth.at(field).note('untranslated', 'Gatehouse calls the provider with an API key only');
  }
}

function union(entries: readonly Entry[], field: string): string[] | null {
  const lists = entries.map((entry) => (entry.at(field).exists ? entry.at(field).texts() : null));
  if (entries.length === 0 || lists.some((list) => list === null)) return null;
  return [...new Set(lists.flatMap((list) => list ?? []))];
}

function modelsOf(entries: readonly Entry[]): string[] | null {
  const names = union(entries, 'models');
  return names === null ? null : names.map(claudeName).filter((name) => name !== null);
}
