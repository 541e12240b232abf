import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** Where certificates are, and what is asked of callers. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  readonly clientCa: string | null;
  readonly clients: ClientCertificates;
}

/** `request`: a caller may show a certificate, which must then be valid. `require`: without a valid one there is no connection. */
export type ClientCertificates = 'none' | 'request' | 'require';

/** What is served with, PEM. Secret: it holds the private key. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly key: string;
  readonly clientCa: string | null;
  readonly clients: ClientCertificates;
}

/** Certificates that cannot be served with; the message says what is wrong with which file and what to do. */
export class TlsProblem extends Error {}

const MOST_BYTES = 1024 * 1024;
/** Everybody else's rights, and those of the group to write. */
const TOO_OPEN = 0o027;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads the files and finds out whether they can be served with now.
 *
 * @param now milliseconds since the epoch
 * @throws TlsProblem
 */
export async function loadTls(files: TlsFiles, now: number): Promise<TlsMaterial> {
  const material = await readTls(files);
  checkTls(material, { files, now });
  return material;
}

/** Reads the files, whatever stands in them. @throws TlsProblem for what cannot be read, and for a key that others can read */
export async function readTls({ certificate, key, clientCa, clients }: TlsFiles): Promise<TlsMaterial> {
  return {
    certificate: await read(certificate, 'certificate'),
    key: await read(key, 'key'),
    clientCa: clientCa === null ? null : await read(clientCa, 'client_ca'),
    clients,
  };
}

/** @throws TlsProblem for what cannot be served with */
export function checkTls(material: TlsMaterial, { files, now }: { files: TlsFiles; now: number }): void {
  const [own] = certificatesIn(material.certificate, files.certificate, 'certificate');
  const key = keyIn(material.key, files.key);
  if (own === undefined || !own.checkPrivateKey(key)) {
    throw problem(
      'key',
      files.key,
      `does not belong to the first certificate in ${files.certificate}: put the two of a pair there`,
    );
  }
  if (own.validToDate.getTime() <= now) {
    const ended = own.validToDate.toISOString();
    throw problem('certificate', files.certificate, `has been over since ${ended}: have a new one issued`);
  }
  if (own.validFromDate.getTime() > now) {
    const begins = own.validFromDate.toISOString();
    throw problem('certificate', files.certificate, `is not valid before ${begins}: check the clock of this machine`);
  }
  if (material.clientCa !== null) certificatesIn(material.clientCa, files.clientCa ?? '', 'client_ca');
  try {
    createSecureContext(secureOptions(material));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'no reason given';
    throw problem('certificate', files.certificate, `cannot be served with (${why}): use a key of today's strength`);
  }
}

/** What a server of TLS is opened with, or renewed to. */
export function secureOptions({ certificate, key, clientCa }: TlsMaterial): SecureContextOptions {
  return { cert: certificate, key, minVersion: 'TLSv1.2', ...(clientCa === null ? {} : { ca: clientCa }) };
}

/** When the first certificate ends, milliseconds since the epoch. */
export function endOf({ certificate }: TlsMaterial): number {
  return new X509Certificate(certificate).validToDate.getTime();
}

type Name = 'certificate' | 'key' | 'client_ca';

function problem(name: Name, path: string, what: string): TlsProblem {
  return new TlsProblem(`listen.tls.${name}: ${path} ${what}`);
}

async function read(path: string, name: Name): Promise<string> {
  // Looked at by the same handle that is read, so that what was checked is what is served.
  const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'is not there' : `cannot be read (${error.code ?? 'unknown error'})`;
    throw problem(name, path, `${why}: check the path and who may read it`);
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw problem(name, path, 'is no file: name a file in PEM');
    if (found.size > MOST_BYTES) throw problem(name, path, 'is larger than 1 MiB: name a file in PEM');
    if (name === 'key' && process.platform !== 'win32' && (found.mode & TOO_OPEN) !== 0) {
      const mode = (found.mode & 0o777).toString(8);
      throw problem(name, path, `is open to others (mode ${mode}): make it 0600, or 0640 for a group of its own`);
    }
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function certificatesIn(pem: string, path: string, name: Name): X509Certificate[] {
  const texts = pem.match(CERTIFICATE) ?? [];
  if (texts.length === 0) throw problem(name, path, 'holds no certificate in PEM (-----BEGIN CERTIFICATE-----)');
  return texts.map((text, at) => {
    try {
      return new X509Certificate(text);
    } catch {
      throw problem(name, path, `holds a certificate that cannot be read (number ${at + 1}): copy it again`);
    }
  });
}

function keyIn(pem: string, path: string): KeyObject {
  if (pem.includes('ENCRYPTED')) {
    throw problem('key', path, 'is encrypted, and there is nobody to ask for its password: store it without');
  }
  try {
    return createPrivateKey(pem);
  } catch {
    throw problem('key', path, 'holds no private key in PEM (-----BEGIN PRIVATE KEY-----)');
  }
}
