import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { serverConfig } from './doors/config.ts';
import { signinConfig } from './doors/signin/config.ts';
import { journalConfig } from './journal/config.ts';
import { type ConfigProblem, loadConfig } from './kernel/config.ts';
import { limitsConfig } from './limits/config.ts';
import { netConfig } from './net/config.ts';
import { policyConfig } from './policy/config.ts';
import { secretsConfig } from './secrets/config.ts';
import { upstreamConfig } from './upstream/config.ts';

/** The whole configuration file. Each section's schema stands beside the code that owns it; every key has a default. */
export const gatehouseConfig = z.strictObject({
  listen: serverConfig.prefault({}).describe('Where Gatehouse listens.'),
  data: z.string().min(1).default('./data').describe('Folder of everything Gatehouse keeps: store, journal, keys.'),
  upstream: upstreamConfig.prefault({}).describe('The provider calls go to.'),
  policy: policyConfig.prefault({}).describe('Who may use what, how fast and for how much.'),
  signin: signinConfig.prefault({}).describe('Sessions of people in browsers.'),
  net: netConfig.prefault({}).describe('What Gatehouse reaches beside the model provider: identity providers.'),
  secrets: secretsConfig.prefault({}).describe('Secrets that the policy may refer to.'),
  journal: journalConfig.prefault({}).describe('The audit trail.'),
  limits: limitsConfig.prefault({}).describe('How much may be open at once.'),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least severe line that is written.'),
    })
    .prefault({})
    .describe('Structured log lines on standard error.'),
  backup: z
    .strictObject({ folder: z.string().min(1).default('./backups').describe('Where `gatehouse backup` writes.') })
    .prefault({})
    .describe('Backups.'),
});

export type GatehouseConfig = z.infer<typeof gatehouseConfig>;

export type LoadedConfig =
  | { readonly ok: true; readonly value: GatehouseConfig; readonly file: string | null }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** The file that is read when none is named. */
export const DEFAULT_FILE = 'gatehouse.yaml';

/**
 * Loads the named file, or `gatehouse.yaml` in the working folder, or the defaults when neither is there.
 * A named file that does not exist is a problem.
 */
export function loadGatehouseConfig(options: { file?: string | undefined }): LoadedConfig {
  const file = options.file ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : null);
  if (file === null) return { ok: true, value: gatehouseConfig.parse({}), file: null };
  const text = readOrNull(file);
  if (text === null) {
    const message = existsSync(file) ? 'this file cannot be read' : 'there is no such file';
    return { ok: false, problems: [{ file, line: 1, column: 1, path: '', message, suggestion: null }] };
  }
  const loaded = loadConfig({ text, file, schema: gatehouseConfig });
  return loaded.ok ? { ok: true, value: loaded.value, file } : loaded;
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
