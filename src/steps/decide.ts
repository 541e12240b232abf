import { Refusal } from '../kernel/errors.ts';
import type { Exchange } from './exchange.ts';
import type { Services } from './services.ts';

/** May this principal do this to this model? Closed by default: what is not allowed is refused, with the rule that said so. */
export function decide(x: Exchange, s: Services): void {
  const resource = x.fields.value.model;
  const decision = s.policy.decide({ principal: x.principal.value, action: x.envelope.action, resource });
  if (decision.effect !== 'allow') {
    throw new Refusal('not_permitted', {
      fields: { action: x.envelope.action, resource: resource ?? 'this listing' },
      detail: decision.reason,
    });
  }
  x.decision.set(decision);
}
