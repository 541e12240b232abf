import { createHash } from 'node:crypto';
import { newId } from '../../src/kernel/ids.ts';
import type {
  CredentialRow,
  GrantRow,
  IdentityRow,
  InvitationRow,
  KeptAnswerRow,
  PartyRow,
  PolicyRevisionRow,
  ProposalRow,
  SessionRow,
  StopRow,
  TeamRow,
  WaitingIdentityRow,
} from '../../src/store/ports.ts';

/** Rows for tests; every field can be given. */
export const T0 = 1_800_000_000_000;
let serial = 0;

export function person(fields: Partial<PartyRow> = {}): PartyRow {
  serial += 1;
  const name = `person${serial}@example.com`;
  const row = { team: null, role: 'member', createdAt: T0, disabledAt: null, erasedAt: null } as const;
  return { id: newId('per', T0), kind: 'person', name, ...row, sponsor: null, endsAt: null, ...fields };
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

/** Ids in order of their making. */
const overlayId = (prefix: 'stp' | 'gra' | 'wai' | 'inv' | 'ses' | 'chg'): string => {
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

const ISSUER = 'https://acme.okta.example';

export function identity(owner: string, fields: Partial<IdentityRow> = {}): IdentityRow {
  serial += 1;
  const row = { provider: 'okta', subject: `00u${serial}`, person: owner, email: `person${serial}@example.com` };
  return { ...row, issuer: ISSUER, groups: ['eng'], linkedBy: 'sign-in', createdAt: T0, lastSignInAt: T0, ...fields };
}

export function waiting(owner: string, fields: Partial<WaitingIdentityRow> = {}): WaitingIdentityRow {
  serial += 1;
  const row = { id: overlayId('wai'), provider: 'okta', subject: `00w${serial}`, email: 'ada@example.com' };
  return { ...row, issuer: ISSUER, person: owner, firstSeenAt: T0, lastSeenAt: T0, ...fields };
}

export function invitation(sponsor: string, fields: Partial<InvitationRow> = {}): InvitationRow {
  serial += 1;
  const row = { id: overlayId('inv'), email: `guest${serial}@partner.example`, provider: 'okta', sponsor };
  const times = { createdAt: T0, endsAt: T0 + 1000, revokedAt: null };
  return { ...row, ...times, actor: 'system', person: null, ...fields };
}

export function session(owner: string, fields: Partial<SessionRow> = {}): SessionRow {
  serial += 1;
  const times = { rotatedAt: T0, createdAt: T0, lastSeenAt: T0, expiresAt: T0 + 1000, revokedAt: null };
  return {
    id: overlayId('ses'),
    person: owner,
    provider: 'okta',
    digest: `5e55${serial.toString(16).padStart(60, '0')}`,
    previous: null,
    client: 'c'.repeat(64),
    label: 'Firefox on Linux',
    csrf: 'token',
    ...times,
    ...fields,
  };
}

export function proposal(fields: Partial<ProposalRow> = {}): ProposalRow {
  const { text = 'access: []', ...others } = fields;
  const sha256 = createHash('sha256').update(text).digest('hex');
  const open = { decision: null, decidedBy: null, decidedAt: null } as const;
  return {
    ...{ id: overlayId('chg'), base: 3, text, sha256, author: 'per_x', reason: null, restores: null },
    ...{ kinds: ['controls'], createdAt: T0, expiresAt: T0 + 1000, ...open, ...others },
  };
}

export function keptAnswer(fields: Partial<KeptAnswerRow> = {}): KeptAnswerRow {
  serial += 1;
  const row = { key: `key${serial}`, request: 'r'.repeat(64), status: 200, body: Uint8Array.of(0, 255, 7) };
  return { ...row, createdAt: T0, ...fields };
}
