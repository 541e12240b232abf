import { Refusal } from '../kernel/errors.ts';
import type { Exchange } from './exchange.ts';
import type { Services } from './services.ts';
import { stoppedBy } from './stopped.ts';

/** Chooses the upstream. One that cannot be used, or is stopped, is refused here, before anything is recorded as meant to be sent. */
export function route(x: Exchange, s: Services): void {
  if (s.upstream.unusable !== null) throw new Refusal(s.upstream.unusable);
  x.target.set(s.upstream.target);
  const stop = stoppedBy(x, s.governance());
  if (stop !== null) throw stop;
}
