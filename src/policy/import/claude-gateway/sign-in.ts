import { providerSchema } from '../../providers.ts';
import { parseSubject } from '../../subjects.ts';
import type { Draft } from '../draft.ts';
import { looksSecret, quoted } from '../hidden.ts';
import type { Entry } from '../source.ts';

/** Before a domain that stands for a group of people. */
export const DOMAIN = 'domain ';

const NAME = 'sso';
const SECRET = 'env:OIDC_CLIENT_SECRET';
const METHODS: readonly unknown[] = ['client_secret_basic', 'client_secret_post'];

/**
 * Reads `oidc` into the one identity provider of the draft. Nothing is written where what it needs is missing, could be a credential,
 * or is not what a policy may say.
 */
export function readSignIn(oidc: Entry, draft: Draft): void {
  if (!oidc.exists) return;
  const issuer = plain(oidc.at('issuer'));
  const clientId = plain(oidc.at('client_id'));
  const secret = oidc.at('client_secret');
  const reference = secret.reference();
  const claim = claimOf(oidc.at('groups_claim'));
  const method = oidc.at('token_endpoint_auth_method');
  const skew = oidc.at('clock_skew_seconds');
  const provider = {
    name: NAME,
    domains: domainsOf(oidc.at('allowed_email_domains')),
    oidc: {
      issuer,
      client_id: clientId,
      ...(secret.exists || method.exists ? { client_secret: reference ?? SECRET } : { token_auth: 'none' }),
      ...(METHODS.includes(method.value) ? { token_auth: method.text() } : {}),
      groups: claim.length === 1 ? claim[0] : { claim },
      ...(skew.exists && isSkew(skew.value) ? { clock_skew: `${skew.number()} s` } : {}),
    },
  };
  if (issuer === null || clientId === null || !providerSchema.safeParse(provider).success) {
    oidc.note(
      'untranslated',
      'no identity provider was written: issuer and client id must be plain, or write it yourself',
    );
    return;
  }
  if (reference === null && secret.exists) {
    secret.note('changed', `the secret is read from ${SECRET}; this one was not copied`);
  }
  oidc.remark(
    'check',
    `became the provider "${NAME}": tell it the new address, and allow the secret under secrets.allow`,
  );
  draft.provider = provider;
}

/** The group as the provider of the draft has it, for a policy; null where it has none, or the name is none. */
export function memberOf(group: string, { provider }: Draft): string | null {
  const text = `group ${NAME}/${group}`;
  if (provider === null || group.startsWith(DOMAIN) || quoted(group) !== `"${group}"`) return null;
  return parseSubject(text)?.kind === 'group' ? text : null;
}

function plain(entry: Entry): string | null {
  if (typeof entry.value !== 'string' || looksSecret(entry.value)) return null;
  return entry.text();
}

/** The name of a claim, or a JSON pointer to it. */
function claimOf(entry: Entry): string[] {
  const text = entry.exists ? plain(entry) : 'groups';
  if (text === null) {
    entry.note('untranslated', 'is no name of a claim: groups are read from "groups"');
    return ['groups'];
  }
  return text.startsWith('/') ? text.slice(1).split('/') : [text];
}

/** Domains that a policy may hold; of others a note. */
function domainsOf(entry: Entry): string[] {
  const found = (entry.exists ? (entry.texts() ?? []) : []).map((name) => name.toLowerCase());
  const known = found.filter((name, i) => !looksSecret(name) && isDomain(name) && found.indexOf(name) === i);
  if (known.length < found.length) entry.note('untranslated', 'some are no domains, or stand twice, and were left out');
  return known;
}

function isDomain(name: string): boolean {
  return providerSchema.shape.domains.safeParse([name]).success;
}

function isSkew(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 300;
}
