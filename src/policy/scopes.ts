/** Whom a rate or budget counts: `each: person`, or `for: organization`, `for: [team payments, team research]`. */
import { z } from 'zod';
import type { ConfigPath } from '../kernel/config/document.ts';
import { type Context, itemPath, resolveSubjects } from './context.ts';
import type { Counted, Scope } from './model.ts';
import { resolveModels } from './models.ts';
import { modelPattern, modelPatterns } from './patterns.ts';
import { parseSubject, type WrittenSubject } from './subjects.ts';
import { few, type Listed, oneOrMany } from './text.ts';

type Target =
  | { readonly kind: 'organization'; readonly text: string }
  | { readonly kind: 'model'; readonly text: string; readonly model: string }
  | ({ readonly kind: 'subject' } & WrittenSubject);

const TARGET_HINT =
  'write organization, team NAME, person EMAIL, an e-mail address, service NAME, key key_…, per_…, svc_… or model NAME';

/** Somebody in several groups would have no counter that is theirs. */
const GROUP_HINT = 'groups are not counted; make the group a member of a team, and write team NAME';

const target = z
  .string()
  .max(320)
  .transform((text, context): Target => {
    const read = parseTarget(text.trim());
    const group = read?.kind === 'subject' && read.pattern.kind === 'group';
    if (read !== null && !group) return read;
    context.addIssue({ code: 'custom', message: group ? GROUP_HINT : TARGET_HINT });
    return z.NEVER;
  });

function parseTarget(text: string): Target | null {
  if (text === 'organization') return { kind: 'organization', text };
  const model = /^model +(\S+)$/.exec(text)?.[1];
  if (model !== undefined) return modelPattern.safeParse(model).success ? { kind: 'model', text, model } : null;
  const pattern = parseSubject(text);
  return pattern === null || pattern.kind === 'everyone' ? null : { kind: 'subject', text, pattern };
}

/** The keys that rates and budgets share. */
export const scopeKeys = {
  each: z
    .enum(['person', 'team', 'service', 'key', 'model'])
    .optional()
    .describe('One counter for each of them. Either `each` or `for`.'),
  for: oneOrMany(target)
    .optional()
    .describe(
      'Those the entry is for, of one kind, one counter for each: `organization`, `team NAME`, an e-mail address, `service NAME`, `key key_…`, `model NAME`.',
    ),
  models: modelPatterns.optional().describe('Calls to other models do not count. Without it, all count.'),
};

interface ScopeEntry {
  readonly each?: Exclude<Scope, 'organization'> | undefined;
  readonly for?: Listed<Target> | undefined;
  readonly models?: Listed<string> | undefined;
}

/** Whom an entry counts. Targets of several kinds in one entry are a fault: each counts something else. */
export function compileScope(entry: ScopeEntry, path: ConfigPath, context: Context): Counted {
  const models = entry.models === undefined ? null : resolveModels(entry.models, [...path, 'models'], context);
  if (entry.for === undefined) return { scope: entry.each ?? 'organization', only: null, models };
  const { items, list } = entry.for;
  const own = [...path, 'for'];
  const scopes = items.map((item) => (item.kind === 'subject' ? item.pattern.kind : item.kind));
  const [scope = 'organization'] = scopes;
  const stranger = scopes.findIndex((other) => other !== scope);
  if (stranger >= 0) {
    context.fault(
      itemPath(own, entry.for, stranger),
      'is of another kind than the first; write an entry for each kind',
    );
  }
  const subjects = items.flatMap((item) => (item.kind === 'subject' ? [item] : []));
  const ids = resolveSubjects(
    { items: subjects, list: list && subjects.length === items.length },
    own,
    context,
  ).flatMap((pattern) => (pattern.kind === 'everyone' ? [] : [pattern.id]));
  const named = items.flatMap((item) => (item.kind === 'model' ? [item.model] : []));
  const only = [...new Set([...ids, ...resolveModels({ items: named, list }, own, context)])];
  return scope === 'organization' || scope === 'everyone' || scope === 'group'
    ? { scope: 'organization', only: null, models }
    : { scope, only, models };
}

/** `each person`, `team research, using claude-opus-*`. */
export function scopeText(entry: ScopeEntry): string {
  const who = entry.for === undefined ? `each ${entry.each ?? ''}` : few(entry.for.items.map(({ text }) => text));
  return entry.models === undefined ? who : `${who}, using ${few(entry.models.items)}`;
}
