import { createHash } from 'node:crypto';
import { newId } from '../../src/kernel/ids.ts';
import type { CredentialRow, GrantRow, PartyRow, PolicyRevisionRow, StopRow, TeamRow } from '../../src/store/ports.ts';

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
    team: null,
    ...fields,
  };
}

/** Ids of stops and grants in order of their making. */
const overlayId = (prefix: 'stp' | 'gra'): string => {
  serial += 1;
  return `${prefix}_${serial.toString().padStart(26, '0')}`;
};

export function stop(fields: Partial<StopRow> = {}): StopRow {
  const row = { target: 'key', subject: 'key_x', reason: 'pasted into a chat', actor: 'system' } as const;
  return { id: overlayId('stp'), ...row, createdAt: T0, liftedAt: null, ...fields };
}

export function grant(fields: Partial<GrantRow> = {}): GrantRow {
  const row = { kind: 'budget', scope: 'organization', subject: null, models: null, micros: 5_000_000 } as const;
  const times = { startsAt: T0, endsAt: T0 + 1000, createdAt: T0, revokedAt: null };
  return { id: overlayId('gra'), ...row, ...times, reason: 'end of quarter', actor: 'system', ...fields };
}

export function policy(number: number, text: string, fields: Partial<PolicyRevisionRow> = {}): PolicyRevisionRow {
  const sha256 = createHash('sha256').update(text).digest('hex');
  return { number, text, sha256, author: 'system', reason: null, restores: null, createdAt: T0, ...fields };
}
