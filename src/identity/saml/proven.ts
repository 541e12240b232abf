import type { SamlProvider } from '../../policy/model.ts';
import type { ProvenIdentity } from '../ports.ts';
import { SignInFailure } from '../sign-in-failure.ts';
import { checkAssertion } from './assertion.ts';
import { attributesOf } from './attributes.ts';
import { decryptAssertion } from './decrypt.ts';
import { type AnswerParts, checkAnswer } from './hygiene.ts';
import { ASSERTION, PROTOCOL } from './names.ts';
import { checkOuter, type Expected } from './outer.ts';
import { personOf } from './person.ts';
import { readAnswer, reading, refuse } from './refuse.ts';
import { signersOf } from './signers.ts';
import { type Signed, verifiedText } from './verify.ts';
import type { XmlElement } from './xml.ts';
import { xmlText } from './xml-text.ts';
import { isNamed, saysTheSame } from './xml-tree.ts';

export interface AnswerInput {
  readonly bytes: Uint8Array;
  readonly settings: SamlProvider;
  readonly expected: Expected;
  /** PEM. */
  readonly certificates: readonly string[];
  /** Ours, PEM: what assertions are encrypted to. */
  readonly privateKey: string;
}

/** A signature is of none of the certificates that we know. There may be newer ones. */
export class UnknownSigner extends SignInFailure {
  constructor(signed: Signed) {
    super('response_invalid', `the signature of the ${signed} was made by no certificate of the provider`);
  }
}

interface Document extends AnswerParts {
  readonly text: string;
}

/**
 * Who an answer proves somebody to be, from the top to the bottom: what is unusual is refused before anything is verified; what was verified
 * is read again, from the signed bytes alone; and every condition must hold.
 *
 * @throws SignInFailure
 */
export async function provenBy(input: AnswerInput): Promise<ProvenIdentity> {
  const { settings, expected, certificates } = input;
  const sent = documentOf(reading('the answer', () => xmlText(input.bytes)));
  const response = sent.responseSignature === null ? sent.response : await verified(sent, 'response', certificates);
  checkOuter(response, expected);
  const document = inTheClear(sent, input);
  if (document.assertionSignature === null) {
    refuse('the assertion itself is not signed; a signature of the response alone is not taken');
  }
  const assertion = await verified(document, 'assertion', certificates);
  const { nameId, until, once } = checkAssertion(assertion, expected);
  const person = personOf({ nameId, attributes: attributesOf(assertion), settings, expected });
  // SAML has no word for whether an address was checked.
  return { provider: settings.name, issuer: expected.issuer, ...person, emailVerified: null, until, once };
}

function documentOf(text: string): Document {
  return { text, ...checkAnswer(readAnswer('the answer', text)) };
}

/** The document with its assertion readable: an encrypted one is put where its cipher text was, and looked at as if it had come so. */
function inTheClear(sent: Document, { settings, privateKey }: AnswerInput): Document {
  const { assertion } = sent;
  if (assertion === null) refuse('the answer has no assertion');
  if (!sent.encrypted) return settings.encrypted ? refuse('the assertion must come encrypted') : sent;
  // By now the signature of the response, where there is one, was verified, and it covers what is encrypted.
  const signed = sent.responseSignature !== null;
  const decrypted = () => xmlText(decryptAssertion(assertion, { privateKey, signed }));
  const plain = reading('the decrypted assertion', decrypted).trim();
  const opened = documentOf(sent.text.slice(0, assertion.start) + plain + sent.text.slice(assertion.end));
  // Anybody can encrypt to us: what was inside must be one assertion, and must not have closed the element around it.
  const inside = opened.assertion;
  if (inside === null || inside.start !== assertion.start || inside.end !== assertion.start + plain.length) {
    refuse('what was encrypted is not one assertion');
  }
  return opened.encrypted ? refuse('the assertion is encrypted twice') : opened;
}

const ROOTS = { response: [PROTOCOL, 'Response'], assertion: [ASSERTION, 'Assertion'] } as const;

/**
 * Reads what was signed, from the verifier's bytes. That the document says the same at that place follows from everything before; where it
 * does not, somebody has found a difference between two readers, and nothing of the answer is believed.
 */
async function verified(document: Document, signed: Signed, certificates: readonly string[]): Promise<XmlElement> {
  const [seen, signature] =
    signed === 'response'
      ? [document.response, document.responseSignature]
      : [document.assertion, document.assertionSignature];
  if (seen === null || signature === null) refuse(`the ${signed} is not signed`);
  const signers = signersOf(signature, certificates);
  if (signers.length === 0) throw new UnknownSigner(signed);
  const text = await verifiedText(document.text, signed, signers);
  if (text === null) refuse(`the ${signed} was changed after it was signed`);
  const root = readAnswer('what was signed', text);
  const [namespace, local] = ROOTS[signed];
  if (!isNamed(root, namespace, local)) refuse(`what was signed is no ${signed}`);
  if (!saysTheSame(seen, root, signature)) refuse('what was signed is not what the answer says');
  return root;
}
