import type { AnswerKeeper, BegunAnswer } from '../doors/admin/services.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Store } from '../store/ports.ts';
import type { Sealer } from './sealer.ts';

/** How long an answer is kept for the repetition of its request. */
const KEPT_MS = 86_400_000;

/**
 * Answers to requests with idempotency keys, in the store, so that a request that is sent again after a restart is not done twice.
 * Sealed, because an answer may hold a secret that is shown once.
 */
export function answerKeeper({
  store,
  sealer,
  clock,
}: {
  readonly store: Pick<Store, 'change'>;
  readonly sealer: Sealer;
  readonly clock: Clock;
}): AnswerKeeper {
  return {
    begin: (key, request) =>
      store.change(async (tx): Promise<BegunAnswer> => {
        const known = await tx.keptAnswer(key);
        const now = clock.now();
        if (known === undefined || now - known.createdAt >= KEPT_MS) {
          await tx.saveKeptAnswer({ key, request, status: null, body: null, createdAt: now });
          return { state: 'begun' };
        }
        if (known.request !== request) return { state: 'other' };
        if (known.status === null || known.body === null) return { state: 'busy' };
        const body = sealer.open(known.body);
        // Sealed under another master key: what it was is lost, and doing it again is not ours to choose.
        return body === null ? { state: 'busy' } : { state: 'kept', status: known.status, body: body.toString() };
      }),
    keep: (key, { request, status, body }) =>
      store.change((tx) =>
        tx.saveKeptAnswer({ key, request, status, body: sealer.seal(Buffer.from(body)), createdAt: clock.now() }),
      ),
    drop: (key) => store.change((tx) => tx.deleteKeptAnswer(key)),
  };
}
