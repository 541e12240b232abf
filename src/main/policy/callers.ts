import { type DirectorySnapshot, refusalOf } from '../../identity/snapshot.ts';
import { isActiveAt } from '../../identity/validity.ts';
import type { LoadedPolicy } from '../../policy/compile.ts';
import type { Subject } from '../../policy/model.ts';
import { subjectOf } from '../../steps/attribute.ts';
import type { Governance } from '../../steps/governance.ts';

/** A caller by ids. */
export interface KnownCaller extends Pick<Subject, 'kind' | 'id' | 'key'> {
  /** `tea_…` that the key names for its charges; null for none. */
  readonly keyTeam: string | null;
}

/** The caller in the words of this policy, charged as a call that names no team is. */
export function subjectIn(governance: Pick<Governance, 'policy' | 'directory'>, caller: KnownCaller): Subject {
  const { kind, id, key, keyTeam } = caller;
  return subjectOf({ principal: { kind, id, keyTeam, credential: { id: key } }, governance, asked: undefined }).subject;
}

/**
 * Everybody who may call now, with the keys that can make a difference: those that one of these policies names, and one for each
 * team that keys are charged to. Who has no key stands there with none.
 */
export function livingCallers(
  { parties, credentials }: DirectorySnapshot,
  { policies, now }: { readonly policies: readonly LoadedPolicy[]; readonly now: number },
): KnownCaller[][] {
  const named = new Set(policies.flatMap((policy) => policy.named.map(({ id }) => id)));
  const keys = new Map<string, Map<string, KnownCaller>>();
  for (const entry of credentials.values()) {
    const { id, kind, team } = entry.credential;
    if (kind !== 'key' || refusalOf(entry, now) !== null) continue;
    const { owner } = entry;
    const own = keys.get(owner.id) ?? new Map<string, KnownCaller>();
    keys.set(owner.id, own);
    const sort = named.has(id) ? id : (team ?? '');
    if (!own.has(sort)) own.set(sort, { kind: owner.kind, id: owner.id, key: id, keyTeam: team });
  }
  const active = [...parties.values()].filter((party) => isActiveAt(party, now));
  return active.map(({ id, kind }) => {
    const own = keys.get(id);
    return own === undefined ? [{ kind, id, key: '', keyTeam: null }] : [...own.values()];
  });
}
