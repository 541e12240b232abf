import { parse } from 'yaml';
import type { Question } from '../../../src/policy/model.ts';

type Fields = Readonly<Record<string, unknown>>;

const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const list = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];

/** The document as any reader of YAML sees it. */
export function documentOf(text: string): Fields {
  return fields(parse(text, { logLevel: 'error' }));
}

/**
 * Whether a plain reading of the document allows what is asked: some allow that has not ended, and no deny, ask or ceiling
 * against it. A second opinion in few lines, which knows nothing of how a policy is compiled.
 */
export function allows(document: Fields, { subject, resource, now }: Question): boolean {
  if (document.mode === 'observe') return true;
  const models = fields(document.models);
  const aliases = fields(models.aliases);
  const named = (value: unknown): unknown[] =>
    list(value).flatMap((one) => (typeof one === 'string' && Object.hasOwn(aliases, one) ? list(aliases[one]) : [one]));
  const isModel = resource.kind === 'model';
  const ceiling = models.allowed ?? document.allowedModels;
  if (isModel && ceiling !== undefined && !named(ceiling).some((one) => fits(one, resource.name))) return false;
  const rules = list(document[isModel ? 'access' : 'server_side'])
    .map(fields)
    .filter((rule) => {
      return (
        rule.mode !== 'observe' && list(rule.to).some((to) => isFor(String(to), subject)) && !hasEnded(rule.until, now)
      );
    });
  const hit = (effect: string): boolean => {
    return rules.some((rule) =>
      (isModel ? named(rule[effect]) : list(rule[effect])).some((one) => fits(one, resource.name)),
    );
  };
  if (hit('deny') || hit('ask')) return false;
  return (
    hit('allow') ||
    (isModel &&
      document.allowedModels !== undefined &&
      named(document.allowedModels).some((one) => fits(one, resource.name)))
  );
}

/** `*` is any run of characters; a name without a date is also its dated ones. */
function fits(pattern: unknown, name: string): boolean {
  const bare = name.replace(/[-@]20\d{6}$/, '');
  const source = String(pattern)
    .split('*')
    .map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
    .join('[^]*');
  return [name, bare].some((one) => new RegExp(`^${source}$`, 'u').test(one));
}

function isFor(to: string, { kind, id, name, key, teams }: Question['subject']): boolean {
  const text = to.trim().toLowerCase().normalize('NFC').replace(/ +/, ' ');
  if (text === 'everyone' || text === id || text === `key ${key}` || text === `${kind} ${id}`) return true;
  if (teams.some((team) => text === `team ${team.toLowerCase()}`)) return true;
  return name !== null && (text === `${kind} ${name}` || (kind === 'person' && text === name));
}

/** Generous by a day, whatever the time zone. */
function hasEnded(until: unknown, now: number): boolean {
  return typeof until === 'string' && Date.parse(until.trim()) + 2 * 86_400_000 < now;
}
