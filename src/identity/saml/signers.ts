import { constants, publicDecrypt } from 'node:crypto';
import { strictBase64 } from './base64.ts';
import { RSA_SHA256, RSA_SHA512, SIGNATURE } from './names.ts';
import type { XmlElement } from './xml.ts';
import { attributeOf, childrenOf, textOf } from './xml-tree.ts';

/** What stands before the hash in a signed block (RFC 8017, 9.2, note 1). */
const HEADS = new Map([
  [RSA_SHA256, Buffer.from('3031300d060960864801650304020105000420', 'hex')],
  [RSA_SHA512, Buffer.from('3051300d060960864801650304020305000440', 'hex')],
]);

/**
 * The certificates whose key made the value of this signature, over whatever it may be: rarely more than one, and none for a signature that
 * a stranger made. It proves nothing about the document. It spares us the dear part, which reads the whole document for each
 * certificate, for everybody who has nothing that the provider signed.
 *
 * @param signature of the shape that `checkSignatureShape` takes
 * @param certificates PEM
 */
export function signersOf(signature: XmlElement, certificates: readonly string[]): string[] {
  const [info] = childrenOf(signature, SIGNATURE, 'SignedInfo');
  const [method] = info === undefined ? [] : childrenOf(info, SIGNATURE, 'SignatureMethod');
  const [value] = childrenOf(signature, SIGNATURE, 'SignatureValue');
  const head = HEADS.get(method === undefined ? '' : (attributeOf(method, 'Algorithm') ?? ''));
  const bytes = value === undefined ? null : strictBase64(textOf(value) ?? '');
  if (head === undefined || bytes === null) return [];
  return certificates.filter((certificate) => openedBy(certificate, bytes)?.subarray(0, head.length).equals(head));
}

function openedBy(certificate: string, bytes: Uint8Array): Buffer | null {
  try {
    return publicDecrypt({ key: certificate, padding: constants.RSA_PKCS1_PADDING }, bytes);
  } catch {
    return null;
  }
}
