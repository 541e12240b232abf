import { fold } from '../../kernel/text.ts';
import type { BudgetLine, CompiledPolicy, Finding, Place, Scope, SubjectPattern } from '../model.ts';
import { covers } from '../patterns.ts';

/**
 * Callers whom a rule lets in and no enforcing budget for all models counts. Read from the document alone: whoever is in a team by
 * the directory only is not seen to be.
 */
export function uncapped(policy: CompiledPolicy, now: number | null): Finding[] {
  const caps = new Caps(policy);
  if (policy.mode === 'observe' || caps.everybody) return [];
  const granting = policy.rules.filter(({ effect, mode, resource, until }) => {
    return (
      effect !== 'deny' && mode === 'enforce' && resource === 'model' && (now === null || until === null || now < until)
    );
  });
  const open = granting.find(({ to }) => to.some(({ kind }) => kind === 'everyone'));
  if (open !== undefined) return caps.ofEveryone().map((who) => finding(open.place, who));
  const found = new Map<string, Finding>();
  for (const { to, place } of granting) {
    for (const subject of to) {
      const who = caps.lacking(subject, place);
      if (who !== null && !found.has(who)) found.set(who, finding(place, who));
    }
  }
  return [...found.values()];
}

function finding(place: Place, who: string): Finding {
  return { severity: 'warning', code: 'uncapped', place, message: `no enforced budget counts ${who}` };
}

/** The budgets that cap callers, whatever model they call. */
class Caps {
  readonly #lines: readonly BudgetLine[];
  readonly #memberships: CompiledPolicy['memberships'];
  readonly #teams: CompiledPolicy['teams'];
  /** Some budget counts every call. */
  readonly everybody: boolean;

  constructor({ budgets, ceiling, memberships, teams }: CompiledPolicy) {
    const all = (models: readonly string[] | null) =>
      models === null || (ceiling?.patterns ?? ['*']).every((most) => models.some((wide) => covers(wide, most)));
    this.#lines = budgets.filter(({ mode, models }) => mode === 'enforce' && all(models));
    this.#memberships = memberships;
    this.#teams = teams;
    this.everybody =
      this.#each('organization') ||
      this.#each('key') ||
      this.#lines.some(({ scope, only }) => scope === 'model' && all(only));
  }

  #each(scope: Scope): boolean {
    return this.#lines.some((line) => line.scope === scope && line.only === null);
  }

  #has(scope: Scope, id: string): boolean {
    return this.#each(scope) || this.#lines.some((line) => line.scope === scope && line.only?.includes(id) === true);
  }

  #teamsOf(group: string): string[] {
    const has = (groups: readonly SubjectPattern[]) => groups.some((one) => one.kind === 'group' && one.id === group);
    return [...this.#teams.values()].filter(({ groups }) => has(groups)).map(({ name }) => fold(name));
  }

  ofEveryone(): string[] {
    const where = this.#each('team') ? ' that are in no team' : '';
    return [
      ...(this.#each('person') ? [] : [`people${where}`]),
      ...(this.#each('service') ? [] : [`services${where}`]),
    ];
  }

  /** Whom of this subject no budget counts, in words that name no person; null for nobody. */
  lacking(subject: SubjectPattern, place: Place): string | null {
    switch (subject.kind) {
      case 'everyone':
        return null;
      case 'team': {
        if (this.#has('team', subject.id)) return null;
        const kinds = [...(this.#each('person') ? [] : ['people']), ...(this.#each('service') ? [] : ['services'])];
        return kinds.length === 0 ? null : `${kinds.join(' and ')} of team ${subject.id}`;
      }
      case 'key':
        if (this.#has('key', subject.id) || (this.#each('person') && this.#each('service'))) return null;
        return `the key that ${place.path} names`;
      case 'group': {
        const teams = this.#teamsOf(subject.id);
        if (this.#each('person') || (teams.length > 0 && teams.every((team) => this.#has('team', team)))) return null;
        // Some providers call groups by addresses, so the rule's place stands for the name.
        return `people in the group that ${place.path} names`;
      }
      default: {
        const teams = this.#memberships.get(subject.id) ?? [];
        if (this.#has(subject.kind, subject.id)) return null;
        if (teams.length > 0 && teams.every((team) => this.#has('team', fold(team)))) return null;
        return subject.kind === 'service' ? `service ${subject.id}` : `a person whom ${place.path} names`;
      }
    }
  }
}
