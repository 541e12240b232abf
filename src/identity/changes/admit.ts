import { newId } from '../../kernel/ids.ts';
import type { IdentityRow, StoreTransaction } from '../../store/ports.ts';
import type { ProvenIdentity } from '../ports.ts';
import { SignInFailure, type SignInFailureCode } from '../sign-in-failure.ts';
import { isActiveAt } from '../validity.ts';
import { rename } from './addresses.ts';
import { type ChangeContext, type Done, inStore } from './commit.ts';
import { ChangeError } from './error.ts';
import { emailOf } from './input.ts';
import { newParty } from './rows.ts';
import { personOrFailure } from './sessions.ts';

/** Of one person at one provider, and their letters together: everybody's are loaded with every change of the directory. */
const MOST_GROUPS = 2000;
const MOST_LETTERS = 65_536;
const MOST_SUBJECT = 255;

export interface AdmitInput {
  readonly proven: ProvenIdentity;
  /** Name of the provider whose domains cover the proven address; null for none. */
  readonly capturedBy: string | null;
  /** The provider vouches for addresses that it does not call verified. */
  readonly trustsEmail: boolean;
}

export interface Admitted {
  readonly person: string;
  /** Of a guest: from when on nothing works, milliseconds since the epoch; null for all others. */
  readonly endsAt: number | null;
}

type Outcome = Admitted | SignInFailure;

/** What is asked, in the forms that are stored and compared. */
interface Proof {
  readonly provider: string;
  readonly subject: string;
  readonly issuer: string;
  readonly address: string | null;
  readonly verified: boolean;
  readonly captured: boolean;
  readonly groups: readonly string[];
  readonly now: number;
}

/**
 * Who this is, or who it becomes: known by (provider, subject), never by the address. Unknown ones enter with an address of the
 * provider's own domains, or an invitation; with the address of somebody who is here they wait to be linked. Rejects with a SignInFailure.
 */
export async function admitIdentity(context: ChangeContext, input: AdmitInput): Promise<Admitted> {
  const { outcome, changed } = await decide(context, input).catch((error) => {
    // Another process took the same address or identity in this moment: seen again, it is there.
    if (error instanceof ChangeError && error.code === 'conflict') return decide(context, input);
    throw error;
  });
  if (outcome instanceof SignInFailure) throw outcome;
  if (changed) await context.directory.refresh();
  return outcome;
}

/** What is refused is committed too: an assertion is used up, whatever comes of it, and who must wait is kept. */
async function decide(
  { store, clock }: ChangeContext,
  input: AdmitInput,
): Promise<{ outcome: Outcome; changed: boolean }> {
  return inStore(store, async (tx) => {
    const { result, record } = await judge(tx, input, clock.now());
    if (record !== null) await tx.enqueue({ ...record });
    return { outcome: result, changed: record !== null };
  });
}

async function judge(tx: StoreTransaction, input: AdmitInput, now: number): Promise<Done<Outcome>> {
  const { proven, capturedBy, trustsEmail } = input;
  const { once, subject, issuer } = proven;
  if (once !== null && !(await tx.useAssertion(once.digest, once.until, now))) {
    return refused('response_used', 'the assertion was used before');
  }
  if (once !== null && once.until <= now) return refused('response_late', 'the assertion is over');
  if (subject === '' || subject.length > MOST_SUBJECT) return refused('response_invalid', 'there is no usable subject');
  const provider = proven.provider.toLowerCase();
  const known = await tx.identity(provider, subject);
  // The same subject at another issuer is somebody else: a provider that was pointed elsewhere proves nobody whom it knew.
  if (known !== undefined && known.issuer !== issuer) {
    return refused('link_needed', 'another issuer proved this identity before: unlink it first', known.person);
  }
  if (capturedBy !== null && capturedBy.toLowerCase() !== provider) {
    return refused('domain_elsewhere', 'the domain of the address belongs to another provider', known?.person);
  }
  const groups = groupsOf(proven.groups);
  // A group too few could be the one that a deny names.
  if (groups === null) return refused('groups_unavailable', 'there are more groups than can be kept', known?.person);
  const verified = proven.emailVerified ?? trustsEmail;
  const address = addressOf(proven.email);
  const proof = { provider, subject, issuer, address, verified, captured: capturedBy !== null, groups, now };
  return known === undefined ? enter(tx, proof) : comeBack(tx, known, proof);
}

/** Somebody who was here before. */
async function comeBack(tx: StoreTransaction, known: IdentityRow, proof: Proof): Promise<Done<Outcome>> {
  const { address, groups, now, provider, captured } = proof;
  const party = await personOrFailure(tx, known.person, now);
  if (party instanceof SignInFailure) return { result: party, record: null };
  if (!captured && known.linkedBy === 'sign-in' && party.endsAt === null) {
    return refused('not_invited', 'no provider has the domain of the address any more', party.id);
  }
  const renamed = await takesAddress(tx, { known, name: party.name }, proof);
  if (renamed && address !== null) await rename(tx, party, address);
  await tx.updateIdentity(provider, known.subject, { email: address, groups, lastSignInAt: now });
  const emailChanged = address !== known.email;
  const same = !emailChanged && JSON.stringify(groups) === JSON.stringify(known.groups);
  const result = { person: party.id, endsAt: party.endsAt };
  if (same) return { result, record: null };
  const states = {
    before: { provider, groups: known.groups.length },
    after: { provider, groups: groups.length, emailChanged, renamed },
  };
  const record = { actor: party.id, action: 'identity.updated', subject: party.id, ...states, reason: null };
  return { result, record };
}

/** Whether the person follows to a new address: one that the provider answers for, and that nobody has. */
async function takesAddress(
  tx: StoreTransaction,
  { known, name }: { readonly known: IdentityRow; readonly name: string | null },
  { address, verified, captured }: Proof,
): Promise<boolean> {
  if (address === null || !verified || !captured || address === known.email || address === name) return false;
  // A rule that names the one address or the other is for whoever an author meant by it.
  const text = ((await tx.newestPolicy())?.text ?? '').toLowerCase();
  if (text.includes(address) || (name !== null && text.includes(name))) return false;
  return (await tx.partyByName('person', address)) === undefined;
}

/** Somebody who was never here. */
async function enter(tx: StoreTransaction, proof: Proof): Promise<Done<Outcome>> {
  const { provider, subject, issuer, address, verified, captured, groups, now } = proof;
  if (address === null) return refused('email_missing', 'the provider gave no address');
  if (!verified) return refused('email_unverified', 'the provider does not call the address verified');
  const holder = await tx.partyByName('person', address);
  if (holder !== undefined) return wait(tx, { holder: holder.id, address }, proof);
  const invitation = captured ? null : await invitationFor(tx, address, proof);
  if (!captured && invitation === null) return refused('not_invited', 'no domain and no invitation covers the address');
  const { sponsor = null, endsAt = null } = invitation ?? {};
  const row = newParty({ kind: 'person', name: address, team: null, role: 'member', sponsor, endsAt }, now);
  await tx.insertParty(row);
  await tx.insertIdentity({
    ...{ provider, subject, issuer, person: row.id, email: address, groups },
    ...{ linkedBy: 'sign-in', createdAt: now, lastSignInAt: now },
  });
  if (invitation !== null) await tx.updateInvitation(invitation.id, { person: row.id });
  // Waited for somebody who has the address no more.
  const waited = await tx.waitingIdentityOf(provider, subject);
  if (waited !== undefined) await tx.deleteWaitingIdentity(waited.id);
  const after = {
    ...{ kind: 'person', role: row.role, team: null, provider, groups: groups.length },
    ...{ invitation: invitation?.id ?? null, sponsor, endsAt },
  };
  const record = { actor: row.id, action: 'person.added', subject: row.id, before: null, after, reason: null };
  return { result: { person: row.id, endsAt }, record };
}

/** An open invitation at this provider that nobody took yet, with a sponsor who can still answer. */
async function invitationFor(tx: StoreTransaction, address: string, { provider, now }: Proof) {
  const row = await tx.openInvitation(address);
  if (row === undefined || row.provider !== provider || row.person !== null || row.endsAt <= now) return null;
  const sponsor = await tx.party(row.sponsor);
  return sponsor !== undefined && isActiveAt(sponsor, now) ? row : null;
}

/** Addresses change hands: an admin must say that this is the same person. Recorded once, however often it is tried. */
async function wait(
  tx: StoreTransaction,
  { holder, address }: { readonly holder: string; readonly address: string },
  { provider, subject, issuer, now }: Proof,
): Promise<Done<Outcome>> {
  const before = await tx.waitingIdentityOf(provider, subject);
  const same = before?.person === holder && before.email === address && before.issuer === issuer;
  // Under a new id: who looked at what waited must not link something else.
  if (before !== undefined && !same) await tx.deleteWaitingIdentity(before.id);
  const id = same ? before.id : newId('wai', now);
  const row = { id, provider, subject, issuer, email: address, person: holder, firstSeenAt: now, lastSeenAt: now };
  await tx.saveWaitingIdentity(row);
  const result = new SignInFailure('link_needed', 'the address belongs to a person without this identity');
  if (same) return { result, record: null };
  const states = {
    before: before === undefined ? null : { person: before.person },
    after: { person: holder, provider },
  };
  return { result, record: { actor: 'system', action: 'identity.waiting', subject: id, ...states, reason: null } };
}

function refused(code: SignInFailureCode, detail: string, person: string | null = null): Done<Outcome> {
  return { result: new SignInFailure(code, detail, { person }), record: null };
}

function addressOf(email: string | null): string | null {
  if (email === null) return null;
  try {
    return emailOf(email);
  } catch {
    return null;
  }
}

/** Each once, in one order, so that another order is no change. Null for more than are kept. */
function groupsOf(groups: readonly string[]): readonly string[] | null {
  const once = [...new Set(groups)].sort();
  const letters = once.reduce((sum, group) => sum + group.length, 0);
  return once.length > MOST_GROUPS || letters > MOST_LETTERS ? null : once;
}
