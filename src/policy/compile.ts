import type { ConfigPath } from '../kernel/config/document.ts';
import { compileAccess, compileAllowedModels, compileServerSide } from './access.ts';
import { compileBudget } from './budgets.ts';
import type { Context, NamedSubject } from './context.ts';
import { calendarOf } from './dates.ts';
import { decide } from './evaluate.ts';
import { compileIdentity } from './identity.ts';
import type { AccessRule, CompiledPolicy, Place } from './model.ts';
import { compileAliases, compileCeiling } from './models.ts';
import { compilePrice } from './prices.ts';
import { compileProviders } from './providers.ts';
import { compileRate } from './rates.ts';
import { compileRetention, keeper } from './retention.ts';
import type { PolicyDocument } from './schema.ts';
import { compileMembers, compileTeams } from './teams.ts';

/** A compiled document, with what the checks of it need. */
export interface LoadedPolicy extends CompiledPolicy {
  /** Where the document says its mode; line 0 where it does not. */
  readonly modePlace: Place;
  readonly twoPeoplePlace: Place;
  readonly aliases: ReadonlyMap<string, readonly string[]>;
  /** Every person, service, key and group it names, wherever it does. */
  readonly named: readonly NamedSubject[];
  /** Members that a team lists twice. */
  readonly repeated: readonly Place[];
}

/** Something that a document says and cannot mean. */
export interface Fault {
  readonly path: ConfigPath;
  readonly message: string;
  readonly suggestion: string | null;
}

export interface Compiled {
  readonly policy: LoadedPolicy;
  readonly faults: readonly Fault[];
}

/** Collects, while the sections are compiled, what is wrong and whom they name. */
class Collector {
  readonly faults: Fault[] = [];
  readonly named: NamedSubject[] = [];
  readonly repeated: Place[] = [];

  context(document: PolicyDocument, place: Context['place']): Context {
    return {
      calendar: calendarOf(document.time_zone),
      aliases: new Map(),
      providers: new Map(),
      teams: new Map(),
      place,
      fault: (path, message, suggestion = null) => this.faults.push({ path, message, suggestion }),
      named: (kind, id, path) => this.named.push({ kind, id, place: place(path, id) }),
      repeated: (path) => this.repeated.push(place(path, 'is listed twice')),
    };
  }
}

/**
 * Compiles a document that fits the schema. `place` says where a path stands. With faults, the policy is not to be used.
 */
export function compilePolicy(document: PolicyDocument, place: Context['place']): Compiled {
  const collector = new Collector();
  const bare = collector.context(document, place);
  const aliases = compileAliases(document.models, bare);
  const providers = compileProviders(document.identity?.providers ?? [], bare);
  const teams = compileTeams(document.teams ?? {}, { ...bare, providers });
  const context = { ...bare, aliases, providers, teams };
  const { allowedModels, models } = document;
  const parts = {
    mode: document.mode,
    modePlace: place(['mode'], `mode: ${document.mode}`),
    rules: compileRules(document, context),
    ceiling: compileCeiling({ allowed: models?.allowed, allowedModels }, context),
  };
  const retention = compileRetention(document.retention, context);
  const policy: LoadedPolicy = {
    ...parts,
    organization: document.organization ?? null,
    timeZone: document.time_zone,
    teams: new Map([...teams.values()].map((team) => [team.name, team])),
    memberships: compileMembers(document.teams ?? {}, context),
    rates: (document.rates ?? []).map((entry, i) => compileRate(entry, ['rates', i], context)),
    budgets: (document.budgets ?? []).map((entry, i) => compileBudget(entry, ['budgets', i], context)),
    prices: (document.prices ?? []).map((entry, i) => compilePrice(entry, ['prices', i], context)),
    unknownPrice: models?.unknown_price ?? 'pessimistic',
    identity: compileIdentity(document.identity, context),
    twoPeople: new Set(document.two_people),
    twoPeoplePlace: place(['two_people'], `two people for ${(document.two_people ?? []).join(', ')}`),
    retention,
    keepsContent: keeper(retention),
    decide: (question) => decide(parts, question),
    aliases,
    named: collector.named,
    repeated: collector.repeated,
  };
  return { policy, faults: collector.faults };
}

function compileRules(document: PolicyDocument, context: Context): AccessRule[] {
  return [
    ...(document.allowedModels === undefined ? [] : [compileAllowedModels(document.allowedModels, context)]),
    ...(document.access ?? []).map((entry, i) => compileAccess(entry, ['access', i], context)),
    ...(document.server_side ?? []).map((entry, i) => compileServerSide(entry, ['server_side', i], context)),
  ];
}
