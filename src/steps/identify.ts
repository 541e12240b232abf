import type { Exchange } from './exchange.ts';
import type { Services } from './services.ts';

/** Credential to principal, from headers only: no byte of the body is read for a stranger. */
export function identify(x: Exchange, s: Services): void {
  x.principal.set(s.identify(x.envelope.headers));
}
