/** Refusals that only the admin API makes; everything else comes from the closed table of `kernel/errors.ts`. */
export interface ProblemEntry {
  readonly status: number;
  readonly title: string;
  readonly remedy: string;
}

const entry = (status: number, title: string, remedy: string): ProblemEntry => ({ status, title, remedy });
const LOOK = 'Look at what is there and decide again.';

export const ADMIN_PROBLEMS = {
  role_required: entry(403, 'Your role does not permit this.', 'Ask an admin of this installation.'),
  out_of_reach: entry(403, 'This reaches beyond your teams.', 'Ask an admin of this installation.'),
  second_person_needed: entry(
    403,
    'Another person must decide this.',
    'Ask somebody else who may change policies to look at it.',
  ),
  csrf_missing: entry(
    403,
    'This change lacks the token of its session.',
    'Send x-gatehouse-csrf as GET /api/session shows it.',
  ),
  origin_unexpected: entry(403, 'This request comes from another web page.', 'Call the API from a program instead.'),
  invalid: entry(400, 'The request does not fit this operation.', 'Correct it and send it again.'),
  resource_unknown: entry(404, 'There is no such resource.', 'Check the id or name; the lists show what there is.'),
  conflict: entry(409, 'This does not fit the present state.', LOOK),
  change_refused: entry(409, 'This cannot be done as things stand.', LOOK),
  precondition_failed: entry(412, 'This was changed since you looked at it.', LOOK),
  idempotency_busy: entry(
    409,
    'A request with this idempotency key is being answered.',
    'Wait for it; if it was broken off, look at what is there and use a new key.',
  ),
  idempotency_mismatch: entry(
    422,
    'This idempotency key was used for another request.',
    'Use a new key for every new request.',
  ),
  secret_wrong: entry(
    403,
    'This is not the owner’s secret.',
    'Start Gatehouse again: while it has no owner it prints a new one.',
  ),
  too_many_attempts: entry(429, 'Too many wrong attempts.', 'Wait a minute and try again.'),
  too_many_listeners: entry(429, 'Too many are following the events.', 'Close one that is open, and try again.'),
  not_available: entry(503, 'This part of Gatehouse is not available now.', 'See GET /api/health, then try again.'),
} as const satisfies Record<string, ProblemEntry>;

export type AdminProblemCode = keyof typeof ADMIN_PROBLEMS;
