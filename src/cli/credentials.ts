import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from './failure.ts';
import { isFields } from './fields.ts';
import type { Io } from './io.ts';

export const DEFAULT_URL = 'http://127.0.0.1:8787';

/** Where admin tokens are kept, one a gateway: `$XDG_CONFIG_HOME/gatehouse/credentials.json`, by default below ~/.config. */
export function credentialsFile(io: Pick<Io, 'env' | 'home'>): string {
  const base = io.env.XDG_CONFIG_HOME || join(io.home, '.config');
  return join(base, 'gatehouse', 'credentials.json');
}

/** Tokens by the gateway's address. A file that others can read is refused: the tokens in it must count as leaked. */
export function readCredentials(file: string): Map<string, string> {
  let text: string;
  try {
    if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
      throw new CliError(`${file} can be read by other users of this machine.`, {
        remedy: `Run: chmod 600 ${file} — and replace the tokens in it if you do not trust those users.`,
      });
    }
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof CliError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw new CliError(`${file} cannot be read.`, { remedy: 'Check its owner and permissions.' });
  }
  return parse(text, file);
}

function parse(text: string, file: string): Map<string, string> {
  try {
    const document: unknown = JSON.parse(text);
    const gateways = isFields(document) && isFields(document.gateways) ? document.gateways : {};
    const entries = Object.entries(gateways).map(
      ([url, value]) => [url, isFields(value) ? value.token : null] as const,
    );
    return new Map(entries.filter((entry): entry is readonly [string, string] => typeof entry[1] === 'string'));
  } catch {
    throw new CliError(`${file} is not valid JSON.`, {
      remedy: 'Repair it or remove it and claim or create a token again.',
    });
  }
}

/** Adds a token; the others stay. The file is written aside and moved into place, readable by its owner only. */
export function saveCredential(file: string, url: string, token: string): void {
  const tokens = readCredentials(file).set(url, token);
  const gateways = Object.fromEntries([...tokens].map(([address, value]) => [address, { token: value }]));
  const folder = join(file, '..');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, `${JSON.stringify({ version: 1, gateways }, null, 2)}\n`, { mode: 0o600 });
  // The mode given to writeFile is narrowed by the umask and ignored for a file that was there.
  chmodSync(aside, 0o600);
  renameSync(aside, file);
}
