import type { Draft } from '../draft.ts';
import { quoted } from '../hidden.ts';
import { claudeName } from '../names.ts';
import type { Entry } from '../source.ts';
import type { UpstreamChoice } from '../upstream.ts';

/** Deeper nesting than anybody writes; the rest is noted as it is. */
const MAX_DEPTH = 4;

export interface TargetContext {
  readonly draft: Draft;
  readonly upstream: UpstreamChoice;
  /** Providers of virtual keys that the file describes, by slug. */
  readonly providers: ReadonlyMap<string, string>;
  readonly depth: number;
}

/** Reads a config or one of its targets: what of Claude can be reached through it may be used by everyone. */
export function readTarget(entry: Entry, context: TargetContext): void {
  const targets = entry.at('targets');
  if (targets.items.length === 0) {
    readLeaf(entry, context);
    return;
  }
  const open = openTargets(entry, targets);
  if (context.depth >= MAX_DEPTH) return;
  for (const target of targets.items) {
    if (open.has(target.path.at(-1))) readTarget(target, { ...context, depth: context.depth + 1 });
    else {
      const message =
        'is reached under a condition that a client claims: no rule was written; write one for the people or teams that were meant';
      target.note('untranslated', message);
    }
  }
}

/** Indices of the targets that a call can reach without a condition. */
function openTargets(entry: Entry, targets: Entry): ReadonlySet<unknown> {
  const strategy = entry.at('strategy');
  const mode = strategy.at('mode');
  const { items } = targets;
  if (mode.value === 'single' || items.length === 1) mode.use();
  else if (mode.exists && mode.value !== 'conditional') {
    strategy.note(
      'untranslated',
      'Gatehouse calls one provider: there is no choosing among targets, and no falling back',
    );
  }
  if (mode.value !== 'conditional') return new Set(items.map((_, i) => i));
  const fallback = strategy.at('default').value;
  strategy.note(
    'untranslated',
    'conditions on what a client says of itself have no counterpart: only the default target was taken',
  );
  return new Set(items.flatMap((item, i) => (fallback !== undefined && item.at('name').value === fallback ? [i] : [])));
}

function readLeaf(entry: Entry, { draft, upstream, providers }: TargetContext): void {
  const way = wayOf(entry, providers);
  if (way === null) return;
  const model = modelOf(entry, way.sure);
  if (model === null) return;
  if (way.sure) {
    entry.at('provider').use();
    upstream.offer({ base: entry.at('custom_host'), key: entry.at('api_key'), firstByte: null });
  }
  draft.rule({ effect: 'allow', model, to: 'everyone' });
}

/** Whether calls go to Anthropic; null (noted) when they go elsewhere, `sure` is false when only the model's name says so. */
function wayOf(entry: Entry, providers: ReadonlyMap<string, string>): { readonly sure: boolean } | null {
  const given = entry.at('provider').value ?? entry.at('virtual_key').value;
  if (given === undefined || given === null || typeof given !== 'string') return null;
  const slug = given.startsWith('@') ? given.slice(1) : given;
  const provider = (
    providers.get(slug) ?? (given.startsWith('@') || !entry.at('provider').exists ? null : given)
  )?.toLowerCase();
  if (provider === 'anthropic') return { sure: true };
  if (provider === undefined) return { sure: false };
  entry.note(
    'untranslated',
    `goes to ${quoted(providers.get(slug) ?? given)}: Gatehouse reaches Claude at the Claude API only`,
  );
  return null;
}

/** The model that a target pins; for one of Anthropic without any, every model of Claude. */
function modelOf(entry: Entry, sure: boolean): string | null {
  const pinned = entry.at('override_params').at('model');
  const written = typeof pinned.value === 'string' ? pinned.value : null;
  if (written === null) {
    if (sure) entry.remark('check', 'pins no model: every model of Claude may be used, also future ones ("claude-*")');
    else entry.note('untranslated', 'does not say which provider and model it means: no rule was written');
    return sure ? 'claude-*' : null;
  }
  const name = claudeName(written.startsWith('@') ? written.slice(written.indexOf('/') + 1) : written);
  if (name === null) {
    entry.note('untranslated', `${quoted(written)} is not the name of a model at the Claude API`);
    return null;
  }
  const pins = 'was put into every request; Gatehouse forwards bodies as they are, so clients must ask for it';
  pinned.note('changed', sure ? pins : `${pins}; see that the credential is one of Anthropic`);
  return name;
}
