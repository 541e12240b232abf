/**
 * Why an address could not be fetched. `refused_address`: it lies in a network that is not for strangers; `refused_scheme`: not https;
 * `unresolved`: its name has no address; `unreachable`: no connection; `tls`: its certificate is not valid for the name;
 * `too_slow`, `too_large`: the bounds; `broken`: what came is no HTTP.
 */
export type FetchFailureReason =
  | 'refused_scheme'
  | 'refused_address'
  | 'unresolved'
  | 'unreachable'
  | 'tls'
  | 'too_slow'
  | 'too_large'
  | 'broken';

/** An address that could not be fetched. The message is a plain sentence with the host, never a path, query, header or body. */
export class FetchFailure extends Error {
  readonly reason: FetchFailureReason;
  readonly host: string;

  /** @param said the message, or that and what it was caused by */
  constructor(reason: FetchFailureReason, host: string, said: string | { message: string; cause: unknown }) {
    if (typeof said === 'string') super(said);
    else super(said.message, { cause: said.cause });
    this.name = 'FetchFailure';
    this.reason = reason;
    this.host = host;
  }
}
