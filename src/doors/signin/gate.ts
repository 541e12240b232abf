/**
 * How many large forms are read at once, in all and from one place: strangers may send them, and each is held until it is whole.
 */
export class Gate {
  readonly #most: number;
  readonly #mostEach: number;
  readonly #inside = new Map<string, number>();
  #all = 0;

  constructor({ most, mostEach }: { readonly most: number; readonly mostEach: number }) {
    this.#most = most;
    this.#mostEach = mostEach;
  }

  /** Lets one in, and gives what lets it out again, once; null where there is no room. */
  enter(place: string): (() => void) | null {
    const here = this.#inside.get(place) ?? 0;
    if (this.#all >= this.#most || here >= this.#mostEach) return null;
    this.#all += 1;
    this.#inside.set(place, here + 1);
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.#all -= 1;
      const left = (this.#inside.get(place) ?? 1) - 1;
      if (left > 0) this.#inside.set(place, left);
      else this.#inside.delete(place);
    };
  }
}
