import { readFileSync } from 'node:fs';

/**
 * A reference to a secret: `env:NAME` or `file:/path`. The value itself never stands in a configuration file.
 * Returns null when the variable or file is not there; trailing newlines of a file are dropped.
 */
export function resolveSecret(reference: string, env: NodeJS.ProcessEnv): string | null {
  if (reference.startsWith('env:')) return nonEmpty(env[reference.slice(4)]);
  if (reference.startsWith('file:')) return nonEmpty(readOrNull(reference.slice(5)));
  return null;
}

/** True for text that is a reference and not a secret. */
export function isSecretReference(text: string): boolean {
  return /^env:[A-Za-z_][A-Za-z0-9_]*$/.test(text) || /^file:\/?.+$/.test(text);
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function nonEmpty(value: string | null | undefined): string | null {
  const trimmed = value?.trim();
  return trimmed ? trimmed : null;
}
