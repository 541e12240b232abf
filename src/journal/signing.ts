import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../kernel/sync.ts';

/** The installation's Ed25519 key. It signs checkpoints, seals and retirements, never the single record. */
export interface SigningKey {
  /** First sixteen hex digits of the SHA-256 of the public key in DER. */
  readonly id: string;
  /** PEM (SPKI), for the verifier. */
  readonly publicKey: string;
  /** Signs this text; returns the signature in base64. */
  sign(text: string): string;
}

function keyOf(privateKey: KeyObject): SigningKey {
  const publicKey = createPublicKey(privateKey);
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return {
    id: createHash('sha256').update(der).digest('hex').slice(0, 16),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (text) => sign(null, Buffer.from(text), privateKey).toString('base64'),
  };
}

/** A new key that is kept nowhere: for tests and trials. */
export function temporaryKey(): SigningKey {
  return keyOf(generateKeyPairSync('ed25519').privateKey);
}

/**
 * Reads the signing key from `path` (PEM, PKCS #8), creating it with mode 0600 at the first start. The public key is kept in
 * `<path>.pub`; a copy of it belongs with whoever verifies.
 *
 * @throws Error when the file is no Ed25519 key, or when others can read it or its group can write it
 */
export async function loadSigningKey(path: string): Promise<SigningKey> {
  let pem: string;
  try {
    pem = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await createKeyFile(path);
    pem = await readFile(path, 'utf8');
  }
  const { mode } = await stat(path);
  if (process.platform !== 'win32' && (mode & 0o027) !== 0) {
    throw new Error(`the signing key ${path} is open to others (mode ${(mode & 0o777).toString(8)}): make it 0600`);
  }
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    throw new Error(`${path} is not a private key in PEM`);
  }
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error(`${path} is not an Ed25519 key`);
  const key = keyOf(privateKey);
  await keepPublicKey(`${path}.pub`, key.publicKey);
  return key;
}

/** Written aside and linked into place: a crash leaves no half key, and two first starts agree on one. */
async function createKeyFile(path: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    await writeFile(aside, pem, { flag: 'wx', mode: 0o600, flush: true });
    await link(aside, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(aside, { force: true });
  }
  await syncFolder(dirname(path));
}

async function keepPublicKey(path: string, pem: string): Promise<void> {
  const present = await readFile(path, 'utf8').catch(() => null);
  if (present === pem) return;
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(aside, pem, { flag: 'wx', mode: 0o644, flush: true });
  await rename(aside, path);
}
