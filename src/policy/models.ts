import { z } from 'zod';
import type { ConfigPath } from '../kernel/config/document.ts';
import type { Context } from './context.ts';
import type { CompiledPolicy } from './model.ts';
import { modelPattern, modelPatterns } from './patterns.ts';
import { few, type Listed } from './text.ts';

const MAX_PATTERNS = 200;

/** `models`: which exist at all, names for several of them, and what to do where no price is known. */
export const modelsSchema = z.strictObject({
  allowed: z
    .array(modelPattern)
    .min(1)
    .max(MAX_PATTERNS)
    .optional()
    .describe('The ceiling: no other model exists for anybody, whatever the rules say. Allows nothing by itself.'),
  aliases: z
    .record(z.string(), modelPatterns)
    .optional()
    .describe('Names for one or more models, for use in this document only. An alias cannot name another alias.'),
  unknown_price: z
    .enum(['pessimistic', 'refuse'])
    .default('pessimistic')
    .describe(
      'What becomes of calls to a model without a known price: counted at the dearest known price, or refused.',
    ),
});

export type ModelsSection = z.output<typeof modelsSchema>;

/** The aliases; those whose names could be read as something else are faults. */
export function compileAliases(section: ModelsSection | undefined, context: Context): Map<string, readonly string[]> {
  const aliases = new Map(
    Object.entries(section?.aliases ?? {}).map(([name, listed]) => [name, listed.items] as const),
  );
  for (const [name, patterns] of aliases) {
    const path = ['models', 'aliases', name];
    if (!modelPattern.safeParse(name).success || name.includes('*')) {
      context.fault(path, 'the name of an alias holds only letters, digits and . _ : @ / [ ] -');
    }
    if (patterns.some((pattern) => aliases.has(pattern))) {
      context.fault(path, 'an alias cannot name an alias; write the models out');
    }
  }
  return aliases;
}

/** The patterns that are meant: aliases resolved, each once. More than 200 are a fault. */
export function resolveModels(written: Listed<string>, path: ConfigPath, context: Context): string[] {
  const patterns = new Set(written.items.flatMap((item) => context.aliases.get(item) ?? [item]));
  if (patterns.size > MAX_PATTERNS) {
    context.fault(path, `names more than ${MAX_PATTERNS} patterns with its aliases resolved; use wider patterns`);
  }
  return [...patterns];
}

/** The ceiling, from `models.allowed` or from the spelling `allowedModels`. Both are a fault. */
export function compileCeiling(
  written: { readonly allowed: readonly string[] | undefined; readonly allowedModels: readonly string[] | undefined },
  context: Context,
): CompiledPolicy['ceiling'] {
  if (written.allowed !== undefined && written.allowedModels !== undefined) {
    context.fault(['allowedModels'], 'says the same as models.allowed; write one of them');
  }
  const path = written.allowed === undefined ? ['allowedModels'] : ['models', 'allowed'];
  const items = written.allowed ?? written.allowedModels;
  if (items === undefined) return null;
  const patterns = resolveModels({ items, list: true }, path, context);
  return { place: context.place(path, `only ${few(items)}`), patterns };
}
