import type { Decided } from '../journal/bodies.ts';
import { Refusal } from '../kernel/errors.ts';
import type { Decision, Resource } from '../policy/model.ts';
import { partyOf } from './attribute.ts';
import type { Exchange, Party } from './exchange.ts';
import type { Governance } from './governance.ts';
import { approvalFor } from './overlays.ts';
import type { Services } from './services.ts';
import { stoppedBy } from './stopped.ts';

/**
 * May this caller use this model, and what the request asks of the provider's side? Deny, then ask, then allow; what nothing
 * allows is refused (P8). A running answer is asked again when something changes (P3).
 */
export function decide(x: Exchange, s: Services): void {
  const now = s.clock.now();
  const { decided, observed } = permitted({ x, governance: x.governance.value, party: x.party.value }, now);
  // What changed while the body was read counts as well (P3).
  const newest = s.governance();
  if (newest !== x.governance.value) permitted({ x, governance: newest, party: partyOf(x, newest, now) }, now);
  x.observed.push(...observed);
  x.decision.set(decided);
  x.openCall.value.stillPermitted = () => isStillPermitted(x, s);
}

function isStillPermitted(x: Exchange, s: Services): boolean {
  const governance = s.governance();
  const now = s.clock.now();
  try {
    permitted({ x, governance, party: partyOf(x, governance, now) }, now);
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

interface Asked {
  readonly x: Exchange;
  readonly governance: Governance;
  readonly party: Party;
}

/** @throws Refusal why not */
function permitted(asked: Asked, now: number): { decided: Decided; observed: Decision['observed'] } {
  const { x, governance, party } = asked;
  const stop = stoppedBy(x, governance);
  if (stop !== null) throw stop;
  const { policy } = governance;
  if (policy === null) throw new Refusal('no_policy');
  const { model, serverSide } = x.fields.value;
  // A listing names no model: what of it may be seen is decided for each of its entries.
  if (model === null) return { decided: { effect: 'allow', rule: null, reason: 'a listing' }, observed: [] };
  const ask = (resource: Resource): Decision => policy.decide({ subject: party.subject, resource, now });
  const decision = ask({ kind: 'model', name: model });
  const approval = refuse(asked, { decision, model, now });
  const observed = [...decision.observed];
  // Who may not use a model may not have it answer as a fallback or advise either.
  for (const other of serverSide.models) {
    const further = ask({ kind: 'model', name: other });
    observed.push(...further.observed);
    refuse(asked, { decision: further, model: other, now });
  }
  for (const { capability, uses } of serverSide.asked) {
    const allowed = ask({ kind: 'capability', name: capability });
    observed.push(...allowed.observed);
    refuseCapability(allowed, capability);
    if (allowed.maxUses !== null && (uses === null || uses > allowed.maxUses)) {
      const reason = `it is allowed with max_uses up to ${allowed.maxUses}`;
      throw notPermitted(allowed, `${capability} with ${uses ?? 'no'} max_uses`, reason);
    }
  }
  const rule = approval ?? decision.place?.path ?? null;
  return { decided: { effect: 'allow', rule, reason: decision.reason }, observed };
}

/** Returns the grant that approved, where an approval was asked for. */
function refuse(asked: Asked, on: { decision: Decision; model: string; now: number }): string | null {
  const { decision, model, now } = on;
  if (decision.effect === 'allow') return null;
  if (decision.effect === 'deny') throw notPermitted(decision, model, decision.reason);
  const { subject, team } = asked.party;
  const approval = approvalFor(asked.governance.directory, { subject, team, model, now });
  if (approval === undefined) {
    throw new Refusal('approval_required', {
      fields: { resource: model, reason: reasonOf(decision, decision.reason) },
      ...ruleOf(decision),
    });
  }
  return approval.id;
}

function refuseCapability(decision: Decision, capability: string): void {
  if (decision.effect === 'allow') return;
  throw notPermitted(decision, `${capability} (run by the provider)`, decision.reason);
}

function notPermitted(decision: Decision, resource: string, reason: string): Refusal {
  return new Refusal('not_permitted', {
    fields: { resource, reason: reasonOf(decision, reason) },
    detail: decision.reason,
    ...ruleOf(decision),
  });
}

function reasonOf({ because }: Decision, reason: string): string {
  return because === null ? reason : `${reason} (${because})`;
}

function ruleOf({ place }: Decision): { rule: string } | Record<string, never> {
  return place === null ? {} : { rule: place.path };
}
