import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import type { SamlProvider } from '../model.ts';
import { oneOrMany, plainText } from '../text.ts';
import { address } from './addresses.ts';
import { clockSkew } from './oidc.ts';

const MAX_XML = 512 * 1024;
const MAX_PEM = 16 * 1024;
const PEM = /^-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----$/;

/** One X.509 certificate. A private key pasted in its place is refused, and not repeated. */
function isCertificate(text: string): boolean {
  if (text.length > MAX_PEM || !PEM.test(text.trim())) return false;
  try {
    return new X509Certificate(text) !== null;
  } catch {
    return false;
  }
}

const certificate = z
  .string()
  .refine(isCertificate, { error: 'must be one certificate in PEM: -----BEGIN CERTIFICATE----- and what follows' })
  .transform((text) => `${text.trim()}\n`);

/** Entities of a document type can make a small document huge, or read files. */
function isPlainXml(text: string): boolean {
  return text.startsWith('<') && !/<!(?:DOCTYPE|ENTITY)/i.test(text) && /EntityDescriptor/.test(text);
}

const metadata = z
  .string()
  .max(MAX_XML)
  .transform((text, context) => {
    const written = text.trim();
    if (written.startsWith('<')) {
      if (isPlainXml(written)) return { xml: written };
      context.addIssue({ code: 'custom', message: 'must be the metadata of a provider, without a document type' });
      return z.NEVER;
    }
    if (address.safeParse(written).success) return { url: written };
    const message = 'must be an https address (http only on localhost) or the metadata itself, which starts with <';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

const attribute = plainText(255).optional();

/** `saml` of a provider. */
export const samlSchema = z
  .strictObject({
    metadata: metadata.optional().describe('Metadata of the provider: its address, or the XML itself.'),
    entity_id: plainText(1000)
      .optional()
      .describe('Entity id of the provider, where the metadata holds several or there is none.'),
    sign_in_url: address.optional().describe('Where people are sent to sign in (HTTP-Redirect).'),
    certificates: oneOrMany(certificate)
      .optional()
      .describe('Certificates that the provider signs with, PEM, beside those of the metadata.'),
    attributes: z
      .strictObject({
        subject: attribute.describe(
          'Attribute that never changes and is never given to somebody else. Default the NameID.',
        ),
        email: attribute.describe('Attribute that holds the e-mail address.'),
        name: attribute.describe('Attribute that holds the name, for showing.'),
        groups: attribute.describe('Attribute that holds the groups.'),
      })
      .default({})
      .describe('Names of attributes, where they are not the usual ones.'),
    encrypted: z.boolean().default(false).describe('Assertions must come encrypted.'),
    unsolicited: z
      .boolean()
      .default(false)
      .describe('Answers that nobody asked for are taken: a link can then sign people in as somebody else.'),
    clock_skew: clockSkew,
  })
  .superRefine((entry, context) => {
    const { metadata: given, entity_id, sign_in_url, certificates } = entry;
    if (given !== undefined || (entity_id !== undefined && sign_in_url !== undefined && certificates !== undefined))
      return;
    context.addIssue({ code: 'custom', message: 'write metadata, or all of entity_id, sign_in_url and certificates' });
  });

type SamlSection = z.output<typeof samlSchema>;

/** What of a provider is its own protocol's. */
export function compileSaml(entry: SamlSection): Omit<SamlProvider, 'place' | 'name' | 'label' | 'domains'> {
  const { subject, email, name, groups } = entry.attributes;
  return {
    kind: 'saml',
    metadata: entry.metadata ?? null,
    entityId: entry.entity_id ?? null,
    signInUrl: entry.sign_in_url ?? null,
    certificates: entry.certificates?.items ?? [],
    attributes: { subject: subject ?? null, email: email ?? null, name: name ?? null, groups: groups ?? null },
    encrypted: entry.encrypted,
    unsolicited: entry.unsolicited,
    skewMs: entry.clock_skew,
  };
}
