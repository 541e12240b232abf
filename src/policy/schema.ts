import { z } from 'zod';
import { accessSchema, mode, serverSideSchema } from './access.ts';
import { budgetSchema } from './budgets.ts';
import { isTimeZone } from './dates.ts';
import { identitySchema } from './identity.ts';
import { modelsSchema } from './models.ts';
import { modelPattern } from './patterns.ts';
import { priceSchema } from './prices.ts';
import { rateSchema } from './rates.ts';
import { retentionSchema } from './retention.ts';
import { teamsSchema } from './teams.ts';
import { plainText } from './text.ts';
import { twoPeopleSchema } from './two-people.ts';

/** Entries of one section; a document is read and decided on whole. */
const MAX_ENTRIES = 5_000;

/**
 * The policy document. Each section's schema stands beside what compiles it. Everything is optional, and an empty document allows
 * nothing (P8). What two sections must agree on, such as the names of teams, is checked by `compilePolicy`.
 */
export const policySchema = z.strictObject({
  $schema: z.string().max(500).optional().describe('Where an editor finds the JSON Schema of this document; not read.'),
  organization: plainText(100).optional().describe('Name of the organization, for people to read.'),
  time_zone: z
    .string()
    .max(64)
    .refine(isTimeZone, { error: 'must be a name of the IANA time zone database, such as "Europe/Berlin"' })
    .default('UTC')
    .describe('Days, weeks and months of budgets, and days of rules, begin in this time zone: `Europe/Berlin`.'),
  mode: mode.default('enforce').describe('`observe`: record what would be refused, refuse nothing.'),
  identity: identitySchema.optional().describe('Who people are: where they sign in, and their roles.'),
  two_people: twoPeopleSchema,
  teams: teamsSchema.optional().describe('Teams by name. A team that the document names anywhere must stand here.'),
  models: modelsSchema.optional().describe('Which models exist at all, and names for several of them.'),
  allowedModels: z
    .array(modelPattern)
    .min(1)
    .max(200)
    .optional()
    .describe(
      'The ceiling `models.allowed`, and a rule that allows everyone these models. Not together with `models.allowed`.',
    ),
  access: z
    .array(accessSchema)
    .max(MAX_ENTRIES)
    .optional()
    .describe(
      'Who may use which models. Any matching deny wins, then ask, then allow, whatever the order; else nothing is allowed.',
    ),
  server_side: z
    .array(serverSideSchema)
    .max(MAX_ENTRIES)
    .optional()
    .describe('What the provider may run or fetch itself, and for whom. Closed unless named.'),
  rates: z.array(rateSchema).max(MAX_ENTRIES).optional().describe('How fast.'),
  budgets: z.array(budgetSchema).max(MAX_ENTRIES).optional().describe('How much.'),
  prices: z
    .array(priceSchema)
    .max(MAX_ENTRIES)
    .optional()
    .describe('Contract prices, where they differ from the list.'),
  retention: retentionSchema.optional().describe('What is kept of the content of calls.'),
});

export type PolicyDocument = z.output<typeof policySchema>;
