import { Refusal } from '../kernel/errors.ts';
import type { RateRefusal } from '../limits/rates.ts';
import { whom } from './whom.ts';

const UNITS: Readonly<Record<RateRefusal['what'], string>> = {
  requests: 'requests a minute',
  count_tokens: 'token counts and listings a minute',
  input_tokens: 'input tokens a minute',
  output_tokens: 'output tokens a minute',
  concurrent: 'open calls',
};

/** Tells which rate is used up, for whom, and after how many seconds the same call passes. */
export function rateRefusal({ line, what, limit, retryAfterMs, never }: RateRefusal): Refusal {
  const fields = { limit: `${limit.toLocaleString('en-US')} ${UNITS[what]}`, whom: whom(line.scope) };
  const rule = line.place.path;
  if (never) return new Refusal('rate_never', { fields, rule });
  // Rounded up: whoever comes back when told to must not be told to wait again.
  return new Refusal(what === 'count_tokens' ? 'count_limited' : 'rate_limited', {
    fields,
    rule,
    retryAfter: Math.max(1, Math.ceil((retryAfterMs ?? 1000) / 1000)),
  });
}
