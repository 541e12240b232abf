import type { Exchange } from './exchange.ts';
import type { Services } from './services.ts';
import { stoppedBy } from './stopped.ts';

/** Credential to principal, from headers only: no byte of the body is read for a stranger, nor for who is stopped. */
export function identify(x: Exchange, s: Services): void {
  const governance = s.governance();
  x.governance.set(governance);
  x.principal.set(s.identify(x.envelope.headers));
  const refusal = stoppedBy(x, governance);
  if (refusal !== null) throw refusal;
}
