import { compileDirectory } from '../../src/identity/snapshot.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import type { CompiledPolicy } from '../../src/policy/model.ts';
import { matches } from '../../src/policy/patterns.ts';
import { priceTable } from '../../src/pricing/table.ts';
import type { Governance } from '../../src/steps/governance.ts';
import type { DirectoryState, PartyRow } from '../../src/store/ports.ts';

export const PERSON = 'per_00000000000000000000000001';
export const KEY = 'key_00000000000000000000000001';

/** Lets everybody do everything: for tests that are about something else. */
export const OPEN_POLICY = `
access: [ { allow: "*", to: everyone } ]
server_side: [ { allow: "*", to: everyone } ]
`;

export function policyOf(text: string): CompiledPolicy {
  const loaded = loadPolicy({ text, file: 'test.yaml' });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  return loaded.policy;
}

export function partyRow(fields: Partial<PartyRow>): PartyRow {
  return {
    id: PERSON,
    kind: 'person',
    name: 'ada@example.com',
    team: null,
    role: 'member',
    createdAt: 0,
    disabledAt: null,
    erasedAt: null,
    sponsor: null,
    endsAt: null,
    ...fields,
  };
}

/** What is in force in a test: a policy, and a directory that knows the test's person. */
export function governanceOf(text: string | null, directory: Partial<DirectoryState> = {}): Governance {
  const policy = text === null ? null : policyOf(text);
  const state = {
    sequence: 1,
    parties: [partyRow({})],
    teams: [],
    credentials: [],
    stops: [],
    grants: [],
    policy: null,
    identities: [],
    sessions: [],
  };
  return {
    version: policy === null ? 'pol-none' : 'pol-1',
    policy,
    directory: compileDirectory({ ...state, ...directory }),
    prices: priceTable({ overrides: policy?.prices ?? [], matches }),
  };
}
