import { nearest } from '../kernel/config/distance.ts';
import { CAPABILITIES } from './access.ts';
import type { LoadedPolicy } from './compile.ts';
import { lineConflicts } from './findings/lines.ts';
import { neverApplies } from './findings/never.ts';
import { signIn } from './findings/sign-in.ts';
import { uncapped } from './findings/uncapped.ts';
import type { Finding } from './model.ts';

const MAX_FINDINGS = 1_000;

/**
 * What is odd about a policy that loads: rules that can never apply, contradictions, duplicates, callers without a cap, what only
 * observes, who could sign in. At most 1,000, in the order of these kinds. `now` in milliseconds; null leaves out what has expired.
 */
export function findingsOf(policy: LoadedPolicy, now: number | null): Finding[] {
  const found = [
    ...expired(policy, now),
    ...neverApplies(policy, now),
    ...lineConflicts(policy),
    ...uncapped(policy, now),
    ...misspelt(policy),
    ...repeated(policy),
    ...observes(policy),
    ...signIn(policy),
  ];
  return found.slice(0, MAX_FINDINGS);
}

/** Who exists: addresses, service names and ids, in lower case; groups with their provider in lower case. */
export interface KnownNames {
  readonly people: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
  readonly keys: ReadonlySet<string>;
  /** `okta/eng`: groups that somebody had at the last sign-in. Without it, groups are not looked at: nobody may have signed in yet. */
  readonly groups?: ReadonlySet<string>;
}

/** Names of people, services, keys and groups in the document that nobody has. */
export function unknownNames(policy: LoadedPolicy, known: KnownNames): Finding[] {
  const sets = { person: known.people, service: known.services, key: known.keys, group: known.groups };
  const messages = {
    person: 'there is no such person in the directory',
    service: 'there is no such service in the directory',
    key: 'there is no such key in the directory',
    group: 'nobody who has signed in is in this group',
  };
  return policy.named
    .filter(({ kind, id }) => sets[kind]?.has(id) === false)
    .slice(0, MAX_FINDINGS)
    .map(({ kind, place }) => ({ severity: 'warning', code: 'unknown_name', place, message: messages[kind] }));
}

function expired({ rules, prices }: LoadedPolicy, now: number | null): Finding[] {
  return [...rules, ...prices]
    .filter(({ until }) => now !== null && until !== null && until <= now)
    .map(({ place }) => ({ severity: 'note', code: 'expired', place, message: 'has expired and can be removed' }));
}

/** Names that are valid but near one that was probably meant. Models' names hold digits: what holds none may be a mistyped alias. */
function misspelt({ rules, aliases }: LoadedPolicy): Finding[] {
  const found: Finding[] = [];
  for (const { place, resource, patterns } of rules) {
    const known: readonly string[] = resource === 'model' ? [...aliases.keys()] : CAPABILITIES;
    for (const pattern of patterns) {
      if (/[\d*]/.test(pattern) || known.includes(pattern)) continue;
      const meant = nearest(pattern, known);
      if (meant === null) continue;
      const message = `${pattern} is no ${resource === 'model' ? 'alias' : 'known capability'}; did you mean ${meant}?`;
      found.push({ severity: 'warning', code: 'unknown_name', place, message });
    }
  }
  return found;
}

function repeated(policy: LoadedPolicy): Finding[] {
  const message = 'this member is listed twice';
  return policy.repeated.map((place) => ({ severity: 'note', code: 'duplicate', place, message }));
}

function observes(policy: LoadedPolicy): Finding[] {
  const note = (place: Finding['place'], message: string): Finding => ({
    severity: 'note',
    code: 'observes',
    place,
    message,
  });
  const whole =
    policy.mode === 'observe' ? [note(policy.modePlace, 'the whole policy observes: nothing is refused')] : [];
  const rules = policy.rules
    .filter(({ mode }) => mode === 'observe')
    .map(({ place, effect }) => note(place, `observes only: it ${effect === 'allow' ? 'grants' : 'refuses'} nothing`));
  const lines = [...policy.rates, ...policy.budgets]
    .filter(({ mode }) => mode === 'observe')
    .map(({ place }) => note(place, 'observes only: it refuses nothing'));
  return [...whole, ...rules, ...lines];
}
