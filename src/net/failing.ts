import { errors } from 'undici';
import { ConnectError } from './connecting.ts';
import { FetchFailure, type FetchFailureReason } from './failure.ts';

export interface Circumstances {
  readonly host: string;
  readonly timeoutMs: number;
  /** The time for the whole was over. */
  readonly late: boolean;
  /** The fetcher was closed. */
  readonly closed: boolean;
}

/** Why a request came to nothing, whatever the HTTP client calls it. Words of the other side are in the cause alone. */
export function failureOf(error: unknown, { host, timeoutMs, late, closed }: Circumstances): FetchFailure {
  const failure = (reason: FetchFailureReason, message: string) =>
    new FetchFailure(reason, host, { message, cause: error });
  if (error instanceof FetchFailure) return error;
  if (error instanceof ConnectError) {
    const { cause } = error;
    if (cause instanceof FetchFailure) return cause;
    if (late || cause instanceof errors.ConnectTimeoutError) return failure('too_slow', tooSlow(host, timeoutMs));
    return isOfSystem(cause)
      ? failure('unreachable', `${host} cannot be reached: ${codeOf(cause)}`)
      : failure('tls', `${host} offers no TLS that is accepted: ${codeOf(cause)}`);
  }
  if (late) return failure('too_slow', tooSlow(host, timeoutMs));
  if (closed) return failure('unreachable', `${host} was not asked: Gatehouse is ending`);
  if (error instanceof errors.HeadersOverflowError)
    return failure('too_large', `${host} answered with too many headers`);
  return failure('broken', `${host} did not give a whole answer in HTTP`);
}

function tooSlow(host: string, timeoutMs: number): string {
  return `${host} did not answer within ${timeoutMs} ms`;
}

/** Of the network, rather than of TLS. Of several attempts the first speaks. */
function isOfSystem(error: Error): boolean {
  if (error instanceof AggregateError) return error.errors.length === 0 || isOfSystem(error.errors[0]);
  const { syscall, code } = error as NodeJS.ErrnoException;
  return syscall !== undefined || code === 'ECONNRESET' || code === 'ETIMEDOUT';
}

/** A code such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`; messages could hold text of a certificate. */
function codeOf(error: Error): string {
  const { code } = error instanceof AggregateError ? (error.errors[0] ?? error) : (error as NodeJS.ErrnoException);
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? code : 'no reason given';
}
