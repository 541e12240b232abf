import type { RefusedRequest } from '../doors/admin/services.ts';
import type { RefusalBody } from '../journal/bodies.ts';
import { newId } from '../kernel/ids.ts';
import { safeText } from '../kernel/redact.ts';
import { startSpan } from '../kernel/trace.ts';
import type { DoorParts } from './doors.ts';

/** A refusal at a door that carries no governed messages. */
export interface RefusedAtDoor extends RefusedRequest {
  readonly action: 'admin' | 'signin';
}

/** P1: refusals of known callers are recorded, strangers counted. The id of the record; null for a stranger. */
export async function recordRefusal(
  { state, clock }: Pick<DoorParts, 'state' | 'clock'>,
  refused: RefusedAtDoor,
): Promise<string | null> {
  const { caller, headers } = refused;
  const userAgent = headers['user-agent'] === undefined ? null : safeText(headers['user-agent'], 200);
  // Over the quota a known caller counts as a stranger: the holder of a revoked token must not fill the disk.
  if (caller === null || !state.refusals.take(caller.who, clock.monotonic())) {
    state.strangers.count(refused.code, refused.peer, userAgent);
    return null;
  }
  const body: RefusalBody & { operation: string } = {
    ...caller,
    action: refused.action,
    operation: refused.operation,
    code: refused.code,
    status: refused.status,
    detail: refused.detail,
    rule: null,
    day: null,
    cost_center: null,
    model: null,
    client: { user_agent: userAgent, session: null, agent: null, parent_agent: null },
    trace: startSpan({}).traceId,
  };
  const id = newId('rec');
  await state.journal.append({ id, kind: 'refusal', body });
  return id;
}
