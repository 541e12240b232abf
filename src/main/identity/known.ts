import type { CompiledPolicy } from '../../policy/model.ts';
import type { IdentityRow } from '../../store/ports.ts';

/**
 * Whether the policy in force still has the provider that proved this identity, at the issuer that did. One that was taken out, or
 * points elsewhere now, proves nobody any more: not for require_sso, and not for sessions that it opened.
 */
export function isProvenNow(policy: CompiledPolicy | null, { provider, issuer }: IdentityRow): boolean {
  const settings = policy?.identity.providers.get(provider.toLowerCase());
  if (settings === undefined) return false;
  // Where only the metadata says the entity id, the next sign-in compares it.
  return (settings.kind === 'oidc' ? settings.issuer : (settings.entityId ?? issuer)) === issuer;
}
