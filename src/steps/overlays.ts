/** What lies over the policy: stops, which refuse whatever it says, and approvals, which an `ask` waits for. */
import type { DirectorySnapshot } from '../identity/snapshot.ts';
import type { Subject } from '../policy/model.ts';
import { matches } from '../policy/patterns.ts';
import type { GrantRow, StopRow } from '../store/ports.ts';

/** What of a call a stop can be for; null where it is not known yet. */
export interface Stoppable {
  readonly party: string;
  readonly key: string;
  readonly session: string | null;
  readonly models: readonly string[];
  readonly upstream: string | null;
}

/** The stop that this call meets, the widest first; undefined for none. */
export function stopOn({ stops }: Pick<DirectorySnapshot, 'stops'>, call: Stoppable): StopRow | undefined {
  return (
    stops.everything ??
    stops.byParty.get(call.party) ??
    stops.byKey.get(call.key) ??
    (call.session === null ? undefined : stops.bySession.get(call.session)) ??
    stops.models.find((row) => call.models.some((model) => matches(row.subject ?? '', model))) ??
    (call.upstream === null ? undefined : stops.byUpstream.get(call.upstream))
  );
}

export interface Approvable {
  readonly subject: Subject;
  /** `tea_…` that is charged. */
  readonly team: string | null;
  readonly model: string;
  readonly now: number;
}

/** An approval in force for this caller and model; undefined for none. It never overcomes a deny. */
export function approvalFor(
  { grants }: Pick<DirectorySnapshot, 'grants'>,
  { subject, team, model, now }: Approvable,
): GrantRow | undefined {
  const ids = { organization: null, team, person: subject.id, service: subject.id, key: subject.key };
  return grants.find(
    (grant) =>
      grant.kind === 'approval' &&
      grant.subject === ids[grant.scope] &&
      grant.startsAt <= now &&
      now < grant.endsAt &&
      matches(grant.models ?? '', model),
  );
}
