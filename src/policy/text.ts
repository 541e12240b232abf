import { z } from 'zod';
import { printable } from '../kernel/text.ts';

/** True for text without control, invisible or direction-changing characters, which make two names look like one. */
export function isPlain(text: string): boolean {
  return text.isWellFormed() && printable(text, text.length) === text;
}

/** Schema of one line of text of at most `max` UTF-16 units, for people to read. */
export function plainText(max: number) {
  return z
    .string()
    .max(max)
    .refine((text) => text.trim() !== '', { error: 'must not be empty' })
    .refine(isPlain, { error: 'must be one line without control or invisible characters' })
    .transform((text) => text.trim().normalize('NFC'));
}

/** What may be written as one value or as a list of them. */
export interface Listed<T> {
  readonly items: readonly T[];
  /** Written as a list: the path of an item then ends in its index. */
  readonly list: boolean;
}

const MAX_LISTED = 200;

/** Schema of one value or a list of 1 to 200 of them. */
export function oneOrMany<S extends z.ZodType>(item: S) {
  return z.union([item, z.array(item).min(1).max(MAX_LISTED)]).transform((value): Listed<z.output<S>> => {
    return Array.isArray(value) ? { items: value, list: true } : { items: [value as z.output<S>], list: false };
  });
}

/** `a, b, c`; of more than `most` the first ones and how many more. */
export function few(texts: readonly string[], most = 8): string {
  const rest = texts.length - most;
  return rest > 0 ? `${texts.slice(0, most).join(', ')} and ${rest} more` : texts.join(', ');
}

/**
 * Refinement of a mapping: exactly one of these keys. The issue stands at the mapping when there is none, else at the second key.
 */
export function exactlyOne(keys: readonly string[], words: string) {
  return (value: Readonly<Record<string, unknown>>, context: z.core.$RefinementCtx): void => {
    const given = keys.filter((key) => value[key] !== undefined);
    if (given.length === 1) return;
    context.addIssue({ code: 'custom', path: given.slice(1, 2), message: `write exactly one of ${words}` });
  };
}

/** JSON Schema for editors that says what `exactlyOne` checks. */
export function oneRequired(keys: readonly string[]) {
  return { oneOf: keys.map((key) => ({ required: [key] })) };
}
