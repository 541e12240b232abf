import { requestBody } from '../payloads.ts';
import { requestBytes } from './connection.ts';
import type { Target } from './jobs.ts';

/** Bodies that are sent in turn: one alone would flatter whatever remembers what it has seen. */
const BODIES = 16;

const bodies = new Map<string, Buffer[]>();

/** Gives the requests of a target in turn. */
export function requestsOf(target: Target): () => Buffer {
  const { kilobytes, stream, port, headers } = target;
  const key = `${kilobytes} ${stream}`;
  let made = bodies.get(key);
  if (made === undefined) {
    made = Array.from({ length: BODIES }, (_, seed) => requestBody({ kilobytes, stream, seed }));
    bodies.set(key, made);
  }
  const requests = made.map((body) => requestBytes({ port, headers, body }));
  let next = 0;
  return () => requests[next++ % requests.length] ?? Buffer.alloc(0);
}
