import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const named = (name: string): string => `*[local-name()='${name}']`;
/** The signature that is looked for, and no other one. */
const SIGNATURES = {
  assertion: `/${named('Response')}/${named('Assertion')}/${named('Signature')}`,
  response: `/${named('Response')}/${named('Signature')}`,
} as const;
const IDS = ['assertion:Assertion', 'protocol:Response'].flatMap((name) => [
  '--id-attr:ID',
  `urn:oasis:names:tc:SAML:2.0:${name}`,
]);

/** `invalid`: it is there and does not verify. `absent`: there is none at that place, or the document cannot be read. */
export type Opinion = 'valid' | 'invalid' | 'absent';

/**
 * What `xmlsec1`, which shares no code with us, says of a signature in a SAML response, by the key of this certificate alone: keys that the
 * document brings along are not looked at.
 */
export function opinion(
  document: string,
  { certificateFile, of }: { certificateFile: string; of: keyof typeof SIGNATURES },
): Opinion {
  const key = ['--enabled-key-data', 'rsa', '--pubkey-cert-pem', certificateFile];
  const said = withFile(document, (file) =>
    spawnSync('xmlsec1', ['--verify', ...key, ...IDS, '--node-xpath', SIGNATURES[of], file], { encoding: 'utf8' }),
  );
  if (said.error !== undefined) throw said.error;
  if (said.status === 0) return 'valid';
  return /^FAIL$/m.test(said.stdout + said.stderr) ? 'invalid' : 'absent';
}

const CONTENT = `<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/><ds:KeyInfo><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>`;

/** The response with its assertion encrypted by `xmlsec1` to this certificate (PEM), with AES-256-GCM: what SimpleSAMLphp cannot do. */
export function encrypted(document: string, certificate: string): string {
  const assertion = `/${named('Response')}/${named('Assertion')}`;
  return withFile(document, (file) => {
    const [key, template] = [`${file}.crt`, `${file}.template`];
    writeFileSync(key, certificate);
    writeFileSync(template, CONTENT);
    const what = ['--session-key', 'aes-256', '--xml-data', file, '--node-xpath', assertion];
    const text = execFileSync('xmlsec1', ['--encrypt', '--pubkey-cert-pem', key, ...what, template], {
      encoding: 'utf8',
    });
    return text
      .replace('<xenc:EncryptedData', '<saml:EncryptedAssertion><xenc:EncryptedData')
      .replace('</xenc:EncryptedData>', '</xenc:EncryptedData></saml:EncryptedAssertion>');
  });
}

function withFile<T>(document: string, work: (file: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-xmlsec-'));
  try {
    const file = join(folder, 'response.xml');
    writeFileSync(file, document);
    return work(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
