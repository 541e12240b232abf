import assert from 'node:assert/strict';
import { formatProblem } from '../../src/kernel/config.ts';
import type { LoadedPolicy } from '../../src/policy/compile.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import type { Finding, Question, Resource, Subject } from '../../src/policy/model.ts';

/** 2026-11-24T12:00:00Z. */
export const NOW = 1_795_521_600_000;

export const ADA_ID = 'per_01aaaaaaaaaaaaaaaaaaaaaaaa';
export const CI_ID = 'svc_01bbbbbbbbbbbbbbbbbbbbbbbb';
export const KEY_ID = 'key_01cccccccccccccccccccccccc';

export const ada: Subject = {
  kind: 'person',
  id: ADA_ID,
  name: 'ada@example.com',
  key: KEY_ID,
  teams: ['payments'],
  team: 'payments',
  groups: [],
};

export const ci: Subject = {
  kind: 'service',
  id: CI_ID,
  name: 'payments-ci',
  key: KEY_ID,
  teams: [],
  team: null,
  groups: [],
};

/** Two providers; the second says no groups. */
export const PROVIDERS = `identity:
  providers:
    - name: Okta
      domains: [example.com]
      oidc: { issuer: "https://acme.okta.com", client_id: c1, client_secret: "env:OKTA", groups: groups }
    - name: plain
      domains: [example.org]
      oidc: { issuer: "https://plain.example.org", client_id: c2, token_auth: none }
`;

export function load(text: string, now?: number): { policy: LoadedPolicy; findings: readonly Finding[] } {
  const loaded = loadPolicy({ text, file: 'p.yaml', ...(now === undefined ? {} : { now }) });
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(formatProblem).join('\n'));
  return loaded;
}

export function problems(text: string): string[] {
  const loaded = loadPolicy({ text, file: 'p.yaml' });
  assert.ok(!loaded.ok, `accepted: ${text.slice(0, 200)}`);
  assert.deepEqual(Object.keys(loaded).sort(), ['ok', 'problems']);
  return loaded.problems.map(formatProblem);
}

/** `code place` of each finding. */
export function found(text: string, now?: number): string[] {
  return load(text, now).findings.map(({ code, place }) => `${code} ${place.path}`);
}

export function model(name: string, subject: Subject = ada, now = NOW): Question {
  return ask({ kind: 'model', name }, subject, now);
}

export function capability(name: string, subject: Subject = ada, now = NOW): Question {
  return ask({ kind: 'capability', name }, subject, now);
}

function ask(resource: Resource, subject: Subject, now: number): Question {
  return { subject, resource, now };
}
