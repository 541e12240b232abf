import { nearest } from '../kernel/config/distance.ts';
import type { ConfigPath } from '../kernel/config/document.ts';
import type { Calendar } from './dates.ts';
import type { IdentityProvider, Place, PolicyTeam, SubjectPattern } from './model.ts';
import { providerOf, type WrittenSubject } from './subjects.ts';
import type { Listed } from './text.ts';

/** A person, service, key or group that the document names, and where. */
export interface NamedSubject {
  readonly kind: 'person' | 'service' | 'key' | 'group';
  /** In lower case: a name or an id. A group as it is compared. */
  readonly id: string;
  readonly place: Place;
}

/** What a section needs of the rest of the document to be compiled. */
export interface Context {
  readonly calendar: Calendar;
  /** Patterns of each alias. */
  readonly aliases: ReadonlyMap<string, readonly string[]>;
  /** By their names in lower case. */
  readonly providers: ReadonlyMap<string, IdentityProvider>;
  /** By their names in lower case. */
  readonly teams: ReadonlyMap<string, PolicyTeam>;
  /** The place of what stands at this path, for `text`. */
  place(path: ConfigPath, text: string): Place;
  /** The document says something that cannot be meant: it will not load. */
  fault(path: ConfigPath, message: string, suggestion?: string | null): void;
  /** Notes a name that the directory should know. */
  named(kind: NamedSubject['kind'], id: string, path: ConfigPath): void;
  /** A member that a team lists twice. */
  repeated(path: ConfigPath): void;
}

/** The path of an item of what may be one value or a list. */
export function itemPath(path: ConfigPath, listed: Listed<unknown>, index: number): ConfigPath {
  return listed.list ? [...path, index] : path;
}

/** The subjects as they are compared, each checked. */
export function resolveSubjects(
  written: Listed<WrittenSubject>,
  path: ConfigPath,
  context: Context,
): readonly SubjectPattern[] {
  return written.items.map(({ pattern }, i) => {
    checkSubject(pattern, itemPath(path, written, i), context);
    return pattern;
  });
}

/** A team or group must be one that the document can know; other names are noted, for the directory to know them. */
export function checkSubject(pattern: SubjectPattern, path: ConfigPath, context: SubjectChecks): void {
  if (pattern.kind === 'everyone') return;
  if (pattern.kind === 'team') checkTeam(pattern.id, path, context);
  else {
    if (pattern.kind === 'group') checkGroup(pattern.id, path, context);
    context.named(pattern.kind, pattern.id, path);
  }
}

/** What checking a subject needs. */
type SubjectChecks = Pick<Context, 'teams' | 'providers' | 'fault' | 'named'>;

/** A group of a provider that does not exist, or says no groups, has nobody in it: a deny would let everybody pass unseen. */
function checkGroup(id: string, path: ConfigPath, { providers, fault }: SubjectChecks): void {
  const provider = providers.get(providerOf(id));
  if (provider === undefined) {
    const names = [...providers.values()].map(({ name }) => name);
    fault(path, 'names a group of a provider that is not under identity.providers', nearest(providerOf(id), names));
  } else if (provider.kind === 'oidc' && provider.groupsClaim === null) {
    fault(path, 'names a group of a provider that says no groups; write `groups` under it');
  }
}

/** A misspelt team would let a deny pass unseen: a team that `teams` does not name is a fault. */
export function checkTeam(id: string, path: ConfigPath, { teams, fault }: Pick<Context, 'teams' | 'fault'>): void {
  if (teams.has(id)) return;
  const names = [...teams.values()].map(({ name }) => name);
  fault(path, 'names a team that is not under teams', nearest(id, names));
}
