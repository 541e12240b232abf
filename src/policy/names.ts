import type { CompiledPolicy, Resource } from './model.ts';
import { matches } from './patterns.ts';

/**
 * The names of models worth asking a policy about: every name it writes out, in rules, ceiling, rates, budgets and prices. A
 * pattern with `*` gives those of the `known` names that it matches and, where it matches none of them, itself: it stands
 * for the models of tomorrow, and reads as such in a diff. Sorted.
 */
export function modelsNamedBy(policy: CompiledPolicy, known: readonly string[] = []): string[] {
  const counted = [...policy.rates, ...policy.budgets].flatMap((line) => [
    ...(line.models ?? []),
    ...(line.scope === 'model' ? (line.only ?? []) : []),
  ]);
  const prices = policy.prices.flatMap((price) => price.models);
  return namesOf([...patternsOf(policy, 'model'), ...(policy.ceiling?.patterns ?? []), ...counted, ...prices], known);
}

/** The names and patterns of capabilities that the rules write out, sorted. */
export function capabilitiesNamedBy(policy: CompiledPolicy): string[] {
  return namesOf(patternsOf(policy, 'capability'), []);
}

function patternsOf(policy: CompiledPolicy, kind: Resource['kind']): string[] {
  return policy.rules.filter((rule) => rule.resource === kind).flatMap((rule) => rule.patterns);
}

function namesOf(patterns: readonly string[], known: readonly string[]): string[] {
  const names = new Set<string>();
  for (const pattern of new Set(patterns)) {
    const found = pattern.includes('*') ? known.filter((name) => matches(pattern, name)) : [pattern];
    for (const name of found.length === 0 ? [pattern] : found) names.add(name);
  }
  return [...names].sort();
}
