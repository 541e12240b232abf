import type { Scope } from '../policy/model.ts';

const WHOM: Readonly<Record<Scope, string>> = {
  organization: 'your organization',
  team: 'your team',
  person: 'you',
  service: 'this service',
  key: 'this key',
  model: 'this model',
};

/** For whom a limit counts, as told to who meets it. Never a name: the limit of a model or team is not the caller's alone. */
export function whom(scope: Scope): string {
  return WHOM[scope];
}
