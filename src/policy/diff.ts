import { Groups, type Pair, type Party, pairsOf } from './diff-groups.ts';
import { type Access, accessOf, type LimitKind, limitsOf, type Side } from './diff-view.ts';
import type { CompiledPolicy, Place, Resource, Subject } from './model.ts';
import { capabilitiesNamedBy } from './names.ts';
import { type PolicyStanding, standing } from './roles.ts';

export interface DiffInput {
  readonly before: CompiledPolicy;
  readonly after: CompiledPolicy;
  /**
   * The living people and services with the teams that this policy gives them: memberships differ between the two. Found again
   * by id and key, so that one person can be given with several keys. Who is missing on one side has nothing there.
   */
  readonly subjects: (policy: CompiledPolicy) => readonly Subject[];
  /** Every name of a model to try; see modelsNamedBy. */
  readonly models: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface AccessChange {
  /** `gained`: denied before, allowed after. `lost`: the reverse. `changed`: any other. */
  readonly change: 'gained' | 'lost' | 'changed';
  readonly resource: Resource['kind'];
  /** All that changed in this way for these callers, sorted. */
  readonly names: readonly string[];
  readonly from: Access;
  readonly to: Access;
  /** What decides, before and after; null where nothing allows. */
  readonly by: { readonly before: Place | null; readonly after: Place | null };
  readonly who: readonly Party[];
}

export interface LimitChange {
  readonly limit: LimitKind;
  /** The models it changed for, sorted; null for every model tried. */
  readonly models: readonly string[] | null;
  /** The smallest that is enforced: micro-dollars of a budget, else a count; null for none. */
  readonly from: number | null;
  readonly to: number | null;
  readonly who: readonly Party[];
}

export interface ContentChange {
  /** Whether the content of their calls is kept from now on; it was the other way before. */
  readonly kept: boolean;
  readonly who: readonly Party[];
}

export interface RoleChange {
  /** What the policy makes of them; the directory may give more. */
  readonly from: PolicyStanding['role'];
  readonly to: PolicyStanding['role'];
  readonly who: readonly Party[];
}

export interface PolicyDiff {
  readonly access: readonly AccessChange[];
  readonly limits: readonly LimitChange[];
  readonly content: readonly ContentChange[];
  readonly roles: readonly RoleChange[];
  /** What was tried: a diff says nothing of anything else. */
  readonly tried: { readonly parties: number; readonly models: number; readonly capabilities: number };
}

/**
 * What a change of the policy means for those it governs, found by asking both policies everything. Equal changes are one
 * entry. Being observed is a state of its own: what stays allowed, but would be refused if enforced, has changed.
 */
export function diffPolicies(input: DiffInput): PolicyDiff {
  const { before, after, now } = input;
  const models = sorted(input.models);
  const capabilities = sorted([...capabilitiesNamedBy(before), ...capabilitiesNamedBy(after)]);
  const access = new Groups<Omit<AccessChange, 'who'>>();
  const limits = new Groups<Omit<LimitChange, 'who'>>();
  const content = new Groups<Omit<ContentChange, 'who'>>();
  const roles = new Groups<Omit<RoleChange, 'who'>>();
  const pairs = pairsOf(input.subjects(before), input.subjects(after));
  for (const pair of pairs) {
    const sides = sidesOf(input, pair);
    for (const change of accessChanges(sides, { kind: 'model', names: models, now })) access.add(change, pair.party);
    const more = accessChanges(sides, { kind: 'capability', names: capabilities, now });
    for (const change of more) access.add(change, pair.party);
    for (const change of limitChanges(sides, models)) limits.add(change, pair.party);
    const kept = keeps(sides.after);
    if (kept !== keeps(sides.before)) content.add({ kept }, pair.party);
    const [from, to] = [roleOf(sides.before), roleOf(sides.after)];
    if (from !== to) roles.add({ from, to }, pair.party);
  }
  const parties = new Set(pairs.map((pair) => pair.party.id)).size;
  return {
    access: access.all(),
    limits: limits.all(),
    content: content.all(),
    roles: roles.all(),
    tried: { parties, models: models.length, capabilities: capabilities.length },
  };
}

/** Diffs of the same two policies and models, each for other callers, as the diff for all of these callers. */
export function mergeDiffs(parts: readonly PolicyDiff[]): PolicyDiff {
  const access = new Groups<Omit<AccessChange, 'who'>>();
  const limits = new Groups<Omit<LimitChange, 'who'>>();
  const content = new Groups<Omit<ContentChange, 'who'>>();
  const roles = new Groups<Omit<RoleChange, 'who'>>();
  for (const part of parts) {
    for (const { who, ...change } of part.access) access.addAll(change, who);
    for (const { who, ...change } of part.limits) limits.addAll(change, who);
    for (const { who, ...change } of part.content) content.addAll(change, who);
    for (const { who, ...change } of part.roles) roles.addAll(change, who);
  }
  const [first] = parts;
  const parties = parts.reduce((sum, part) => sum + part.tried.parties, 0);
  const tried = { parties, models: first?.tried.models ?? 0, capabilities: first?.tried.capabilities ?? 0 };
  return { access: access.all(), limits: limits.all(), content: content.all(), roles: roles.all(), tried };
}

/** Whether nothing that was tried has changed for anybody. */
export function isEmptyDiff({ access, limits, content, roles }: PolicyDiff): boolean {
  return access.length + limits.length + content.length + roles.length === 0;
}

interface Sides {
  readonly before: Side;
  readonly after: Side;
}

function sidesOf({ before, after }: DiffInput, pair: Pair): Sides {
  return { before: { policy: before, subject: pair.before }, after: { policy: after, subject: pair.after } };
}

interface Tried {
  readonly kind: Resource['kind'];
  readonly names: readonly string[];
  readonly now: number;
}

function accessChanges({ before, after }: Sides, { kind, names, now }: Tried): Omit<AccessChange, 'who'>[] {
  const changes = new Collected<Omit<AccessChange, 'who' | 'names'>>();
  for (const name of names) {
    const one = accessOf(before, { kind, name }, now);
    const two = accessOf(after, { kind, name }, now);
    if (JSON.stringify(one.access) === JSON.stringify(two.access)) continue;
    const change = direction(one.access, two.access);
    const by = { before: one.by, after: two.by };
    changes.add({ change, resource: kind, from: one.access, to: two.access, by }, name);
  }
  return changes.all().map(([change, changed]) => ({ ...change, names: changed }));
}

function direction(from: Access, to: Access): AccessChange['change'] {
  if (from.effect === 'deny' && to.effect === 'allow') return 'gained';
  return from.effect === 'allow' && to.effect === 'deny' ? 'lost' : 'changed';
}

function limitChanges({ before, after }: Sides, models: readonly string[]): Omit<LimitChange, 'who'>[] {
  const changes = new Collected<Omit<LimitChange, 'who' | 'models'>>();
  // Without a model to try there are still the lines for all models.
  for (const model of models.length === 0 ? [null] : models) {
    const one = limitsOf(before, model);
    const two = limitsOf(after, model);
    for (const [key, { kind }] of new Map([...one, ...two])) {
      const from = one.get(key)?.value ?? null;
      const to = two.get(key)?.value ?? null;
      if (from !== to) changes.add({ limit: kind, from, to }, model ?? '');
    }
  }
  const all = Math.max(models.length, 1);
  return changes.all().map(([change, names]) => ({ ...change, models: names.length === all ? null : names }));
}

/** Names by the change that they have in common. */
class Collected<T extends object> {
  readonly #changes = new Map<string, readonly [T, string[]]>();

  add(change: T, name: string): void {
    const key = JSON.stringify(change);
    const entry = this.#changes.get(key) ?? [change, []];
    entry[1].push(name);
    this.#changes.set(key, entry);
  }

  all(): (readonly [T, string[]])[] {
    return [...this.#changes.values()];
  }
}

function keeps({ policy, subject }: Side): boolean {
  return subject !== null && policy.keepsContent(subject);
}

function roleOf({ policy, subject }: Side): PolicyStanding['role'] {
  return subject === null || subject.kind === 'service' ? 'member' : standing(policy, subject).role;
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
