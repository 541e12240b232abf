import { nearest } from '../kernel/config/distance.ts';
import type { ConfigPath } from '../kernel/config/document.ts';
import type { Calendar } from './dates.ts';
import type { Place, PolicyTeam, SubjectPattern } from './model.ts';
import type { WrittenSubject } from './subjects.ts';
import type { Listed } from './text.ts';

/** A person, service or key that the document names, and where. */
export interface NamedSubject {
  readonly kind: 'person' | 'service' | 'key';
  /** In lower case: a name or an id. */
  readonly id: string;
  readonly place: Place;
}

/** What a section needs of the rest of the document to be compiled. */
export interface Context {
  readonly calendar: Calendar;
  /** Patterns of each alias. */
  readonly aliases: ReadonlyMap<string, readonly string[]>;
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

/** The subjects as they are compared, their teams checked and their names noted. */
export function resolveSubjects(
  written: Listed<WrittenSubject>,
  path: ConfigPath,
  context: Context,
): readonly SubjectPattern[] {
  return written.items.map(({ pattern }, i) => {
    const own = itemPath(path, written, i);
    if (pattern.kind === 'team') checkTeam(pattern.id, own, context);
    else if (pattern.kind !== 'everyone') context.named(pattern.kind, pattern.id, own);
    return pattern;
  });
}

/** A misspelt team would let a deny pass unseen: a team that `teams` does not name is a fault. */
export function checkTeam(id: string, path: ConfigPath, { teams, fault }: Pick<Context, 'teams' | 'fault'>): void {
  if (teams.has(id)) return;
  const names = [...teams.values()].map(({ name }) => name);
  fault(path, 'names a team that is not under teams', nearest(id, names));
}
