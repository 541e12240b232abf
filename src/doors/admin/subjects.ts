import type { DirectoryState, GrantRow, PartyRow } from '../../store/ports.ts';
import { AdminProblem } from './problems.ts';
import { DirectoryView } from './view.ts';

/** A service by id or name. Throws `resource_unknown`. */
export function serviceOf(state: DirectoryState, idOrName: string): PartyRow {
  const services = state.parties.filter((party) => party.kind === 'service');
  const found = new DirectoryView({ ...state, parties: services }).findParty(idOrName);
  if (!found) throw new AdminProblem('resource_unknown', 'There is no service with this id or name.');
  return found;
}

/**
 * Whom a grant is for, in the words a policy uses: `organization`, `team X`, `service X`, an e-mail address, or the id of any of
 * these or of a key. Throws `resource_unknown` for a name or id that is not there.
 */
export function beneficiaryOf(state: DirectoryState, text: string): Pick<GrantRow, 'scope' | 'subject'> {
  const view = new DirectoryView(state);
  const [, word, name = ''] = /^(team|service|person|key) +(\S.*)$/.exec(text) ?? [];
  if (text === 'organization') return { scope: 'organization', subject: null };
  if (word === 'team' || text.startsWith('tea_')) return { scope: 'team', subject: view.team(name || text).id };
  if (word === 'service' || text.startsWith('svc_')) {
    return { scope: 'service', subject: serviceOf(state, name || text).id };
  }
  if (word === 'key' || /^(key|adm)_/.test(text)) return { scope: 'key', subject: view.credential(name || text).id };
  return { scope: 'person', subject: view.person(name || text).id };
}

/** The same words for what a grant says: `team Payments`, with the id where the directory has no name. */
export function showBeneficiary(view: DirectoryView, { scope, subject }: Pick<GrantRow, 'scope' | 'subject'>): string {
  if (subject === null) return 'organization';
  const name = view.nameOf(subject) ?? subject;
  return scope === 'team' || scope === 'service' ? `${scope} ${name}` : name;
}
