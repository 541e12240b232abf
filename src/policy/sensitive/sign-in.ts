import type { CompiledPolicy, IdentityProvider, SubjectPattern } from '../model.ts';
import { providerOf, showSubject } from '../subjects.ts';
import { type SensitiveChange, section } from './change.ts';

interface Sides {
  readonly before: CompiledPolicy;
  readonly after: CompiledPolicy;
}

/** Providers and roles, `require_sso`, and kinds that are taken out of `two_people`. */
export function signInChanges(sides: Sides): SensitiveChange[] {
  return [...providerChanges(sides), ...roleChanges(sides), ...ssoChanges(sides), ...kindChanges(sides)];
}

function providerChanges({ before, after }: Sides): SensitiveChange[] {
  const [old, now] = [before.identity.providers, after.identity.providers];
  const found: SensitiveChange[] = [];
  for (const id of new Set([...old.keys(), ...now.keys()])) {
    const [one, other] = [old.get(id), now.get(id)];
    const place = other?.place ?? one?.place ?? section('identity.providers');
    if (textOf(one) === textOf(other)) continue;
    found.push({ kind: 'credentials', place, message: providerMessage(one, other) });
    // Another provider under the same name says other groups: whoever a rule named by group may slip out of it.
    if (one === undefined || sourceOf(one) === sourceOf(other)) continue;
    if (namesGroups(before, id, binding(before))) {
      found.push({ kind: 'controls', place, message: 'groups that a restriction is for come from another source' });
    }
    if (
      namesGroups(
        before,
        id,
        before.retention.lines.map(({ pattern }) => pattern),
      )
    ) {
      found.push({ kind: 'content', place, message: 'groups that retention names come from another source' });
    }
  }
  return found;
}

function providerMessage(before: IdentityProvider | undefined, after: IdentityProvider | undefined): string {
  if (before === undefined) return 'an identity provider is added';
  if (after === undefined) return 'an identity provider is gone';
  if (before.kind === 'oidc' && after.kind === 'oidc' && before.issuer !== after.issuer) {
    return 'the issuer of an identity provider changes: whoever has the same subject there is taken for the same person';
  }
  return 'an identity provider changes';
}

function textOf(provider: IdentityProvider | undefined): string | null {
  if (provider === undefined) return null;
  return JSON.stringify({ ...provider, place: null, domains: [...provider.domains].sort() });
}

/** What of a provider says who somebody is; null for none. */
export function sourceOf(provider: IdentityProvider | undefined): string | null {
  return provider === undefined ? null : JSON.stringify({ ...provider, place: null, label: null, domains: null });
}

/** Whom denies and asks are for. */
function binding({ rules }: CompiledPolicy): SubjectPattern[] {
  return rules.filter(({ mode, effect }) => mode === 'enforce' && effect !== 'allow').flatMap(({ to }) => to);
}

/** True where one of these names a group of the provider, or a team, and the provider's groups belong to teams. */
function namesGroups({ teams }: CompiledPolicy, provider: string, named: readonly SubjectPattern[]): boolean {
  const isOwn = (pattern: SubjectPattern) => pattern.kind === 'group' && providerOf(pattern.id) === provider;
  if (named.some(isOwn)) return true;
  return named.some(({ kind }) => kind === 'team') && [...teams.values()].some(({ groups }) => groups.some(isOwn));
}

function roleChanges({ before, after }: Sides): SensitiveChange[] {
  return (['admin', 'auditor'] as const).flatMap((role): SensitiveChange[] => {
    const [old, now] = [before, after].map(({ identity }) =>
      [...new Set(identity.roles[role].map(showSubject))].sort(),
    );
    if (String(old) === String(now)) return [];
    const message = `whom the policy makes ${role} changes`;
    return [{ kind: 'credentials', place: section(`identity.roles.${role}`), message }];
  });
}

function ssoChanges({ before, after }: Sides): SensitiveChange[] {
  if (!before.identity.requireSso || after.identity.requireSso) return [];
  const place = section('identity.require_sso');
  const message = 'people can enter without an identity provider';
  return [
    { kind: 'credentials', place, message },
    { kind: 'controls', place, message },
  ];
}

/** A kind that is taken out is sensitive as itself too: else one person could take it out, and then do what it guarded. */
function kindChanges({ before, after }: Sides): SensitiveChange[] {
  const gone = [...before.twoPeople].filter((kind) => !after.twoPeople.has(kind));
  const place = section('two_people');
  return gone.flatMap((kind): SensitiveChange[] => {
    const message = `${kind} no longer needs two people`;
    return [...new Set([kind, 'controls' as const])].map((own) => ({ kind: own, place, message }));
  });
}
