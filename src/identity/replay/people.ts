/** What was taken from people since the copy that a store was restored from: ways in, roles, ownership, a say. */
import type { ProposalRow, StoreTransaction } from '../../store/ports.ts';
import { BREAK_GLASS_SETTING } from '../changes/break-glass.ts';
import { endInvitation } from '../changes/invitations.ts';
import type { AssignedRole } from '../principal.ts';
import { type Apply, text, texts, wholeNumber } from './record.ts';

/** Highest first. */
const ASSIGNED: readonly AssignedRole[] = ['primary_owner', 'admin', 'auditor', 'member'];

const endSession: Apply = async (tx, { subject, after }) => endOne(tx, subject, wholeNumber(after, 'revokedAt'));

const endSessions: Apply = async (tx, { after }) => {
  const at = wholeNumber(after, 'revokedAt');
  let altered = false;
  for (const id of texts(after, 'sessions')) altered = (await endOne(tx, id, at)) || altered;
  return altered;
};

async function endOne(tx: StoreTransaction, id: string, revokedAt: number): Promise<boolean> {
  const row = await tx.session(id);
  if (row === undefined || row.revokedAt !== null) return false;
  await tx.updateSession(id, { revokedAt });
  return true;
}

/** The record names no subject: which identity it was says the moment it was linked. */
const unlink: Apply = async (tx, { subject: person, before }) => {
  const [provider, linkedAt] = [text(before, 'provider'), wholeNumber(before, 'linkedAt')];
  let altered = false;
  for (const row of await tx.identitiesOf(person)) {
    if (row.provider !== provider || row.createdAt !== linkedAt) continue;
    await tx.deleteIdentity(row.provider, row.subject);
    altered = true;
  }
  return altered;
};

/** Which groups they were is in no record. Those of the copy could give back what they no longer do: none, until the next sign-in. */
const dropGroups: Apply = async (tx, { subject: person, after }) => {
  const provider = text(after, 'provider');
  let altered = false;
  for (const row of await tx.identitiesOf(person)) {
    if (row.provider !== provider || row.groups.length === 0) continue;
    await tx.updateIdentity(row.provider, row.subject, { groups: [] });
    altered = true;
  }
  return altered;
};

const discard: Apply = async (tx, { subject }) => {
  if ((await tx.waitingIdentity(subject)) === undefined) return false;
  await tx.deleteWaitingIdentity(subject);
  return true;
};

/** Only ever lower: a role given since is given again by whoever may. */
const lower: Apply = async (tx, { subject: person, after }) => {
  const role = ASSIGNED.find((known) => known === after.role);
  if (role === undefined) throw new Error('A change record cannot be replayed: it names no role.');
  return lowerTo(tx, person, role);
};

async function lowerTo(tx: StoreTransaction, person: string, role: AssignedRole): Promise<boolean> {
  const party = await tx.party(person);
  if (party === undefined || ASSIGNED.indexOf(party.role) >= ASSIGNED.indexOf(role)) return false;
  await tx.updateParty(person, { role });
  return true;
}

/** An heir whom the store does not know is gone with the newer one: then nobody owns it, and the next start offers a new secret. */
const transfer: Apply = async (tx, { before, after }) => {
  const heir = await tx.party(text(after, 'owner'));
  let altered = await lowerTo(tx, text(before, 'owner'), 'admin');
  altered = (await unseal(tx)) || altered;
  if (heir === undefined || heir.erasedAt !== null || heir.role === 'primary_owner') return altered;
  const other = await tx.primaryOwner();
  if (other !== undefined) await tx.updateParty(other.id, { role: 'admin' });
  await tx.updateParty(heir.id, { role: 'primary_owner' });
  return true;
};

/** Who could not act any more when somebody else claimed the installation. Records of older versions name nobody. */
export const displace: Apply = async (tx, { after }) => {
  const unsealed = await unseal(tx);
  const { displaced = null } = after;
  return (displaced !== null && (await lowerTo(tx, text(after, 'displaced'), 'member'))) || unsealed;
};

/** A restored digest would open to an envelope that was opened, or replaced. */
async function unseal(tx: StoreTransaction): Promise<boolean> {
  if ((await tx.setting(BREAK_GLASS_SETTING)) === undefined) return false;
  await tx.setSetting(BREAK_GLASS_SETTING, null);
  return true;
}

const revokeInvitation: Apply = async (tx, { subject, after }) => {
  const at = wholeNumber(after, 'revokedAt');
  const row = await tx.invitation(subject);
  if (row === undefined || row.revokedAt !== null) return false;
  await endInvitation(tx, row, at);
  return true;
};

/** Only ever sooner. */
const shortenInvitation: Apply = async (tx, { subject, after }) => {
  const endsAt = wholeNumber(after, 'endsAt');
  const row = await tx.invitation(subject);
  if (row === undefined || row.endsAt <= endsAt) return false;
  await tx.updateInvitation(row.id, { endsAt });
  if (row.person !== null) await tx.updateParty(row.person, { endsAt });
  return true;
};

const DECISIONS = ['approved', 'rejected', 'withdrawn'] as const satisfies readonly ProposalRow['decision'][];

const decide: Apply = async (tx, { subject, after, change }) => {
  const decision = DECISIONS.find((known) => known === after.decision);
  if (decision === undefined) throw new Error('A change record cannot be replayed: it names no decision.');
  const [decidedBy, decidedAt] = [text(change, 'actor'), wholeNumber(after, 'decidedAt')];
  const row = await tx.proposal(subject);
  if (row === undefined || row.decision !== null) return false;
  await tx.decideProposal(subject, { decision, decidedBy, decidedAt });
  return true;
};

/** By action of the record. */
export const PEOPLE: Readonly<Record<string, Apply>> = {
  'session.revoked': endSession,
  'sessions.revoked': endSessions,
  'identity.unlinked': unlink,
  'identity.updated': dropGroups,
  'identity.discarded': discard,
  'role.changed': lower,
  'owner.transferred': transfer,
  'break_glass.sealed': unseal,
  'break_glass.used': unseal,
  'invitation.revoked': revokeInvitation,
  'invitation.extended': shortenInvitation,
  'proposal.approved': decide,
  'proposal.rejected': decide,
  'proposal.withdrawn': decide,
};
