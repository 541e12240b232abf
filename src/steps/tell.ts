import type { Position } from '../limits/ledger-types.ts';
import { periodEnd } from '../limits/periods.ts';
import type { Exchange } from './exchange.ts';
import { usedOf } from './limit-headers.ts';
import { extraOf, factsOf } from './reserve.ts';
import type { Services } from './services.ts';

const GROUPS = { day: 'daily', week: 'weekly', month: 'monthly', lifetime: 'lifetime' } as const;
const CENT = 10_000;

/**
 * Tells the caller what of its budgets is used, as Claude Code's `/usage` reads it (observed of Anthropic's own gateway): cents and
 * whole percents, the fullest budget first. Budgets for single models are left out: no model is named here.
 */
export function tell(x: Exchange, s: Services): void {
  const { policy } = x.governance.value;
  const zone = policy?.timeZone ?? 'UTC';
  const positions = s.ledger
    .position(factsOf(x), extraOf(x, s))
    .filter(({ line }) => line.mode === 'enforce' && line.models === null && line.scope !== 'model')
    .toSorted((a, b) => usedOf(b) - usedOf(a));
  const [fullest] = positions;
  const { day } = x.party.value.booking;
  const body = JSON.stringify({
    extra_usage: extraUsage(fullest),
    limits: positions.map((position) => {
      const reset = periodEnd(day, position.line.period, zone);
      return {
        kind: 'spend',
        group: GROUPS[position.line.period],
        percent: percentOf(position),
        resets_at: reset === null ? null : new Date(reset).toISOString(),
        severity: severityOf(position),
        is_active: position === fullest,
      };
    }),
  });
  const { reply } = x.envelope;
  const length = String(Buffer.byteLength(body));
  reply.start(200, ['content-type', 'application/json', 'content-length', length, 'cache-control', 'no-store']);
  reply.write(Buffer.from(body));
  reply.end();
}

function extraUsage(fullest: Position | undefined): object {
  if (fullest === undefined) {
    return { is_enabled: false, monthly_limit: null, used_credits: null, utilization: null, currency: null };
  }
  return {
    is_enabled: true,
    monthly_limit: Math.floor((fullest.limit + fullest.extra) / CENT),
    used_credits: Math.ceil(fullest.spent / CENT),
    utilization: percentOf(fullest),
    currency: 'USD',
  };
}

function percentOf(position: Position): number {
  return Math.min(100, Math.floor(usedOf(position) * 100));
}

function severityOf(position: Position): 'normal' | 'warning' | 'critical' {
  const used = usedOf(position);
  if (used >= 1) return 'critical';
  return position.line.warn.some((mark) => used >= mark) ? 'warning' : 'normal';
}
