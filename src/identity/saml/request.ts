import { randomBytes, sign } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { ASSERTION, POST_BINDING, PROTOCOL, RSA_SHA256 } from './names.ts';
import { entityIdOf } from './own-addresses.ts';
import { xmlEscape } from './xml-text.ts';

export interface RequestInput {
  /** Where the provider takes requests by HTTP-Redirect. */
  readonly signInUrl: string;
  readonly callback: string;
  readonly state: string;
  /** PEM. */
  readonly privateKey: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A signed request to sign somebody in, as an address for their browser (bindings, 3.4.4.1), and its fresh id. */
export function authnRequest(input: RequestInput): { readonly location: string; readonly id: string } {
  const id = `_${randomBytes(20).toString('hex')}`;
  const message = deflateRawSync(requestXml(id, input)).toString('base64');
  const query = [
    ['SAMLRequest', message],
    ['RelayState', input.state],
    ['SigAlg', RSA_SHA256],
  ];
  // What is signed are these very octets, in this order.
  const signed = query.map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`).join('&');
  const signature = sign('sha256', Buffer.from(signed), input.privateKey).toString('base64');
  const glue = input.signInUrl.includes('?') ? '&' : '?';
  return { location: `${input.signInUrl}${glue}${signed}&Signature=${encodeURIComponent(signature)}`, id };
}

/** No format of the NameID and no way of signing in is asked for: providers refuse what they cannot give. */
function requestXml(id: string, { signInUrl, callback, now }: RequestInput): string {
  const attributes = [
    ['ID', id],
    ['Version', '2.0'],
    ['IssueInstant', new Date(now).toISOString()],
    ['Destination', signInUrl],
    ['AssertionConsumerServiceURL', callback],
    ['ProtocolBinding', POST_BINDING],
  ].map(([name, value]) => ` ${name}="${xmlEscape(value ?? '')}"`);
  return (
    `<samlp:AuthnRequest xmlns:samlp="${PROTOCOL}" xmlns:saml="${ASSERTION}"${attributes.join('')}>` +
    `<saml:Issuer>${xmlEscape(entityIdOf(callback))}</saml:Issuer>` +
    '<samlp:NameIDPolicy AllowCreate="true"/>' +
    '</samlp:AuthnRequest>'
  );
}
