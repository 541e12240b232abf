import { covers } from '../../patterns.ts';
import type { Draft } from '../draft.ts';
import { quoted } from '../hidden.ts';
import { claudeName } from '../names.ts';
import type { Entry } from '../source.ts';
import { ModelSet } from './model-set.ts';

/** Names without a version stand for a family, as in Claude Code's own setting. */
const FAMILIES = new Set(['fable', 'opus', 'sonnet', 'haiku']);

/** A policy of the file: its teams (none: for everybody), and the models they may use; null for no restriction. */
export interface Role {
  readonly teams: readonly string[];
  readonly models: readonly string[] | null;
  readonly entry: Entry;
}

const WAITS =
  'some groups may use less than everybody else: rules for everybody that would reach them are comments in the policy until their members are listed under teams';

const PART =
  'later policies allow more of a pattern than this one: list its members in no other team, where they would gain it';

export interface RoleContext {
  readonly draft: Draft;
  /** Patterns that the upstreams offer. */
  readonly catalogue: readonly string[];
  /** Teams whose members alone reach an upstream; null when everybody does. */
  readonly gate: ReadonlySet<string> | null;
}

/** Reads the list of models of one policy, as far as the gateway serves them; null where there is none. */
export function modelsOf(list: Entry, catalogue: readonly string[]): readonly string[] | null {
  const names = list.exists ? list.texts() : null;
  if (names === null) return null;
  const models = new Set<string>();
  for (const [i, name] of names.entries()) {
    const place = list.items[i] ?? list;
    const family = FAMILIES.has(name.toLowerCase()) ? `claude-${name.toLowerCase()}-*` : null;
    const plain = family ?? claudeName(name);
    const served = plain === null ? [] : meet(plain, catalogue);
    for (const model of served) models.add(model);
    if (served.length === 0)
      place.note('untranslated', `${quoted(name)} is no model that this gateway serves from the Claude API`);
    if (family !== null) place.note('check', `stands for a family: it became ${served.map(quoted).join(', ')}`);
  }
  return [...models];
}

/** What a name or pattern means within the catalogue: itself, or those entries of the catalogue that it covers. */
function meet(model: string, catalogue: readonly string[]): readonly string[] {
  return covered(catalogue, model) ? [model] : catalogue.filter((served) => covers(model, served));
}

/**
 * The first policy that matches a person decides at the source; in Gatehouse every rule counts, and deny wins. So each role denies
 * what later ones, and the one for everybody, would add.
 */
export function writeRoles(roles: readonly Role[], base: Role, context: RoleContext): void {
  const general = base.models ?? context.catalogue;
  const own = roles.map((role): OwnRole => {
    const models = role.models ?? general;
    return { ...role, models, set: new ModelSet(models) };
  });
  const given = writeGeneral(general, own, { ...context, base });
  const later = new Set(general);
  const ordered: (readonly [OwnRole, readonly string[]])[] = [];
  for (const role of own.toReversed()) {
    ordered.push([role, [...later]]);
    for (const model of role.models) later.add(model);
  }
  for (const [role, others] of ordered.toReversed()) writeRole(role, { ...context, given, others });
}

interface OwnRole extends Role {
  readonly models: readonly string[];
  readonly set: ModelSet;
}

/** What everybody may use. Returns what rules that hold at once give to everyone. */
function writeGeneral(
  general: readonly string[],
  roles: readonly OwnRole[],
  { draft, gate, base }: RoleContext & { readonly base: Role },
): ModelSet {
  const given = new ModelSet();
  for (const model of general) {
    const narrower = roles.filter((role) => !role.set.covers(model));
    const clash = narrower.find((role) => role.set.meets(model));
    if (clash === undefined) {
      const waitsFor = [...new Set(narrower.flatMap((role) => role.teams))];
      allow(model, { draft, teams: gate, waitsFor });
      if (waitsFor.length > 0) base.entry.remark('check', WAITS);
      else if (gate === null) given.add(model);
    } else {
      const message = `everybody else may use ${quoted(model)} at the source: that would reach ${names(clash)} too, who may use only part of it, so no rule was written; name the models one by one`;
      base.entry.remark('untranslated', message);
    }
  }
  return given;
}

interface RoleWork extends RoleContext {
  readonly given: ModelSet;
  /** What later policies and the one for everybody name. */
  readonly others: readonly string[];
}

function writeRole({ teams, models, set, entry }: OwnRole, { draft, gate, given, others }: RoleWork): void {
  const foreign = others.filter((model) => !set.covers(model));
  const denied = foreign.filter((model) => !set.meets(model));
  if (denied.length < foreign.length) entry.remark('check', PART);
  for (const team of teams) {
    if (gate !== null && !gate.has(team)) {
      entry.remark('untranslated', `no upstream serves the team "${team}": no rule was written for it`);
      continue;
    }
    const to = `team ${team}`;
    for (const model of models) if (!given.covers(model)) draft.rule({ effect: 'allow', model, to });
    for (const model of denied) draft.rule({ effect: 'deny', model, to });
  }
}

interface Grant {
  readonly draft: Draft;
  /** Null for everyone. */
  readonly teams: ReadonlySet<string> | null;
  readonly waitsFor: readonly string[];
}

function allow(model: string, { draft, teams, waitsFor }: Grant): void {
  const waits = waitsFor.length === 0 ? {} : { waitsFor };
  const to = teams === null ? ['everyone'] : [...teams].map((team) => `team ${team}`);
  for (const one of to) draft.rule({ effect: 'allow', model, to: one, ...waits });
}

function covered(models: readonly string[], model: string): boolean {
  return models.some((own) => covers(own, model));
}

function names({ teams }: Role): string {
  return teams.map((team) => `"${team}"`).join(', ');
}
