import type { Refusal } from '../kernel/errors.ts';
import { cutRefusal } from '../limits/open-calls.ts';
import type { Exchange } from './exchange.ts';

/** Why this call was cut from outside (a revocation, a shutdown), or null while it was not. */
export function cutOf(x: Exchange): Refusal | null {
  const cut = x.openCall.peek?.cut;
  return cut?.aborted ? cutRefusal(cut) : null;
}
