/** Why a body was refused by scanJson(). Never carries content of the body, so it may be shown and logged. */
export class JsonScanError extends Error {
  /** A clause in plain English, such as `a string holds a raw control character`. */
  readonly reason: string;
  /** Where in the body, in bytes; 0 when the whole body is meant. */
  readonly offset: number;
  /** True when parsers could read the body in two ways, false when it is not JSON or goes over a bound. */
  readonly ambiguous: boolean;

  constructor(reason: string, offset: number, ambiguous = false) {
    super(`${reason} (at byte ${offset})`);
    this.name = 'JsonScanError';
    this.reason = reason;
    this.offset = offset;
    this.ambiguous = ambiguous;
  }
}
