import { newId } from '../../kernel/ids.ts';
import type { CredentialRow, PartyRow } from '../../store/ports.ts';
import { newCredential } from '../key-format.ts';

/** A party as it starts; a guest with who answers for them and the end. */
export function newParty(
  fields: Pick<PartyRow, 'kind' | 'name' | 'team' | 'role'> & Partial<Pick<PartyRow, 'sponsor' | 'endsAt'>>,
  now: number,
): PartyRow {
  const id = newId(fields.kind === 'person' ? 'per' : 'svc', now);
  return { sponsor: null, endsAt: null, ...fields, id, createdAt: now, disabledAt: null, erasedAt: null };
}

/** A credential as it starts, and its secret, which is in no row. */
export function issue(
  fields: Pick<CredentialRow, 'kind' | 'owner' | 'label' | 'expiresAt' | 'team'>,
  now: number,
): { readonly row: CredentialRow; readonly secret: string } {
  const { secret, digest, hint } = newCredential(fields.kind);
  const id = newId(fields.kind === 'key' ? 'key' : 'adm', now);
  return { row: { ...fields, id, digest, hint, createdAt: now, revokedAt: null, rotatedTo: null }, secret };
}
