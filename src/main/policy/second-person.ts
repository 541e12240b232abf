import type { SensitivePoint } from '../../doors/admin/policy-services.ts';
import type { CompiledPolicy, TwoPeopleKind } from '../../policy/model.ts';
import { sensitiveChanges } from '../../policy/sensitive.ts';

/** What a candidate would change that is more than everyday business. */
export interface Judged {
  /** What the policy in force reserves for two people. Empty: it may be applied at once. */
  readonly kinds: readonly TwoPeopleKind[];
  /** Prices, or budgets of the whole organization: the primary owner's alone. */
  readonly billing: boolean;
  readonly points: readonly SensitivePoint[];
}

/** Compares a candidate with the policy in force. The first policy of an installation is nobody's to approve. */
export function judge(before: CompiledPolicy | null, candidate: CompiledPolicy): Judged {
  if (before === null) return { kinds: [], billing: false, points: [] };
  const found = sensitiveChanges(before, candidate);
  const kinds = [...new Set(found.map(({ kind }) => kind))];
  return {
    kinds: kinds.filter((kind) => before.twoPeople.has(kind)),
    billing: kinds.includes('billing'),
    points: found.map(({ kind, place, message }) => ({ kind, path: place.path, message })),
  };
}

/** True for a candidate that shuts every way in but the providers, where that was not so before. */
export function shutsOtherWays(before: CompiledPolicy | null, candidate: CompiledPolicy): boolean {
  return candidate.identity.requireSso && before?.identity.requireSso !== true;
}
