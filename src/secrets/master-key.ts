import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';

const KEY_BYTES = 32;

/**
 * The installation's master key: wraps the content keys of people. Read from `path` (64 hex digits), created with mode 0600 at the
 * first start.
 *
 * @throws Error when the file is no such key, or is open to others
 */
export async function loadMasterKey(path: string): Promise<Buffer> {
  const text = (await readFile(path, 'utf8').catch(missing)) ?? (await create(path));
  const { mode } = await stat(path);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new Error(`the master key ${path} is open to others (mode ${(mode & 0o777).toString(8)}): make it 0600`);
  }
  if (!/^[0-9a-f]{64}\n?$/.test(text)) throw new Error(`${path} is not a master key: 64 hex digits are expected`);
  return Buffer.from(text.trim(), 'hex');
}

async function create(path: string): Promise<string> {
  const text = `${randomBytes(KEY_BYTES).toString('hex')}\n`;
  await writeFile(path, text, { flag: 'wx', mode: 0o600, flush: true });
  return text;
}

function missing(error: NodeJS.ErrnoException): null {
  if (error.code !== 'ENOENT') throw error;
  return null;
}
