import type { Principal } from '../identity/principal.ts';
import type { Clock } from '../kernel/clock.ts';
import type { CallFacts } from '../limits/counters.ts';
import type { Ledger } from '../limits/ledger.ts';
import type { Position } from '../limits/ledger-types.ts';
import { localDay, periodEnd } from '../limits/periods.ts';
import { subjectOf } from './attribute.ts';
import type { Governance } from './governance.ts';
import { usedOf } from './limit-headers.ts';
import { grantsOf } from './reserve.ts';

const GROUPS = { day: 'daily', week: 'weekly', month: 'monthly', lifetime: 'lifetime' } as const;
const CENT = 10_000;

export interface OwnUsageParts {
  readonly principal: Principal;
  readonly governance: Governance;
  readonly ledger: Pick<Ledger, 'position'>;
  readonly clock: Clock;
}

/**
 * What of their budgets the caller has used, as Claude Code's `/usage` reads it (observed of Anthropic's own gateway): cents and
 * whole percents, the fullest budget first. Budgets for single models are left out: no model is named here.
 */
export function ownUsage({ principal, governance, ledger, clock }: OwnUsageParts): object {
  const now = clock.now();
  const zone = governance.policy?.timeZone ?? 'UTC';
  const { subject, team } = subjectOf({ principal, governance, asked: undefined });
  const day = localDay(now, zone);
  const { id: who, kind, name, key } = subject;
  const facts: CallFacts = {
    who,
    kind,
    name,
    key,
    team,
    teamName: subject.team?.toLowerCase() ?? null,
    model: '',
    day,
  };
  const positions = ledger
    .position(facts, grantsOf(governance, now))
    .filter(({ line }) => line.mode === 'enforce' && line.models === null && line.scope !== 'model')
    .toSorted((a, b) => usedOf(b) - usedOf(a));
  const [fullest] = positions;
  return {
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
  };
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
