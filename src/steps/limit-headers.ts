import type { Position } from '../limits/ledger-types.ts';
import type { Period } from '../policy/model.ts';

/**
 * The headers by which Claude Code shows a developer how much of a limit is used: it warns in its status line, and prints a block
 * with its message verbatim. Observed of Anthropic's own gateway; other clients ignore them.
 */
const PREFIX = 'anthropic-ratelimit-unified-';
const PERIODS: Readonly<Record<Period, string | null>> = {
  day: 'daily',
  week: 'weekly',
  month: 'monthly',
  lifetime: null,
};

type Headers = [string, string][];

/** For an answer that passes: the fullest of the budgets it counts for. Nothing where there is none. */
export function usageHeaders(positions: readonly Position[], resetOf: (position: Position) => number | null): Headers {
  const fullest = fullestOf(positions);
  if (fullest === undefined) return [];
  const used = usedOf(fullest);
  const mark = fullest.line.warn.findLast((warn) => used >= warn);
  const status = mark === undefined ? 'allowed' : 'allowed_warning';
  return named([
    ['status', status],
    ['overage-status', status],
    ['representative-claim', 'overage'],
    ['overage-utilization', used.toFixed(4)],
    ...(mark === undefined ? [] : ([['overage-surpassed-threshold', String(mark)]] as Headers)),
    ...resets(resetOf(fullest)),
  ]);
}

function fullestOf(positions: readonly Position[]): Position | undefined {
  let fullest: Position | undefined;
  for (const position of positions) {
    const { line, limit, extra } = position;
    if (line.mode !== 'enforce' || limit + extra <= 0) continue;
    if (fullest === undefined || usedOf(position) > usedOf(fullest)) fullest = position;
  }
  return fullest;
}

/** Fraction of what may be spent, grants included. */
export function usedOf({ spent, limit, extra }: Position): number {
  return limit + extra > 0 ? spent / (limit + extra) : 1;
}

/** For a refusal because a budget is spent. */
export function blockHeaders(at: Position, reset: number | null): Headers {
  const { line } = at;
  const period = PERIODS[line.period];
  const shared = line.scope === 'team' || line.scope === 'organization';
  return named([
    ['status', 'rejected'],
    ...resets(reset),
    ['overage-utilization', Math.max(1, usedOf(at)).toFixed(4)],
    ['overage-surpassed-threshold', '1'],
    ...(period === null ? [] : ([['overage-period', period]] as Headers)),
    ['overage-disabled-reason', 'org_spend_cap_reached'],
    ...(shared ? ([['overage-scope', 'group_pool']] as Headers) : []),
  ]);
}

/** Unix seconds. */
function resets(at: number | null): Headers {
  if (at === null) return [];
  const seconds = String(Math.ceil(at / 1000));
  return [
    ['reset', seconds],
    ['overage-reset', seconds],
  ];
}

function named(headers: Headers): Headers {
  return headers.map(([name, value]) => [PREFIX + name, value]);
}

/** True for a header that ours replace: what the provider says of its own limits is for us, not for one of our callers. */
export function isUnified(name: string): boolean {
  return name.toLowerCase().startsWith(PREFIX);
}
