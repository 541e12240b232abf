import { newId } from '../../kernel/ids.ts';
import type { AssignedRole } from '../principal.ts';
import {
  type ChangeContext,
  commit,
  type Done,
  existingTeam,
  livingParty,
  livingPerson,
  mustNotTouchOwner,
} from './commit.ts';
import { erase } from './erase.ts';
import { ChangeError } from './error.ts';
import { actorOf, emailOf, nameOf, reasonOf } from './input.ts';
import { newParty } from './rows.ts';
import { endSessions } from './sessions.ts';

/** Who asks, and why. */
interface Asked {
  readonly actor: string;
  readonly reason?: string | null;
}

/**
 * Adds a person. `conflict` when a living person has this address, `not_found` for an unknown team, `refused` for a primary owner,
 * who is made by `claimOwner` and `transferOwner` alone.
 */
export async function addPerson(
  context: ChangeContext,
  input: Asked & { readonly email: string; readonly team?: string | null; readonly role?: AssignedRole },
): Promise<{ id: string }> {
  const actor = actorOf(input.actor);
  const name = emailOf(input.email);
  const role = input.role ?? 'member';
  if (role === 'primary_owner') throw new ChangeError('refused', 'There is one primary owner: transfer the ownership.');
  return commit(context, async (tx, now) => {
    const team = await existingTeam(tx, input.team);
    const row = newParty({ kind: 'person', name, team, role }, now);
    await tx.insertParty(row);
    const after = { kind: 'person', role, team };
    return {
      result: { id: row.id },
      record: { actor, action: 'person.added', subject: row.id, before: null, after, reason: reasonOf(input.reason) },
    };
  });
}

/** Moves a person into a team, or out of any with null. */
export async function setPersonTeam(
  context: ChangeContext,
  input: Asked & { readonly person: string; readonly team: string | null },
): Promise<void> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  await commit(context, async (tx): Promise<Done<void>> => {
    const party = await livingPerson(tx, input.person);
    const team = await existingTeam(tx, input.team);
    if (team === party.team) return { result: undefined, record: null };
    await tx.updateParty(party.id, { team });
    const states = { before: { team: party.team }, after: { team } };
    return { result: undefined, record: { actor, action: 'person.moved', subject: party.id, ...states, reason } };
  });
}

/**
 * Stops a person or service at once, with all credentials; they stay and work again after `enableParty`. Sessions end for good.
 * `refused` for the primary owner, unless asked by themselves.
 */
export async function disableParty(context: ChangeContext, input: Asked & { readonly party: string }): Promise<void> {
  await setDisabled(context, input, true);
}

/** Undoes `disableParty`. `refused` for an erased person. */
export async function enableParty(context: ChangeContext, input: Asked & { readonly party: string }): Promise<void> {
  await setDisabled(context, input, false);
}

async function setDisabled(
  context: ChangeContext,
  input: Asked & { readonly party: string },
  disable: boolean,
): Promise<void> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  await commit(context, async (tx, now): Promise<Done<void>> => {
    const party = await livingParty(tx, input.party);
    if (disable === (party.disabledAt !== null)) return { result: undefined, record: null };
    if (disable) mustNotTouchOwner(party, actor);
    const disabledAt = disable ? now : null;
    await tx.updateParty(party.id, { disabledAt });
    const action = `${party.kind}.${disable ? 'disabled' : 'enabled'}`;
    const sessions = disable ? await endSessions(tx, { person: party.id, at: now }) : [];
    const after = party.kind === 'person' && disable ? { disabledAt, sessions } : { disabledAt };
    const states = { before: { disabledAt: party.disabledAt }, after };
    return { result: undefined, record: { actor, action, subject: party.id, ...states, reason } };
  });
}

/**
 * Forgets a person (P7): the address (in policies too), what identity providers call them, the labels of their keys and their content
 * key go, every credential is revoked, every session ended. The id stays, because the journal names it. Cannot be undone; a second time
 * changes nothing. `refused` for the primary owner, unless asked by themselves.
 */
export async function erasePerson(context: ChangeContext, input: Asked & { readonly person: string }): Promise<void> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  await commit(context, async (tx, now): Promise<Done<void>> => {
    const party = await tx.party(input.person);
    if (party?.kind !== 'person') throw new ChangeError('not_found', 'There is no person with this id.');
    if (party.erasedAt !== null) return { result: undefined, record: null };
    mustNotTouchOwner(party, actor);
    const revoked = await erase(tx, party.id, now);
    const states = { before: { erasedAt: null }, after: { erasedAt: now, revoked } };
    return { result: undefined, record: { actor, action: 'person.erased', subject: party.id, ...states, reason } };
  });
}

/** Adds a team. `conflict` when the name is taken. */
export async function addTeam(
  context: ChangeContext,
  input: Asked & { readonly name: string },
): Promise<{ id: string }> {
  const actor = actorOf(input.actor);
  const name = nameOf(input.name);
  return commit(context, async (tx, now) => {
    const id = newId('tea', now);
    await tx.insertTeam({ id, name, createdAt: now });
    const record = { actor, action: 'team.added', subject: id, before: null, after: { name } };
    return { result: { id }, record: { ...record, reason: reasonOf(input.reason) } };
  });
}

/** The service of this name, made where there is none. A team that is given is where it then belongs; null leaves it alone. */
export async function ensureService(
  context: ChangeContext,
  input: Asked & { readonly name: string; readonly team?: string | null },
): Promise<{ id: string }> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  const name = nameOf(input.name);
  return commit(context, async (tx, now): Promise<Done<{ id: string }>> => {
    const team = await existingTeam(tx, input.team);
    const known = await tx.partyByName('service', name);
    if (known === undefined) {
      const row = newParty({ kind: 'service', name, team, role: 'member' }, now);
      await tx.insertParty(row);
      const states = { before: null, after: { kind: 'service', name, team } };
      return {
        result: { id: row.id },
        record: { actor, action: 'service.added', subject: row.id, ...states, reason },
      };
    }
    const { id } = known;
    if (team === null || team === known.team) return { result: { id }, record: null };
    await tx.updateParty(id, { team });
    const states = { before: { team: known.team }, after: { team } };
    return { result: { id }, record: { actor, action: 'service.moved', subject: id, ...states, reason } };
  });
}
