import { groupsUnavailable } from './failures.ts';
import { asObject, type JsonValues } from './strict-json.ts';

const MAX_GROUPS = 2_000;
const MAX_GROUP = 256;

/**
 * Groups at a path of claims: an array of texts, or one text, which is one group however many blanks or commas it has. Null where the
 * provider did not say: no such claim, or null. An empty array is a person without groups.
 *
 * Whatever else stands there is not guessed at, and too many or too long names are not cut: a group left out could be one that is
 * denied something (P8).
 *
 * @throws SignInFailure `groups_unavailable`
 */
export function groupsIn(claims: JsonValues, path: readonly string[]): readonly string[] | null {
  let at: unknown = claims;
  for (const name of path) {
    const within = asObject(at);
    if (within === null || !Object.hasOwn(within, name)) return null;
    at = within[name];
  }
  if (at === null) return null;
  return groupNames(typeof at === 'string' ? [at] : at);
}

/** A list of groups, each once. Throws a SignInFailure `groups_unavailable` for everything else. */
export function groupNames(list: unknown): readonly string[] {
  if (!Array.isArray(list)) throw groupsUnavailable('the groups are no list of names');
  if (list.length > MAX_GROUPS) throw groupsUnavailable(`there are more than ${MAX_GROUPS} groups`);
  if (!list.every(isGroup)) throw groupsUnavailable(`a group is no name of 1 to ${MAX_GROUP} characters`);
  return [...new Set(list)];
}

/** Whether the provider left the groups out because there are too many (Microsoft Entra ID), or says that they stand elsewhere. */
export function isOverage(claims: JsonValues, path: readonly string[]): boolean {
  const elsewhere = asObject(claims._claim_names);
  if (claims.hasgroups !== undefined && claims.hasgroups !== false && claims.hasgroups !== 'false') return true;
  return elsewhere !== null && Object.hasOwn(elsewhere, path[0] ?? '');
}

function isGroup(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_GROUP && !/[\p{Cc}\p{Cs}]/u.test(value);
}
