import { newId } from '../../src/kernel/ids.ts';
import type { CredentialRow, PartyRow, TeamRow } from '../../src/store/ports.ts';

/** Rows for tests; every field can be given. */
export const T0 = 1_800_000_000_000;
let serial = 0;

export function person(fields: Partial<PartyRow> = {}): PartyRow {
  serial += 1;
  const name = `person${serial}@example.com`;
  const row = { team: null, role: 'member', createdAt: T0, disabledAt: null, erasedAt: null } as const;
  return { id: newId('per', T0), kind: 'person', name, ...row, ...fields };
}

export function service(fields: Partial<PartyRow> = {}): PartyRow {
  serial += 1;
  return person({ id: newId('svc', T0), kind: 'service', name: `service${serial}`, ...fields });
}

export function team(fields: Partial<TeamRow> = {}): TeamRow {
  serial += 1;
  return { id: newId('tea', T0), name: `team${serial}`, createdAt: T0, ...fields };
}

export function credential(owner: string, fields: Partial<CredentialRow> = {}): CredentialRow {
  serial += 1;
  return {
    id: newId('key', T0),
    kind: 'key',
    digest: serial.toString(16).padStart(64, '0'),
    hint: 'ghk_abcdef',
    owner,
    label: 'laptop',
    createdAt: T0,
    expiresAt: null,
    revokedAt: null,
    rotatedTo: null,
    ...fields,
  };
}
