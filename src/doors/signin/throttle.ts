import { hash, randomBytes } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import { fold } from '../../kernel/text.ts';
import { Buckets } from './buckets.ts';
import { type Place, placeOf } from './places.ts';

const TEN_MINUTES = 600_000;
const MOST = 20_000;
const size = (holds: number, dryMs = TEN_MINUTES) => ({ holds, dryMs, most: MOST });

/** One who gets in makes up for so many failures of their neighbours. */
const GIVES_BACK = 5;
/** Returns that may run at once for each failure there is still room for: a whole company arrives at nine. */
const AT_ONCE = 8;

/** The outcome of asking: how long to wait, seconds; 0 when it may go on. */
interface Asked {
  readonly wait: number;
}

/** Somebody who sets out for their provider. */
export interface Start extends Asked {
  /** Stands for the address that was typed, for the cookie of this sign-in: getting in clears what was counted on it. */
  readonly mark: string | null;
}

/** Somebody who comes back. Say once how it ended. */
export interface Arrival extends Asked {
  succeeded(mark: string | null): void;
  /** `person`: who it was, where that was proven. The seconds that this person must wait; 0 for none. */
  failed(person: string | null): number;
}

/** Somebody who opens the sealed way in. Say when they got in. */
export interface Opening extends Asked {
  succeeded(): void;
}

/**
 * Slows down who fails, by account and by place, without keeping a company out that comes in through one address: only failures
 * count against a place, and each success gives some back. Nothing can be guessed here, as providers check passwords; what this
 * protects is them and us from work, and the trail from noise. Keeps digests under a key of this process, never an address that was typed.
 */
export class SignInThrottle {
  readonly #key = randomBytes(32).toString('hex');
  readonly #accounts: Buckets;
  readonly #starts: { readonly address: Buckets; readonly prefix: Buckets };
  readonly #failures: { readonly address: Buckets; readonly prefix: Buckets };
  readonly #openings: { readonly all: Buckets; readonly prefix: Buckets };
  readonly #arriving = new Map<string, number>();

  constructor(clock: Clock) {
    this.#accounts = new Buckets(clock, size(10));
    this.#starts = { address: new Buckets(clock, size(6000)), prefix: new Buckets(clock, size(12_000)) };
    this.#failures = { address: new Buckets(clock, size(120)), prefix: new Buckets(clock, size(480)) };
    // One secret for the whole installation: many places must not guess faster. A few of them must not lock its owner out either.
    this.#openings = { all: new Buckets(clock, size(30, 60_000)), prefix: new Buckets(clock, size(3)) };
  }

  /** Entries that are kept. */
  get count(): number {
    const { address, prefix } = this.#starts;
    const kept = [
      this.#accounts,
      address,
      prefix,
      this.#failures.address,
      this.#failures.prefix,
      this.#openings.prefix,
    ];
    return kept.reduce((sum, { count }) => sum + count, this.#arriving.size);
  }

  /** `email`: as typed, null where a provider was chosen. */
  start(peer: string, email: string | null): Start {
    const place = placeOf(peer);
    // Whoever types somebody's address elsewhere does not lock them out here.
    const mark = email === null ? null : this.#digest(`${place.prefix}\n${fold(email)}`);
    const own = mark === null ? 0 : this.#accounts.wait(mark);
    const wait = Math.max(own, this.#wait(this.#starts, place), this.#wait(this.#failures, place));
    if (wait > 0) return { wait, mark: null };
    if (mark !== null) this.#accounts.pour(mark, 1);
    pour(this.#starts, place, 1);
    return { wait, mark };
  }

  arrive(peer: string): Arrival {
    const place = placeOf(peer);
    const wait = this.#wait(this.#failures, place) || (this.#isCrowded(place) ? 1 : 0);
    if (wait > 0) return { wait, succeeded: () => undefined, failed: () => wait };
    this.#enter(place, 1);
    return {
      wait,
      succeeded: (mark) => {
        this.#enter(place, -1);
        pour(this.#failures, place, -GIVES_BACK);
        pour(this.#starts, place, -1);
        if (mark !== null) this.#accounts.pour(mark, Number.NEGATIVE_INFINITY);
      },
      failed: (person) => {
        this.#enter(place, -1);
        pour(this.#failures, place, 1);
        if (person === null) return 0;
        const account = this.#digest(person);
        const own = this.#accounts.wait(account);
        this.#accounts.pour(account, 1);
        return own;
      },
    };
  }

  /** Counted before the outcome is known, so that attempts side by side cannot pass together. */
  open(peer: string): Opening {
    const { prefix } = placeOf(peer);
    const wait = Math.max(this.#openings.all.wait('all'), this.#openings.prefix.wait(prefix));
    if (wait > 0) return { wait, succeeded: () => undefined };
    const count = (amount: number): void => {
      this.#openings.all.pour('all', amount);
      this.#openings.prefix.pour(prefix, amount);
    };
    count(1);
    return { wait, succeeded: () => count(-1) };
  }

  #wait({ address, prefix }: { address: Buckets; prefix: Buckets }, place: Place): number {
    return Math.max(address.wait(place.address), prefix.wait(place.prefix));
  }

  /** Failures that nobody knows of yet: as many may be on their way as there is room for, many times over. */
  #isCrowded({ address }: Place): boolean {
    return (this.#arriving.get(address) ?? 0) >= this.#failures.address.room(address) * AT_ONCE;
  }

  #enter({ address }: Place, by: number): void {
    const now = (this.#arriving.get(address) ?? 0) + by;
    if (now > 0) this.#arriving.set(address, now);
    else this.#arriving.delete(address);
  }

  #digest(text: string): string {
    return hash('sha256', this.#key + text, 'base64url').slice(0, 22);
  }
}

function pour({ address, prefix }: { address: Buckets; prefix: Buckets }, place: Place, amount: number): void {
  address.pour(place.address, amount);
  prefix.pour(place.prefix, amount);
}
