import { z } from 'zod';
import { fold } from '../kernel/text.ts';
import type { Context } from './context.ts';
import type { IdentityProvider } from './model.ts';
import { domains } from './providers/domains.ts';
import { compileOidc, oidcSchema } from './providers/oidc.ts';
import { compileSaml, samlSchema } from './providers/saml.ts';
import { exactlyOne, few, oneRequired, plainText } from './text.ts';

/** An entry of `identity.providers`. */
export const providerSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,31}$/, { error: 'must have 1 to 32 letters, digits and hyphens' })
      .describe('Its name: stands in addresses and before groups, `okta/eng`. Another name is another provider.'),
    label: plainText(60).optional().describe('What its button on the sign-in page says. Default the name.'),
    domains,
    oidc: oidcSchema.optional().describe('An OpenID Connect provider. Either this or `saml`.'),
    saml: samlSchema.optional().describe('A SAML 2.0 provider.'),
  })
  .superRefine(exactlyOne(['oidc', 'saml'], 'oidc and saml'))
  .meta(oneRequired(['oidc', 'saml']));

type ProviderEntry = z.output<typeof providerSchema>;
type Section = readonly ProviderEntry[];

/** The providers by their names in lower case. Names that differ only in case, and domains given twice, are faults. */
export function compileProviders(
  section: Section,
  { place, fault }: Pick<Context, 'place' | 'fault'>,
): Map<string, IdentityProvider> {
  const providers = new Map<string, IdentityProvider>();
  const owners = new Map<string, number>();
  for (const [i, entry] of section.entries()) {
    const path = ['identity', 'providers', i];
    const id = fold(entry.name);
    if (providers.has(id)) fault([...path, 'name'], 'is given twice: names of providers are compared in lower case');
    for (const [n, domain] of entry.domains.entries()) {
      const owner = owners.get(domain);
      const twice = owner === i ? 'is given twice' : 'belongs to another provider already: a domain enters at one';
      if (owner !== undefined) fault([...path, 'domains', n], twice);
      owners.set(domain, owner ?? i);
    }
    const provider = compileProvider(entry, place(path, sentence(entry)));
    if (provider !== null) providers.set(id, provider);
  }
  return providers;
}

function compileProvider(entry: ProviderEntry, place: IdentityProvider['place']): IdentityProvider | null {
  const { name, label = null, domains: captured } = entry;
  const base = { place, name, label, domains: captured };
  if (entry.oidc !== undefined) return { ...base, ...compileOidc(entry.oidc) };
  // The schema lets no entry pass that is neither.
  return entry.saml === undefined ? null : { ...base, ...compileSaml(entry.saml) };
}

function sentence({ name, domains: captured, oidc }: ProviderEntry): string {
  const what = oidc === undefined ? 'saml' : `oidc at ${oidc.issuer}`;
  return `${name}: ${what}${captured.length === 0 ? '' : ` for ${few(captured)}`}`;
}
