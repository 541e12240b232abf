/** Who a rule is for: `everyone`, `team NAME`, `group PROVIDER/NAME`, `person EMAIL`, `EMAIL`, `service NAME`, `key key_…`, `per_…`, `svc_…`. */

import { z } from 'zod';
import { isId } from '../kernel/ids.ts';
import { fold } from '../kernel/text.ts';
import type { Subject, SubjectPattern } from './model.ts';
import { isPlain, oneOrMany } from './text.ts';

/** A subject as the document writes it and as it is compared. */
export interface WrittenSubject {
  readonly text: string;
  readonly pattern: SubjectPattern;
}

export const SUBJECT_HINT =
  'write everyone, team NAME, group PROVIDER/NAME, person EMAIL, an e-mail address, service NAME, key key_…, per_… or svc_…';
const MAX_NAME = 64;
const MAX_EMAIL = 254;
/** As an identity provider may send it at most. */
const MAX_GROUP = 256;
const GROUP = /^group +([a-z0-9][a-z0-9-]{0,31})\/(.+)$/i;

/** Reads a subject; null for what is none. Patterns are refused: nobody would be matched by `*@example.com`. */
export function parseSubject(text: string): SubjectPattern | null {
  const name = fold(text);
  if (!isPlain(text) || name.includes('*')) return null;
  if (name === 'everyone') return { kind: 'everyone' };
  const group = parseGroup(text);
  if (group !== null) return group;
  const [, word, rest = ''] = /^(team|person|service|key) +(.+)$/.exec(name) ?? [];
  switch (word) {
    case 'team':
      return isName(rest) ? { kind: 'team', id: rest } : null;
    case 'person':
      return isEmail(rest) || isId(rest, 'per') ? { kind: 'person', id: rest } : null;
    case 'service':
      // A service named like an address could be taken for the person, above all where teams list their members.
      return (isName(rest) && !rest.includes('@')) || isId(rest, 'svc') ? { kind: 'service', id: rest } : null;
    case 'key':
      return isId(rest, 'key') ? { kind: 'key', id: rest } : null;
  }
  if (isEmail(name) || isId(name, 'per')) return { kind: 'person', id: name };
  return isId(name, 'svc') ? { kind: 'service', id: name } : null;
}

/** Providers are compared in lower case, their groups as they are: two that differ in case can be two groups. */
function parseGroup(text: string): SubjectPattern | null {
  const [, provider = '', name = ''] = GROUP.exec(text.trim()) ?? [];
  if (name === '' || name.length > MAX_GROUP || name.trim() !== name) return null;
  return { kind: 'group', id: `${provider.toLowerCase()}/${name}` };
}

/** The provider of a group's id, in lower case. */
export function providerOf(group: string): string {
  return group.slice(0, group.indexOf('/'));
}

/** The name of a team or service: 1 to 64 characters. */
export function isName(text: string): boolean {
  return text.trim() !== '' && [...text].length <= MAX_NAME && isPlain(text);
}

/** `local@domain` without blanks, at most 254 characters (RFC 5321 §4.5.3.1.3). */
export function isEmail(text: string): boolean {
  const [local = '', domain = '', ...more] = text.split('@');
  const whole = local !== '' && domain !== '' && more.length === 0;
  return whole && text.length <= MAX_EMAIL && isPlain(text) && !/[\s*,;<>"]/.test(text);
}

/** Schema of one subject. */
export const subject = z
  .string()
  .max(320)
  .transform((text, context): WrittenSubject => {
    const pattern = parseSubject(text);
    if (pattern !== null) return { text: text.trim(), pattern };
    context.addIssue({ code: 'custom', message: SUBJECT_HINT });
    return z.NEVER;
  });
export const subjects = oneOrMany(subject);

/** A subject with its names in the form that patterns are compared in. */
export interface Comparable extends Pick<Subject, 'kind' | 'id' | 'name' | 'key' | 'teams'> {
  readonly folded: true;
  readonly groups: ReadonlySet<string>;
}

/** Folded once for a question: a policy may hold thousands of rules. */
export function comparable({ kind, id, name, key, teams, groups }: Subject): Comparable {
  const folded = name === null ? null : fold(name);
  return { folded: true, kind, id, key, name: folded, teams: teams.map(fold), groups: groupSet(groups) };
}

const sets = new WeakMap<readonly string[], ReadonlySet<string>>();

/** The groups of one person as patterns name them; made once for each list, which may hold thousands. */
export function groupSet(groups: readonly string[]): ReadonlySet<string> {
  const known = sets.get(groups);
  if (known !== undefined) return known;
  const made = new Set(groups.map((id) => `${providerOf(id).toLowerCase()}${id.slice(id.indexOf('/'))}`));
  sets.set(groups, made);
  return made;
}

/** True when one of these patterns is for this subject. Names compare in lower case; an id compares only with the id. */
export function applies(to: readonly SubjectPattern[], who: Subject): boolean {
  return applying(to, comparable(who)) !== null;
}

/** The first of these patterns that is for this subject, or null. */
export function applying(to: readonly SubjectPattern[], who: Comparable): SubjectPattern | null {
  return to.find((pattern) => isFor(pattern, who)) ?? null;
}

function isFor(pattern: SubjectPattern, who: Comparable): boolean {
  switch (pattern.kind) {
    case 'everyone':
      return true;
    case 'team':
      return who.teams.includes(pattern.id);
    case 'group':
      return who.groups.has(pattern.id);
    case 'key':
      return who.key === pattern.id;
    case 'person':
    case 'service':
      if (who.kind !== pattern.kind) return false;
      if (who.id === pattern.id) return true;
      // A service may be called like the id of another: what has the shape of an id is never compared with a name.
      return who.name === pattern.id && !isId(pattern.id, pattern.kind === 'person' ? 'per' : 'svc');
  }
}

/** True when whoever `narrow` is for, `wide` is for too. Does not look into teams and groups: who is in them changes elsewhere. */
export function includes(wide: SubjectPattern, narrow: SubjectPattern): boolean {
  if (wide.kind === 'everyone') return true;
  return narrow.kind === wide.kind && narrow.id === wide.id;
}

/** The pattern as text: `everyone`, `team research`. Two that mean the same give the same. */
export function showSubject(pattern: SubjectPattern): string {
  return pattern.kind === 'everyone' ? 'everyone' : `${pattern.kind} ${pattern.id}`;
}

/** The same for whoever is refused and for the trail: names no person (P7), and nobody but the caller. */
export function showForCaller(pattern: SubjectPattern): string {
  if (pattern.kind === 'person') return 'this person';
  if (pattern.kind === 'key') return 'this key';
  if (pattern.kind !== 'group') return showSubject(pattern);
  // Some providers call groups by addresses. What looks like one must not enter the trail, where nothing can be erased.
  return pattern.id.includes('@')
    ? `whoever is in a group of ${providerOf(pattern.id)}`
    : `whoever is in ${showSubject(pattern)}`;
}
