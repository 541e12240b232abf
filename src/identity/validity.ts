import type { PartyRow } from '../store/ports.ts';

/** True while the party may act at all: neither disabled nor erased, nor a guest whose time is over at `now`. */
export function isActiveAt({ disabledAt, erasedAt, endsAt }: PartyRow, now: number): boolean {
  return disabledAt === null && erasedAt === null && (endsAt === null || now < endsAt);
}
