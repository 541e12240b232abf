import { fits, type Position, type Refused } from './ledger-types.ts';

/** Why a line has no room for a call; null where it has. `held` is the call's estimate. */
export function refusalOf(
  at: Position,
  call: { readonly bound: number | null; readonly held: number },
): Refused | null {
  const cap = at.limit + at.extra;
  const amount = at.line.hold === 'strict' ? call.bound : call.held;
  if (amount !== null && fits(at, amount, cap)) return null;
  if (at.spent >= cap) return { refused: true, kind: 'spent', fitsLater: false, amount, at };
  if (amount === null) return { refused: true, kind: 'unbounded', fitsLater: false, amount, at };
  const fitsLater = fits({ spent: at.spent, reserved: 0 }, amount, cap);
  return { refused: true, kind: 'no_room', fitsLater, amount, at };
}

/** What is told when several lines refuse: first what waiting cannot help, then the order of the document. */
export function firstOf(refusals: readonly Refused[]): Refused | undefined {
  const hopeless = (['spent', 'unbounded'] as const).map((kind) => refusals.find((refusal) => refusal.kind === kind));
  return (
    hopeless.find((refusal) => refusal !== undefined) ?? refusals.find(({ fitsLater }) => !fitsLater) ?? refusals[0]
  );
}
