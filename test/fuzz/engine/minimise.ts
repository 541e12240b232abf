/** What an input is tried against: true while it still fails. */
export type Fails = (input: Uint8Array) => Promise<boolean>;

const MOST_TRIES = 3000;

/**
 * A shorter and plainer input that still fails: halves, quarters and so on to single bytes are left out in turn, then bytes become
 * `a`. Not the smallest there is, and after 3000 tries whatever was found.
 */
export async function minimised(input: Uint8Array, fails: Fails): Promise<Buffer> {
  let best = Buffer.from(input);
  let tries = 0;
  const better = async (candidate: Buffer<ArrayBuffer>): Promise<boolean> => {
    if (++tries > MOST_TRIES || candidate.equals(best) || !(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length && tries < MOST_TRIES; ) {
      const without = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      if (!(await better(without))) at += size;
    }
  }
  for (let at = 0; at < best.length && tries < MOST_TRIES; at++) {
    const plain = Buffer.from(best);
    plain[at] = 0x61;
    await better(plain);
  }
  return best;
}
