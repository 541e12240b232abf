import type { ExtensionBody } from '../journal/bodies.ts';
import { Refusal } from '../kernel/errors.ts';
import { usageCounts } from '../pricing/usage.ts';
import { budgetEnded } from './budget-refusal.ts';
import type { Progress } from './carrier.ts';
import type { Exchange } from './exchange.ts';
import { extraOf, factsOf } from './reserve.ts';
import type { Services } from './services.ts';

/**
 * Keeps what is held for a running answer ahead of what it has cost (P2): by visible text, by reported counts, and by the clock
 * while nothing is said. Where the policy ends answers at the cap, ends this one.
 */
export function keepUp(x: Exchange, s: Services, meter: Progress): void {
  try {
    raise(x, s, meter);
  } catch (error) {
    // It also runs on a timer, where nobody would catch it.
    s.log.error({ err: error, record: x.id }, 'what is held for an answer could not be kept up');
  }
}

function raise(x: Exchange, s: Services, meter: Progress): void {
  const money = x.money.peek;
  if (money === undefined || !meter.begun) return;
  const now = s.clock.monotonic();
  money.begin(now);
  money.text(meter.visibleBytes, now);
  if (!money.isDue(now)) return;
  const { record, over } = money.keepUp(usageCounts(meter.report().usage), now);
  if (record !== null) {
    const body: ExtensionBody = { intent: x.id, reserved: record };
    s.journal
      .appendEventually({ kind: 'extension', body })
      .catch((error) => s.log.error({ err: error, record: x.id }, 'an extension could not be recorded'));
  }
  if (over) endAtCap(x, s);
}

function endAtCap(x: Exchange, s: Services): void {
  const full = s.ledger.position(factsOf(x), extraOf(x, s)).find(({ line, spent, reserved, limit, extra }) => {
    return line.mode === 'enforce' && line.atCap === 'end' && spent + reserved > limit + extra;
  });
  x.openCall.value.end(full === undefined ? new Refusal('permission_ended') : budgetEnded(x, full));
}
