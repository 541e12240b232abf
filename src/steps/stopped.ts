import { Refusal } from '../kernel/errors.ts';
import { matches } from '../policy/patterns.ts';
import type { StopRow } from '../store/ports.ts';
import type { Exchange } from './exchange.ts';
import type { Governance } from './governance.ts';

/** Why this message is stopped, as far as what is known of it says: caller and session, then model, then upstream. Over every policy, also one that only observes. */
export function stoppedBy(x: Exchange, { directory: { stops } }: Governance): Refusal | null {
  const { id, credential } = x.principal.value;
  const model = x.fields.peek?.model ?? null;
  const upstream = x.target.peek?.upstream;
  const { session } = x.client;
  const stop =
    stops.everything ??
    stops.byParty.get(id) ??
    stops.byKey.get(credential.id) ??
    (session === null ? undefined : stops.bySession.get(session)) ??
    (model === null ? undefined : stops.models.find((row) => matches(row.subject ?? '', model))) ??
    (upstream === undefined ? undefined : stops.byUpstream.get(upstream));
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
