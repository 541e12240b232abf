import { assertionXml, behindIssuer, NS, responseXml, signatureXml } from './support.ts';

// The eight shapes of signature wrapping (Somorovsky and others, "On Breaking SAML", 2012): a part that was rightly signed is carried along at some
// place where a verifier finds it by its id, and what is read is another part that nobody signed.

const GOOD = assertionXml();
const EVIL = assertionXml({ id: '_evil', nameId: 'admin', attributes: [['mail', 'admin@acme.test']] });
const GOOD_SIGNATURE = signatureXml(GOOD);
const SIGNED = behindIssuer(GOOD, GOOD_SIGNATURE);
const EVIL_WITH_SIGNATURE = behindIssuer(EVIL, GOOD_SIGNATURE);
const into = (signature: string, what: string): string =>
  signature.replace('</ds:Signature>', () => `${what}</ds:Signature>`);
const object = (what: string): string => `<ds:Object>${what}</ds:Object>`;
const inside = (assertion: string, what: string): string =>
  assertion.replace('</saml:Assertion>', () => `${what}</saml:Assertion>`);

/** Where only the response is signed: shapes 1 and 2 are of this kind alone. The assertions inside are signed where `signs` says so. */
function ofResponse(signs: boolean): Record<string, string> {
  const good = signs ? SIGNED : GOOD;
  const original = responseXml(good);
  const signature = signatureXml(original);
  const evil = responseXml(signs ? EVIL_WITH_SIGNATURE : EVIL, { id: '_evilresponse' });
  return {
    'the original response inside its signature': behindIssuer(evil, into(signature, object(original))),
    'the original response directly inside its signature': behindIssuer(evil, into(signature, original)),
    'the original response before its signature': behindIssuer(evil, original + signature),
    'the original response in the extensions': behindIssuer(
      evil,
      `${signature}<samlp:Extensions>${original}</samlp:Extensions>`,
    ),
  };
}

function ofAssertion(): Record<string, string> {
  return {
    'shape 3: another assertion before the original': responseXml(EVIL + SIGNED),
    'shape 3: another assertion behind the original': responseXml(SIGNED + EVIL),
    'shape 4: the original inside another assertion': responseXml(inside(EVIL, SIGNED)),
    'shape 5: the signature moved to another assertion, the original behind': responseXml(EVIL_WITH_SIGNATURE + GOOD),
    'shape 5: the signature moved to another assertion, the original before': responseXml(GOOD + EVIL_WITH_SIGNATURE),
    'shape 6: the original inside its signature in another assertion': responseXml(
      behindIssuer(EVIL, into(GOOD_SIGNATURE, GOOD)),
    ),
    'shape 7: another assertion in the extensions': responseXml(
      `<samlp:Extensions>${EVIL}</samlp:Extensions>${SIGNED}`,
    ),
    'shape 7: the original in the extensions': responseXml(`<samlp:Extensions>${SIGNED}</samlp:Extensions>${EVIL}`),
    'shape 8: the original in an object of its signature': responseXml(
      behindIssuer(EVIL, into(GOOD_SIGNATURE, object(GOOD))),
    ),
    'the original in an object of its own signature, alone': responseXml(into(GOOD_SIGNATURE, object(EVIL))),
    'the same id on another assertion': responseXml(EVIL_WITH_SIGNATURE.replace('_evil', '_assertion1')),
    'the original in the status': responseXml(EVIL).replace(
      '</samlp:Status>',
      () => `<samlp:StatusDetail>${SIGNED}</samlp:StatusDetail></samlp:Status>`,
    ),
    'the original in an attribute of another assertion': responseXml(
      EVIL.replace('<saml:AttributeValue>', () => `<saml:AttributeValue>${SIGNED}`),
    ),
    'another assertion in an element of nobody': responseXml(`<x>${EVIL}</x>${SIGNED}`),
    'another assertion with another prefix': responseXml(
      `${EVIL.replaceAll('saml:', 'other:').replace('xmlns:saml', 'xmlns:other')}${SIGNED}`,
    ),
    'another assertion in another namespace': responseXml(
      EVIL.replaceAll(NS.saml, 'urn:other').replaceAll('saml:', 'other:').replaceAll(':saml', ':other') + SIGNED,
    ),
  };
}

/** Each forged document, by what was done. */
export function wrapped(): [name: string, xml: string][] {
  const both = Object.entries(ofAssertion()).map(([name, xml]): [string, string] => {
    const signature = signatureXml(responseXml(SIGNED));
    return [`${name}, under the signature of the original response`, behindIssuer(xml, signature)];
  });
  const response = Object.entries(ofResponse(false)).map(([name, xml]): [string, string] => [
    `shapes 1 and 2: ${name}`,
    xml,
  ]);
  const twice = Object.entries(ofResponse(true)).map(([name, xml]): [string, string] => [
    `shapes 1 and 2: ${name}, both signed`,
    xml,
  ]);
  return [...response, ...twice, ...Object.entries(ofAssertion()), ...both];
}
