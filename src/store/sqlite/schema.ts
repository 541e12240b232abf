import type { Generated } from 'kysely';
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
} from '../ports.ts';

/** The tables as Kysely sees them; CamelCasePlugin turns the names into the snake_case of the migrations. */
export interface Tables {
  teams: TeamRow;
  parties: PartyRow;
  credentials: CredentialRow;
  credentialUse: { credential: string; usedAt: number };
  contentKeys: { person: string; wrapped: Uint8Array };
  stops: StopRow;
  grants: GrantRow;
  policyRevisions: PolicyRevisionRow;
  /** `groups` is JSON text. */
  identities: Omit<IdentityRow, 'groups'> & { groups: string };
  waitingIdentities: WaitingIdentityRow;
  invitations: InvitationRow;
  sessions: SessionRow;
  usedAssertions: { digest: string; until: number };
  /** `kinds` is JSON text. */
  proposals: Omit<ProposalRow, 'kinds'> & { kinds: string };
  keptAnswers: KeptAnswerRow;
  settings: { name: string; value: string };
  /** `record` is JSON text. */
  outbox: { number: Generated<number>; record: string };
  /** Holds one row, `sequence`. */
  counters: { name: string; value: number };
  schemaMigrations: { number: number; name: string; appliedAt: number };
}
