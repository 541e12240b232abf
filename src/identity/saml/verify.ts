import { getVerifiedXml, parseDomFromString } from '@node-saml/node-saml/lib/xml.js';

/** What of an answer is verified: the whole of it, or its assertion. */
export type Signed = 'response' | 'assertion';

/**
 * Verifies the signature that stands in the response or in its assertion, and gives back **the bytes that were signed**: the canonical
 * text whose digest the signature holds. Whatever else stands in the document was not verified. Keys are these certificates alone.
 *
 * The document must have passed `checkAnswer`: the library is lenient, and was written for browsers of another time.
 *
 * @param certificates PEM
 * @returns null where no certificate verifies it
 */
export async function verifiedText(
  text: string,
  signed: Signed,
  certificates: readonly string[],
): Promise<string | null> {
  try {
    const document = await parseDomFromString(text);
    const root: Node = document.documentElement;
    const element = signed === 'response' ? root : assertionIn(root);
    return element === undefined ? null : getVerifiedXml(text, element, [...certificates]);
  } catch {
    // The library's sentences repeat what came.
    return null;
  }
}

/** As much of the library's document as is looked at here. */
interface Node {
  readonly localName: string | null;
  readonly childNodes: ArrayLike<Node>;
}

function assertionIn(root: Node): Node | undefined {
  return Array.from(root.childNodes).find(({ localName }) => localName === 'Assertion');
}
