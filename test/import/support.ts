import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importPolicy } from '../../src/policy/import/import.ts';
import type { Imported, ImportKind } from '../../src/policy/import/model.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import type { CompiledPolicy, Subject } from '../../src/policy/model.ts';

export const FIXTURES: readonly (readonly [kind: ImportKind, file: string])[] = [
  ['litellm', 'litellm.yaml'],
  ['claude-gateway', 'claude-gateway.yaml'],
  ['portkey', 'portkey.json'],
];

export function fixture(name: string): string {
  return readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8');
}

/** The result for text that must be readable. */
export function translate(kind: ImportKind, text: string): Imported {
  const result = importPolicy(kind, { text, file: 'old.yaml' });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result;
}

/** The policy that was written, loaded as an operator's would be. */
export function compiled(kind: ImportKind, text: string): CompiledPolicy {
  const { policy } = translate(kind, text);
  const loaded = loadPolicy({ text: policy, file: 'policy.yaml' });
  if (!loaded.ok) throw new Error(`${policy}\n${JSON.stringify(loaded.problems)}`);
  return loaded.policy;
}

export function person(teams: readonly string[] = []): Subject {
  return {
    kind: 'person',
    id: 'per_1',
    name: 'someone@example.com',
    key: 'key_1',
    teams,
    team: teams[0] ?? null,
    groups: [],
  };
}

/** Whether somebody of these teams may use the model. */
export function may(policy: CompiledPolicy, model: string, teams: readonly string[] = []): boolean {
  const { effect } = policy.decide({ subject: person(teams), resource: { kind: 'model', name: model }, now: 0 });
  return effect === 'allow';
}

/** `severity path` of every note. */
export function places({ notes }: Imported): string[] {
  return notes.map(({ severity, path }) => `${severity} ${path}`);
}
