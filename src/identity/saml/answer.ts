import { strictBase64 } from './base64.ts';
import { refuse } from './refuse.ts';

/** Of the form field, characters. */
const LONGEST = 256 * 1024;

/** The bytes of the one answer in a form. @throws SignInFailure */
export function answerBytes(parameters: URLSearchParams): Buffer {
  const [field, ...more] = parameters.getAll('SAMLResponse');
  if (field === undefined || more.length > 0) refuse('the form does not hold exactly one answer');
  if (field.length > LONGEST) refuse('the answer is too large');
  return strictBase64(field) ?? refuse('the answer is no base64');
}
