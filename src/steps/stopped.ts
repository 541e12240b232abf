import { Refusal } from '../kernel/errors.ts';
import type { StopRow } from '../store/ports.ts';
import type { Exchange } from './exchange.ts';
import type { Governance } from './governance.ts';
import { stopOn } from './overlays.ts';

/**
 * Why this message is stopped, as far as what is known of it says: caller and session, then every model it names, then upstream.
 * Over every policy, also one that only observes.
 */
export function stoppedBy(x: Exchange, { directory }: Governance): Refusal | null {
  const { id, credential } = x.principal.value;
  const fields = x.fields.peek;
  const stop = stopOn(directory, {
    party: id,
    key: credential.id,
    session: x.client.session,
    models: fields?.model ? [fields.model, ...fields.serverSide.models] : [],
    upstream: x.target.peek?.upstream ?? null,
  });
  return stop === undefined ? null : refusalOf(stop);
}

const WHAT: Readonly<Record<StopRow['target'], string>> = {
  party: 'Your access',
  key: 'This key',
  session: 'This session',
  model: 'This model',
  upstream: 'This provider',
  everything: 'Everything',
};

function refusalOf({ id, target, reason }: StopRow): Refusal {
  return new Refusal('stopped', { fields: { what: WHAT[target], reason: reason.replace(/\.$/, '') }, rule: id });
}
