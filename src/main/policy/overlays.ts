/** What lies over the policy for one caller: stops and approvals. The same conditions as on the path of a call. */
import type { DirectorySnapshot } from '../../identity/snapshot.ts';
import type { Resource, Subject } from '../../policy/model.ts';
import { matches } from '../../policy/patterns.ts';
import type { GrantRow, StopRow } from '../../store/ports.ts';

/** The stops that a call would meet; any of them refuses it. Those of sessions are not known before there is one. */
export function stopsOn(
  { stops }: DirectorySnapshot,
  { subject, resource, upstream }: { subject: Subject; resource: Resource; upstream: string },
): StopRow[] {
  const model = resource.kind === 'model' ? resource.name : null;
  const isFor = (row: StopRow): boolean => {
    switch (row.target) {
      case 'everything':
        return true;
      case 'party':
        return row.subject === subject.id;
      case 'key':
        return row.subject === subject.key;
      case 'model':
        return model !== null && matches(row.subject ?? '', model);
      case 'upstream':
        return row.subject === upstream;
      case 'session':
        return false;
    }
  };
  return stops.all.filter(isFor);
}

/** Approvals in force for this caller and model. */
export function approvalsFor(
  { grants, teamsByName }: DirectorySnapshot,
  { subject, model, now }: { subject: Subject; model: string; now: number },
): GrantRow[] {
  const team = subject.team === null ? null : (teamsByName.get(subject.team.toLowerCase())?.id ?? null);
  const ids = { organization: null, team, person: subject.id, service: subject.id, key: subject.key };
  return grants.filter(
    (grant) =>
      grant.kind === 'approval' &&
      inForce(grant, now) &&
      grant.subject === ids[grant.scope] &&
      matches(grant.models ?? '', model),
  );
}

function inForce({ startsAt, endsAt }: GrantRow, now: number): boolean {
  return startsAt <= now && now < endsAt;
}
