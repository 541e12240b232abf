/** An error as the Claude API sends it. */
export interface ApiError {
  readonly status: number;
  /** `error.type`. */
  readonly type: string;
  readonly message: string;
  /** Further response headers, such as `retry-after`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Source: platform.claude.com/docs/en/api/errors. */
const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** The error type that fits a status; other 4xx are `invalid_request_error`, other 5xx `api_error`. */
function errorTypeOf(status: number): string {
  return TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

/** An error with the type that fits its status. */
export function apiError(status: number, message: string, headers: Readonly<Record<string, string>> = {}): ApiError {
  return { status, type: errorTypeOf(status), message, headers };
}

/** The JSON body: `{"type":"error","error":{"type","message"},"request_id"}`. */
export function envelopeOf(error: ApiError, requestId: string): string {
  return JSON.stringify({
    type: 'error',
    error: { type: error.type, message: error.message },
    request_id: requestId,
  });
}
