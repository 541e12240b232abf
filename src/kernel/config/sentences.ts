import type { z } from 'zod';

type RawIssue = z.core.$ZodRawIssue;

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  tuple: 'a list',
  null: 'nothing',
};

const FORMATS: Readonly<Record<string, string>> = {
  url: 'a URL, such as "https://example.com"',
  email: 'an e-mail address',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  cidrv4: 'an IPv4 range, such as "10.0.0.0/8"',
  cidrv6: 'an IPv6 range',
  datetime: 'a time, such as "2030-01-31T12:00:00Z"',
  date: 'a date, such as "2030-01-31"',
  hostname: 'a host name',
};

/** What kind of thing stands in the file, never the thing itself: it could be a secret. */
function kindOf(input: unknown): string {
  if (input === null) return 'empty';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'string') return 'text';
  if (typeof input === 'number') return 'a number';
  if (typeof input === 'boolean') return `the word ${input}`;
  return 'a mapping';
}

/** "a", "a or b", "a, b or c"; values are quoted as they would be written. */
export function alternatives(values: readonly unknown[]): string {
  const words = values.map((value) => (typeof value === 'string' ? JSON.stringify(value) : String(value)));
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function mismatch(expected: string, input: unknown): string {
  if (input === undefined) return 'is required';
  const found = kindOf(input);
  return `must be ${expected}, but is ${found}`;
}

/** The unit a bound counts: "at least 3 characters", "at most 5 entries", "at least 1". */
function bounded(word: string, limit: number | bigint, origin: string): string {
  const counted: Record<string, [string, string]> = {
    string: ['character', 'characters'],
    array: ['entry', 'entries'],
    set: ['entry', 'entries'],
    map: ['entry', 'entries'],
    object: ['entry', 'entries'],
  };
  const unit = counted[origin];
  if (unit === undefined) return `must be ${word} ${limit}`;
  return `must have ${word} ${limit} ${Number(limit) === 1 ? unit[0] : unit[1]}`;
}

function tooSmall(issue: Extract<RawIssue, { code: 'too_small' }>): string {
  const bare = issue.inclusive === false;
  if (issue.origin === 'string' && issue.minimum === 1) return 'must not be empty';
  if (issue.exact === true) return bounded('exactly', issue.minimum, issue.origin);
  return bounded(bare ? 'more than' : 'at least', issue.minimum, issue.origin);
}

function tooBig(issue: Extract<RawIssue, { code: 'too_big' }>): string {
  if (issue.exact === true) return bounded('exactly', issue.maximum, issue.origin);
  return bounded(issue.inclusive === false ? 'less than' : 'at most', issue.maximum, issue.origin);
}

function format(issue: Extract<RawIssue, { code: 'invalid_format' }>): string {
  if (issue.format === 'starts_with') return `must start with ${JSON.stringify(issue.prefix)}`;
  if (issue.format === 'ends_with') return `must end with ${JSON.stringify(issue.suffix)}`;
  const known = FORMATS[issue.format];
  return known === undefined ? 'does not have the expected form' : `must be ${known}`;
}

/** One sentence without full stop for an issue whose schema brings no message of its own. */
export function sentence(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return mismatch(EXPECTED[issue.expected] ?? `of type ${issue.expected}`, issue.input);
    case 'invalid_value':
      return issue.input === undefined ? 'is required' : `must be ${alternatives(issue.values)}`;
    case 'too_small':
      return tooSmall(issue);
    case 'too_big':
      return tooBig(issue);
    case 'invalid_format':
      return format(issue);
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'unrecognized_keys':
      return 'unknown key';
    case 'invalid_key':
      return 'this name is not allowed here';
    default:
      return 'is not valid';
  }
}
