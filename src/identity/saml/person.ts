import type { SamlProvider } from '../../policy/model.ts';
import { SignInFailure } from '../sign-in-failure.ts';
import type { Attributes } from './attributes.ts';
import { EMAIL_FORMAT, TRANSIENT_FORMAT } from './names.ts';
import type { Expected } from './outer.ts';
import { refuse } from './refuse.ts';
import type { XmlElement } from './xml.ts';
import { attributeOf, textOf } from './xml-tree.ts';

const CLAIMS = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/';
const MICROSOFT_GROUPS = 'http://schemas.microsoft.com/ws/2008/06/identity/claims/groups';
/** Names under which providers give these by habit; the first that is there counts. */
const EMAILS = ['urn:oid:0.9.2342.19200300.100.1.3', `${CLAIMS}emailaddress`, 'mail', 'email', 'emailAddress'];
const NAMES = [
  'urn:oid:2.16.840.1.113730.3.1.241',
  'http://schemas.microsoft.com/identity/claims/displayname',
  ...['displayName', 'name', 'urn:oid:2.5.4.3', 'cn', `${CLAIMS}name`],
];
const GROUPS = ['memberOf', 'groups', 'http://schemas.xmlsoap.org/claims/Group', MICROSOFT_GROUPS];
/** What Entra ID sends instead of more than 150 groups: an address to ask, for which we have no credential. */
const GROUPS_LINK = /\/groups\.link$/;
const LONGEST_SUBJECT = 255;
const LONGEST_NAME = 200;
const LONGEST_GROUP = 256;
const MOST_GROUPS = 2_000;
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
/** ASCII alone: other letters have several forms, and addresses are compared with domains. */
const ADDRESS = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$/;
const LONGEST_ADDRESS = 254;

/** Who somebody is, as their attributes say. */
export interface Person {
  readonly subject: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly groups: readonly string[];
}

interface Given {
  readonly nameId: XmlElement;
  readonly attributes: Attributes;
  readonly settings: SamlProvider;
  readonly expected: Expected;
}

/** @throws SignInFailure */
export function personOf(given: Given): Person {
  const { nameId, attributes, settings } = given;
  return {
    subject: subjectOf(given),
    email: emailOf(nameId, attributes, settings.attributes.email),
    name: nameOf(attributes, settings.attributes.name),
    groups: groupsOf(attributes, settings.attributes.groups),
  };
}

function subjectOf({ nameId, attributes, settings, expected }: Given): string {
  const named = settings.attributes.subject;
  const subject = named === null ? nameIdText(nameId, expected) : onlyOf(attributes, named, 'subject');
  if (subject === null) {
    throw new SignInFailure(
      'provider_misconfigured',
      'the attribute that the policy names as the subject was not sent',
    );
  }
  // Whoever can choose the blanks around their own name must not become somebody else, nor look like them.
  if (subject === '' || subject.trim() !== subject || UNSAFE.test(subject)) refuse('the subject has an unusual form');
  if (subject.length > LONGEST_SUBJECT) refuse('the subject is too long');
  return subject;
}

function nameIdText(nameId: XmlElement, { issuer, audience }: Expected): string {
  if (attributeOf(nameId, 'Format') === TRANSIENT_FORMAT) {
    const detail =
      'the provider sends another NameID each time (transient); set it to persistent, or name attributes.subject';
    throw new SignInFailure('provider_misconfigured', detail);
  }
  // The same id in the name space of another provider, or for another service, is another person (core, 2.2.2).
  const qualifier = attributeOf(nameId, 'NameQualifier') ?? '';
  const ours = attributeOf(nameId, 'SPNameQualifier') ?? '';
  if ((qualifier !== '' && qualifier !== issuer) || (ours !== '' && ours !== audience)) {
    refuse('the NameID is of another provider or for another service');
  }
  return textOf(nameId) ?? refuse('the NameID holds more than text');
}

/** The values of an attribute that is decided on, all of them: one that cannot be read is no reason to go by the others. */
function textsOf(attributes: Attributes, name: string, what: string): string[] {
  return (attributes.get(name) ?? []).map((value) => value ?? refuse(`the ${what} holds more than text`));
}

/** The one value of an attribute; null where it was not sent. */
function onlyOf(attributes: Attributes, name: string, what: string): string | null {
  const values = new Set(textsOf(attributes, name, what));
  if (values.size > 1) refuse(`the provider sent more than one ${what}`);
  const [value] = values;
  return value ?? null;
}

function emailOf(nameId: XmlElement, attributes: Attributes, named: string | null): string | null {
  const name = named ?? EMAILS.find((usual) => (attributes.get(usual) ?? []).length > 0);
  const given = name === undefined ? null : onlyOf(attributes, name, 'e-mail address');
  const byName = attributeOf(nameId, 'Format') === EMAIL_FORMAT ? textOf(nameId) : null;
  const email = (given ?? (named === null ? byName : null))?.trim() ?? '';
  return email.length <= LONGEST_ADDRESS && ADDRESS.test(email) ? email.toLowerCase() : null;
}

function nameOf(attributes: Attributes, named: string | null): string | null {
  const name = named ?? NAMES.find((usual) => (attributes.get(usual) ?? []).length > 0);
  const text = name === undefined ? '' : (attributes.get(name)?.[0] ?? '').trim();
  return text === '' || text.length > LONGEST_NAME || UNSAFE.test(text) ? null : text;
}

function groupsOf(attributes: Attributes, named: string | null): readonly string[] {
  const missing = [...attributes.keys()].some((name) => GROUPS_LINK.test(name));
  if (missing && (named === null || named === MICROSOFT_GROUPS)) {
    unavailable('the provider sent a link instead of the groups: limit it to the groups assigned to the application');
  }
  const name = named ?? GROUPS.find((usual) => attributes.has(usual));
  const groups = new Set(name === undefined ? [] : textsOf(attributes, name, 'group').filter((group) => group !== ''));
  // A list cut short could leave out the group that a deny is for.
  if (groups.size > MOST_GROUPS) unavailable('the provider sent too many groups');
  for (const group of groups)
    if (group.length > LONGEST_GROUP) unavailable('the provider sent a group with too long a name');
  return [...groups];
}

function unavailable(detail: string): never {
  throw new SignInFailure('groups_unavailable', detail);
}
