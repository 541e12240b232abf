import { readFileSync } from 'node:fs';
import { credentialsFile, DEFAULT_URL, readCredentials } from './credentials.ts';
import { CliError, usageError } from './failure.ts';
import type { Io } from './io.ts';

export interface GlobalOptions {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

/**
 * The gateway's address: `--url`, `GATEHOUSE_URL`, the only one a token is kept for, or this machine's default. Normal form
 * without a trailing slash.
 */
export function gatewayUrl(io: Pick<Io, 'env' | 'home'>, options: GlobalOptions): string {
  const named = options.url ?? (io.env.GATEHOUSE_URL || undefined);
  if (named === undefined) {
    const kept = [...readCredentials(credentialsFile(io)).keys()];
    return kept.length === 1 && kept[0] !== undefined ? kept[0] : DEFAULT_URL;
  }
  const url = URL.canParse(named) ? new URL(named) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw usageError(
      'The address of the gateway must start with http:// or https://.',
      `For example --url ${DEFAULT_URL}`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw usageError('The address of the gateway must not hold a password.', 'Use GATEHOUSE_TOKEN or --token-file.');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/** The admin token for this gateway: `--token-file`, `GATEHOUSE_TOKEN`, or the one that was kept. */
export function adminToken(io: Pick<Io, 'env' | 'home' | 'command'>, options: GlobalOptions, url: string): string {
  const token =
    options.tokenFile !== undefined
      ? readTokenFile(options.tokenFile)
      : ((io.env.GATEHOUSE_TOKEN?.trim() || undefined) ?? readCredentials(credentialsFile(io)).get(url));
  if (token === undefined) {
    throw new CliError(`There is no admin token for ${url}.`, {
      remedy: `Set GATEHOUSE_TOKEN, use --token-file, or claim a new installation: ${io.command} owner claim SECRET --email YOU`,
    });
  }
  // Checked here so that a wrong paste never leaves this machine.
  if (!/^gha_[0-9A-Za-z_]+$/.test(token)) {
    throw new CliError('The admin token does not look like one: it must start with gha_.', {
      remedy: 'A virtual key (ghk_) opens the model door only.',
    });
  }
  return token;
}

function readTokenFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new CliError(`The token file ${file} cannot be read.`, { remedy: 'Check its name and permissions.' });
  }
}

/** True where a token would cross a network readable by anybody on the way. */
export function isUnprotected(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !/^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
