import type { z } from 'zod';
import type { secretsConfig } from './config.ts';
import { resolveSecret } from './reference.ts';

/** The value of a secret for this host; null where the operator has not allowed it or it is not there. Read afresh each time. */
export type SecretFor = (reference: string, host: string) => string | null;

/** Resolves references that the configuration allows for the host they are used at, and no others. */
export function allowedSecrets(
  { allow }: z.output<typeof secretsConfig>,
  env: NodeJS.ProcessEnv = process.env,
): SecretFor {
  return (reference, host) => {
    const allowed = allow.some((one) => one.reference === reference && one.for === host.toLowerCase());
    return allowed ? resolveSecret(reference, env) : null;
  };
}
