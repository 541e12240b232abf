/**
 * - `not_found` an id that names nothing
 * - `conflict` a name that is taken
 * - `invalid` an input that cannot be accepted
 * - `refused` well-formed, but not possible for this subject as it stands
 */
export type ChangeErrorCode = 'not_found' | 'conflict' | 'invalid' | 'refused';

/** A change that was not made. The message is for the person who asked and repeats none of their input. */
export class ChangeError extends Error {
  readonly code: ChangeErrorCode;

  constructor(code: ChangeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ChangeError';
    this.code = code;
  }
}
