/** Building blocks of the admin API's schemas. What validates a request is what the OpenAPI document shows. */
import { z } from 'zod';

/** Named schemas and descriptions of this API. Its own registry, so that no other module's schema leaks into the document. */
export const apiSchemas = z.registry<{ id?: string; description?: string; examples?: unknown[] }>();

/** Names a schema, so that the document refers to it instead of repeating it. */
export function named<T extends z.ZodType>(id: string, schema: T, description: string): T {
  apiSchemas.add(schema, { id, description });
  return schema;
}

/** Describes a field in the document. */
export function described<T extends z.ZodType>(schema: T, description: string): T {
  apiSchemas.add(schema, { description });
  return schema;
}

/** Control, format and line-separating characters: they rewrite terminals and logs, and make two names look like one. */
const PLAIN = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u;
/** What of it the OpenAPI document says: Unicode classes in a pattern are read by few tools outside JavaScript. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: matching control characters is the purpose
const PORTABLE = /^[^\u0000-\u001f\u007f-\u009f]*$/;

const NOT_PLAIN = 'must be one line without control or invisible characters';

/** One line of text as a person types it: trimmed, without control characters, 1 to `max` characters. */
export function line(max: number, description: string) {
  return described(
    z
      .string()
      .trim()
      .min(1)
      .max(max)
      .regex(PORTABLE, NOT_PLAIN)
      .refine((text) => PLAIN.test(text), NOT_PLAIN)
      .refine((text) => text.isWellFormed(), 'must be valid Unicode'),
    description,
  );
}

export const email = () =>
  described(
    z
      .string()
      .trim()
      .max(254)
      .regex(/^[^\s@"<>()]+@[^\s@"<>()]+$/, 'must be an e-mail address')
      .refine((text) => !/\p{C}/u.test(text), 'must be an e-mail address'),
    'E-mail address.',
  );

/** ISO 8601 instant as shown in answers. */
export const instant = (description: string) => described(z.string(), `${description} ISO 8601, UTC.`);

const WHY = 'Why, for the audit trail. Do not name people: the trail keeps it for good.';

export const reason = line(500, WHY).optional();

/** A reason that must be given; `shown` says who else reads it. */
export const neededReason = (shown = '') => line(500, `${WHY} ${shown}`.trim());

/** `{id}` in a path: an id, or where the resource has one, a name. */
export const idParams = (description: string) => z.strictObject({ id: line(254, description) });

/** `limit` and `cursor` of every list. */
export const paging = (max: number) => ({
  limit: described(z.coerce.number().int().min(1).max(max).default(50), `Most entries in one answer, 1 to ${max}.`),
  cursor: described(z.string().max(2000).optional(), 'Continues a list: `cursor` of the previous answer.'),
});

export const nextCursor = described(z.string().nullable(), 'Pass it as `cursor` for the next page; null on the last.');
