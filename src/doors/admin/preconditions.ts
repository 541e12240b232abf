/** Entity tags and `if-match` (RFC 9110 §8.8.3, §13.1.1): nobody overwrites what they have not seen. */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AdminProblem } from './problems.ts';

/** Fields of a representation that change without anybody changing it; they are left out of its tag. */
type Volatile = readonly string[];

/** The strong tag of what is shown. */
export function tagOf(shown: object, volatile: Volatile = []): string {
  const lasting = Object.entries(shown).filter(([name]) => !volatile.includes(name));
  return `"${createHash('sha256').update(JSON.stringify(lasting)).digest('base64url').slice(0, 32)}"`;
}

/** Sends the tag of what is shown, and gives it back. */
export function tagged<T extends object>(reply: FastifyReply, shown: T, volatile: Volatile = []): T {
  reply.header('etag', tagOf(shown, volatile));
  return shown;
}

const TAG = /^(?:W\/)?"[\x21\x23-\x7e]*"$/;

/**
 * Refuses a change of something that is not what the caller saw. `*` fits whatever is there; weak tags fit nothing.
 *
 * @throws AdminProblem `precondition_failed`; `invalid` for a header that cannot be read
 */
function mustMatch({ headers }: FastifyRequest, shown: object, volatile: Volatile = []): void {
  const given = headers['if-match'];
  if (given === undefined || given.trim() === '*') return;
  const tags = given.split(',').map((tag) => tag.trim());
  if (given.length > 4096 || !tags.every((tag) => TAG.test(tag))) {
    throw new AdminProblem('invalid', 'if-match is not a list of entity tags');
  }
  if (tags.includes(tagOf(shown, volatile))) return;
  throw new AdminProblem('precondition_failed', 'What is there now has another tag than those in if-match.');
}

/** @throws AdminProblem `invalid` for a precondition that this operation would pass over */
export function refuseUnheeded({ method, headers, routeOptions }: FastifyRequest): void {
  if (headers['if-match'] === undefined || method === 'GET' || method === 'HEAD') return;
  if (routeOptions.config.matches !== true) throw new AdminProblem('invalid', 'This operation takes no if-match.');
}

/** By the name of a thing, the end of the last change that was asked for here. */
const last = new Map<string, Promise<unknown>>();

interface Change<T> {
  /** Of the thing, such as its id: changes of one thing wait for each other, so that none comes between looking and changing. */
  readonly thing: string;
  /** What is there now, as it is shown. Asked for only where the caller said what they saw. */
  readonly shown: () => Promise<object>;
  readonly volatile?: Volatile;
  readonly change: () => Promise<T>;
}

/** A change of one thing, unless it is not what the caller saw. Throws as mustMatch. */
export async function changing<T>(request: FastifyRequest, { thing, shown, volatile, change }: Change<T>): Promise<T> {
  const before = last.get(thing) ?? Promise.resolve();
  const work = async (): Promise<T> => {
    if (request.headers['if-match'] !== undefined) mustMatch(request, await shown(), volatile);
    return change();
  };
  const mine = before.then(work);
  const settled = mine.catch(() => undefined);
  last.set(thing, settled);
  try {
    return await mine;
  } finally {
    if (last.get(thing) === settled) last.delete(thing);
  }
}
