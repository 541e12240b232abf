import { SignInFailure } from '../sign-in-failure.ts';
import { readXml, type XmlElement, type XmlLimits } from './xml.ts';
import { XmlFault } from './xml-fault.ts';

/** Refuses an answer. The detail is for the log and the trail: it repeats nothing of what came. */
export function refuse(detail: string): never {
  throw new SignInFailure('response_invalid', detail);
}

/** @throws SignInFailure `response_late` */
export function late(detail: string): never {
  throw new SignInFailure('response_late', detail);
}

/** Does something with a document; what is wrong with the document is a refusal of the answer. */
export function reading<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof XmlFault) refuse(`${what} ${error.message}`);
    throw error;
  }
}

/** Room for 2,000 groups. The library's work grows with the square of the elements, so that more would be a way to keep us busy. */
const LIMITS: XmlLimits = { depth: 32, elements: 2_500, attributes: 32 };

/** @throws SignInFailure */
export function readAnswer(what: string, text: string): XmlElement {
  return reading(what, () => readXml(text, LIMITS));
}
