import { z } from 'zod';
import type { ConfigPath } from '../kernel/config/document.ts';
import { type Context, resolveSubjects } from './context.ts';
import { when } from './dates.ts';
import type { AccessRule, Effect } from './model.ts';
import { resolveModels } from './models.ts';
import { modelPatterns } from './patterns.ts';
import { subjects } from './subjects.ts';
import { exactlyOne, few, type Listed, oneOrMany, oneRequired, plainText } from './text.ts';

/** Schema of `mode`: of the document, a rule, a rate or a budget. */
export const mode = z.enum(['enforce', 'observe']);

const TO =
  'Whom the rule is for: `everyone`, `team NAME`, an e-mail address, `service NAME`, `key key_…`, `per_…`, `svc_…`.';
const UNTIL =
  'The rule applies through this day in `time_zone`, or until this instant (`2027-06-30T18:00:00+02:00`). Without it, it has no end.';
const MODE =
  '`observe` records what the rule would have refused and refuses nothing; an allow that observes grants nothing.';

/** A reason enters the journal, where nothing can be erased: an address in it is refused (P7). */
const because = plainText(300)
  .refine((text) => !text.includes('@'), { error: 'stays in the audit trail for good: no e-mail address in it' })
  .optional()
  .describe('Why the rule exists: shown to whoever it refuses, and kept in the audit trail. Names nobody.');

const shared = {
  to: subjects.describe(TO),
  until: when.optional().describe(UNTIL),
  because,
  mode: mode.default('enforce').describe(MODE),
};

/** An entry of `access`. */
export const accessSchema = z
  .strictObject({
    allow: modelPatterns.optional().describe('Models that may be used: names, patterns with `*`, aliases.'),
    ask: modelPatterns.optional().describe('Models that need an approval; wins over every allow.'),
    deny: modelPatterns.optional().describe('Models that may not be used; wins over every allow and ask.'),
    ...shared,
  })
  .superRefine(exactlyOne(['allow', 'ask', 'deny'], 'allow, ask and deny'))
  .meta(oneRequired(['allow', 'ask', 'deny']));

/** What a provider runs or fetches itself, as far as it is known today; other tool types are named as they are. */
export const CAPABILITIES = [
  'web_search',
  'web_fetch',
  'code_execution',
  'remote_mcp',
  'url_source',
  'files',
  'container',
] as const;

const capability = z
  .string()
  .max(64)
  .regex(/^[a-z_*]+$/, { error: `write ${CAPABILITIES.join(', ')} or the type of another tool; * for any letters` });
const capabilities = oneOrMany(capability);

/** An entry of `server_side`. */
export const serverSideSchema = z
  .strictObject({
    allow: capabilities
      .optional()
      .describe(
        `What the provider may run or fetch: ${CAPABILITIES.map((name) => `\`${name}\``).join(', ')} or another tool type.`,
      ),
    deny: capabilities.optional().describe('What the provider may not run or fetch; wins over every allow.'),
    ...shared,
    max_uses: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe('Most uses in one call. Of several rules the largest counts.'),
  })
  .superRefine(exactlyOne(['allow', 'deny'], 'allow and deny'))
  .refine((entry) => entry.deny === undefined || entry.max_uses === undefined, {
    path: ['max_uses'],
    error: 'belongs to an allow; what is denied has no uses',
  })
  .meta(oneRequired(['allow', 'deny']));

type AccessEntry = z.output<typeof accessSchema>;
type ServerSideEntry = z.output<typeof serverSideSchema>;

/** The rule of an entry of `access`. */
export function compileAccess(entry: AccessEntry, path: ConfigPath, context: Context): AccessRule {
  const [effect, written] = chosen(entry);
  const patterns = resolveModels(written, [...path, effect], context);
  return { ...common(entry, path, context), resource: 'model', effect, patterns, maxUses: null };
}

/** The rule of an entry of `server_side`. */
export function compileServerSide(entry: ServerSideEntry, path: ConfigPath, context: Context): AccessRule {
  const [effect, written] = chosen(entry);
  const patterns = [...new Set(written.items)];
  return { ...common(entry, path, context), resource: 'capability', effect, patterns, maxUses: entry.max_uses ?? null };
}

/** The shorthand `allowedModels` as a rule: everyone may use them. */
export function compileAllowedModels(models: readonly string[], context: Context): AccessRule {
  const path = ['allowedModels'];
  return {
    place: context.place(path, `allow ${few(models)} to everyone`),
    effect: 'allow',
    resource: 'model',
    patterns: resolveModels({ items: models, list: true }, path, context),
    to: [{ kind: 'everyone' }],
    until: null,
    because: null,
    mode: 'enforce',
    maxUses: null,
  };
}

type Entry = AccessEntry | ServerSideEntry;

function chosen(entry: Entry): [Effect, Listed<string>] {
  if (entry.deny !== undefined) return ['deny', entry.deny];
  if ('ask' in entry && entry.ask !== undefined) return ['ask', entry.ask];
  // The schema lets no entry pass that has none; one without patterns would match nothing.
  return ['allow', entry.allow ?? { items: [], list: true }];
}

function common(entry: Entry, path: ConfigPath, context: Context) {
  return {
    place: context.place(path, sentence(entry)),
    to: resolveSubjects(entry.to, [...path, 'to'], context),
    until: entry.until === undefined ? null : context.calendar.end(entry.until),
    because: entry.because ?? null,
    mode: entry.mode,
  };
}

function sentence(entry: Entry): string {
  const [effect, written] = chosen(entry);
  const words = [effect, few(written.items), 'to', few(entry.to.items.map(({ text }) => text))];
  if (entry.until !== undefined) words.push('until', entry.until.text);
  if ('max_uses' in entry && entry.max_uses !== undefined) words.push(`at most ${entry.max_uses} times a call`);
  return `${words.join(' ')}${entry.mode === 'observe' ? ', observing' : ''}`;
}
