/** Every error of the admin API is a problem document (RFC 9457), whoever raised it: we, the schema, or the framework. */
import { z } from 'zod';
import type { ConfigProblem } from '../../kernel/config.ts';
import { ERRORS, Refusal } from '../../kernel/errors.ts';
import { ADMIN_PROBLEMS, type AdminProblemCode, type ProblemEntry } from './problem-table.ts';
import { described, named } from './schemas.ts';

/** Thrown by the handlers of this door. */
export class AdminProblem extends Error {
  readonly code: AdminProblemCode;
  /** Seconds for `retry-after`, when waiting helps. */
  readonly retryAfter: number | undefined;

  constructor(code: AdminProblemCode, detail: string, retryAfter?: number) {
    super(detail);
    this.name = 'AdminProblem';
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** A policy document that is not valid, with its faults. What an author wrote stays out of the trail (P7). */
export class PolicyInvalid extends AdminProblem {
  readonly problems: readonly ConfigProblem[];
  readonly errors: NonNullable<Problem['errors']>;

  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? 'one fault' : `${problems.length} faults`;
    super('invalid', `The policy is not valid: it has ${count}. Nothing was changed.`);
    this.problems = problems;
    this.errors = problems.map(({ line, column, path, message, suggestion }) => {
      const hint = suggestion === null ? '' : ` Did you mean "${suggestion}"?`;
      return { pointer: path, detail: `${line}:${column}: ${message}.${hint}` };
    });
  }
}

const FieldError = z.object({
  pointer: described(
    z.string(),
    'JSON pointer of the field (RFC 6901), or the path in a policy document such as `access[2].to`; empty for the whole.',
  ),
  detail: described(z.string(), 'What is wrong with it; of a policy document after line and column.'),
});

export const Problem = named(
  'Problem',
  z.object({
    type: described(z.string(), 'URI of this kind of problem; the code is its last part.'),
    title: described(z.string(), 'What this kind of problem is, the same each time.'),
    status: described(z.number().int(), 'HTTP status.'),
    detail: described(z.string(), 'What happened this time.'),
    code: described(z.string(), 'Stable name for programs.'),
    remedy: described(z.string(), 'What can be done about it.'),
    record: described(z.string().nullable(), 'Id of the audit record of this refusal, null when none was made.'),
    errors: described(z.array(FieldError).optional(), 'The fields that were wrong.'),
  }),
  'A refused request (RFC 9457, application/problem+json).',
);
export type Problem = z.infer<typeof Problem>;

/** A problem before it is recorded, with the seconds after which a retry makes sense. */
export interface ProblemDraft {
  readonly problem: Problem;
  readonly retryAfter: number | undefined;
  /** For the journal, which keeps it for good: never what a caller typed, which may name people (P7). */
  readonly recorded: string;
  /** For the log only: what nobody foresaw may say anything. */
  readonly logged: string | null;
}

interface Parts {
  readonly code: string;
  readonly entry: ProblemEntry;
  readonly detail?: string;
  readonly errors?: Problem['errors'];
  readonly retryAfter?: number | undefined;
  readonly recorded?: string | undefined;
  readonly logged?: string | undefined;
}

function draft({ code, entry, detail, errors, retryAfter, recorded, logged }: Parts): ProblemDraft {
  const problem = {
    type: `urn:gatehouse:problem:${code}`,
    title: entry.title,
    status: entry.status,
    detail: detail ?? entry.title,
    code,
    remedy: entry.remedy,
    record: null,
    ...(errors === undefined ? {} : { errors }),
  };
  return { problem, retryAfter, recorded: recorded ?? problem.detail, logged: logged ?? null };
}

/** Statuses of `ChangeError` codes of identity/changes.ts. */
const CHANGE_CODES = {
  not_found: 'resource_unknown',
  conflict: 'conflict',
  invalid: 'invalid',
  refused: 'change_refused',
} as const satisfies Record<string, AdminProblemCode>;

type ChangeCode = keyof typeof CHANGE_CODES;
const CHANGES = Object.keys(CHANGE_CODES) as ChangeCode[];

/** True for a ChangeError of identity/changes.ts with this code. By shape: doors know services by interface only. */
export function isChangeError(error: unknown, code: ChangeCode): error is Error {
  return error instanceof Error && error.name === 'ChangeError' && 'code' in error && error.code === code;
}

function changeProblem(error: unknown): ProblemDraft | undefined {
  const found = CHANGES.find((code) => isChangeError(error, code));
  if (found === undefined || !(error instanceof Error)) return undefined;
  const code = CHANGE_CODES[found];
  return draft({ code, entry: ADMIN_PROBLEMS[code], detail: error.message });
}

/** By shape, because doors know services by interface only. */
function isNamed(error: unknown, name: string): error is Error {
  return error instanceof Error && error.name === name;
}

/** Another process holds the store, or its disk is full, failing, read-only. */
function storeProblem(error: unknown): ProblemDraft | undefined {
  if (!isNamed(error, 'StoreUnavailable')) return undefined;
  const logged = error.cause instanceof Error ? error.cause.message : error.message;
  const entry = ADMIN_PROBLEMS.not_available;
  return draft({ code: 'not_available', entry, detail: error.message, retryAfter: 1, logged });
}

/** The worker of the views died or is being started. */
function viewsProblem(error: unknown): ProblemDraft | undefined {
  if (!isNamed(error, 'ProjectionsUnavailable')) return undefined;
  const entry = ADMIN_PROBLEMS.not_available;
  return draft({ code: 'not_available', entry, detail: entry.title, retryAfter: 1, logged: error.message });
}

const USE_TOKEN = 'Send an admin token (gha_…) as `Authorization: Bearer`, or sign in at /signin.';

function refusalProblem(error: Refusal): ProblemDraft {
  const { status, sentence, remedy } = error.entry;
  const { code, message: detail, retryAfter, detail: recorded } = error;
  // The table's remedies for these speak to users of models.
  const useToken = code === 'credential_missing' || code === 'credential_malformed' || code === 'wrong_door';
  const generic = { status, title: sentence.replace(/ ?\{\w+\}/g, ' …'), remedy: useToken ? USE_TOKEN : remedy };
  // The table's sentence about paths speaks of the model door.
  if (code === 'not_found') return draft({ code: 'resource_unknown', entry: ADMIN_PROBLEMS.resource_unknown, detail });
  return draft({ code, entry: generic, detail, retryAfter, recorded, logged: recorded });
}

function validationProblem(error: object): ProblemDraft | undefined {
  if (!('validation' in error) || !Array.isArray(error.validation)) return undefined;
  const where = 'validationContext' in error ? String(error.validationContext) : 'body';
  const errors = error.validation.map((issue: { instancePath?: unknown; message?: unknown }) => {
    const pointer = String(issue.instancePath ?? '');
    return { pointer: pointer === '/' ? '' : pointer, detail: String(issue.message ?? 'is not valid') };
  });
  const first = errors[0];
  const name = first?.pointer.replace(/^\//, '') || where;
  const detail = first ? `${name}: ${first.detail}` : 'The request is not valid.';
  // The schema's sentences repeat keys of the request; pointers are made of keys that the schema knows.
  const recorded = `${where}: ${[...new Set(errors.map((error) => error.pointer || '/'))].join(', ')}`;
  return draft({ code: 'invalid', entry: ADMIN_PROBLEMS.invalid, detail, errors, recorded });
}

/** What the framework itself refuses, by its error code, in our words. */
function frameworkProblem(error: object): ProblemDraft | undefined {
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return refusalProblem(new Refusal('request_too_large', { fields: { limit: BODY_LIMIT } }));
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return refusalProblem(new Refusal('media_type_unsupported'));
  const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
  if (status < 400 || status > 499) return undefined;
  const detail = error instanceof Error ? error.message : 'The request could not be read.';
  return draft({ code: 'invalid', entry: { ...ADMIN_PROBLEMS.invalid, status }, detail });
}

/** Largest request body of the admin API, bytes. */
export const BODY_LIMIT = 1024 * 1024;

/**
 * Turns whatever was thrown into a problem. What nobody foresaw becomes `internal` without its message, which may hold
 * anything; the message goes to the log only.
 */
export function toProblem(error: unknown): ProblemDraft {
  if (error instanceof Refusal) return refusalProblem(error);
  if (error instanceof AdminProblem) {
    const { code, message: detail, retryAfter } = error;
    const errors = error instanceof PolicyInvalid ? { errors: error.errors } : {};
    return draft({ code, entry: ADMIN_PROBLEMS[code], detail, retryAfter, ...errors });
  }
  const known =
    viewsProblem(error) ??
    storeProblem(error) ??
    changeProblem(error) ??
    (typeof error === 'object' && error !== null ? (validationProblem(error) ?? frameworkProblem(error)) : undefined);
  if (known) return known;
  const { status, sentence, remedy } = ERRORS.internal;
  const [name, message] = error instanceof Error ? [error.name, error.message] : ['unknown', String(error)];
  return draft({
    code: 'internal',
    entry: { status, title: sentence, remedy },
    recorded: name,
    logged: `${name}: ${message}`,
  });
}
