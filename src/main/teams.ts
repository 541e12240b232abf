import { subjectOf } from '../steps/attribute.ts';
import type { Governance } from '../steps/governance.ts';

/** Names of every team this person or service belongs to, the one that is charged by itself first. */
export function teamsOfParty(governance: Governance, id: string): readonly string[] {
  const row = governance.directory.parties.get(id);
  if (row === undefined) return [];
  const principal = { kind: row.kind, id, keyTeam: null, credential: { id: '' } };
  return subjectOf({ principal, governance, asked: undefined }).subject.teams;
}
