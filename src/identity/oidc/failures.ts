import { FetchFailure } from '../../net/failure.ts';
import { SignInFailure, type SignInFailureCode } from '../sign-in-failure.ts';

/** The one failure for whatever could not be verified. `detail` is a constant text: nothing of a token stands in it. */
export function invalid(detail: string): SignInFailure {
  return new SignInFailure('response_invalid', detail);
}

/** For settings, here or at the provider, that cannot work. */
export function misconfigured(detail: string): SignInFailure {
  return new SignInFailure('provider_misconfigured', detail);
}

/** For groups that were asked for and could not be read: a missing group could be a missing deny (P8). */
export function groupsUnavailable(detail: string): SignInFailure {
  return new SignInFailure('groups_unavailable', detail);
}

const CODES: Readonly<Record<FetchFailure['reason'], SignInFailureCode>> = {
  refused_scheme: 'provider_misconfigured',
  refused_address: 'provider_misconfigured',
  unresolved: 'provider_unreachable',
  unreachable: 'provider_unreachable',
  tls: 'provider_unreachable',
  too_slow: 'provider_unreachable',
  too_large: 'response_invalid',
  broken: 'provider_unreachable',
};

/** What a failed request means for whoever signs in. `what` is a constant such as `the token endpoint`. */
export function fetchFailed(error: unknown, what: string): SignInFailure {
  // Whatever else went wrong on the way out may hold the request, and with it a secret: nothing of it is kept.
  if (!(error instanceof FetchFailure)) return new SignInFailure('provider_unreachable', `${what} could not be asked`);
  return new SignInFailure(CODES[error.reason], `${what} could not be asked (${error.reason}): ${error.message}`, {
    cause: error,
  });
}

/** What a status that is no answer means; null for one that is, a refusal of the provider's own included (400 to 428). */
export function statusFailed(status: number, what: string): SignInFailure | null {
  if (status >= 500 || status === 429) return new SignInFailure('provider_unreachable', `${what} answered ${status}`);
  if (status >= 300 && status < 400) {
    return misconfigured(`${what} answered ${status}: redirects are not followed, so name the address it leads to`);
  }
  return null;
}

/** The failure in `error` or in what caused it; null for none. Libraries wrap what was thrown below them. */
export function failureWithin(error: unknown): SignInFailure | null {
  let at = error;
  for (let depth = 0; depth < 5 && at instanceof Error; depth++) {
    if (at instanceof SignInFailure) return at;
    at = at.cause;
  }
  return null;
}
