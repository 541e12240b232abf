import { type ErrorCode, Refusal } from '../kernel/errors.ts';

export interface OpenCallLimits {
  /** Calls open at once for one caller. */
  readonly perCaller: number;
  /** Calls open at once in the whole process. */
  readonly total: number;
  /** Bytes of request bodies held for one caller's open calls. */
  readonly bytesPerCaller: number;
  /** Bytes of request bodies held for all callers. */
  readonly bytesTotal: number;
}

/** A call that is running: holds its place and its bytes, and can be cut from outside. */
export interface OpenCall {
  readonly caller: string;
  readonly credential: string;
  /** Aborts when the call must end now; its reason is for `cutRefusal`. */
  readonly cut: AbortSignal;
  /** Answers whether the call may go on under what is in force now; set once there is something to ask. */
  stillPermitted: (() => boolean) | undefined;
  /** Ends this call, answering with the refusal. */
  end(refusal: Refusal): void;
  /** Claims further bytes of body. Throws too_many_bytes_in_flight. */
  claim(bytes: number): void;
  /** Frees the place; safe to call twice. */
  release(): void;
}

interface Open {
  readonly call: OpenCall;
  readonly controller: AbortController;
}

interface Usage {
  calls: number;
  bytes: number;
}

/**
 * The calls that are open now. Callers are counted by owner, not by key: a second key buys no second share.
 * Revocation reaches running streams through here (P3).
 */
export class OpenCalls {
  readonly #limits: OpenCallLimits;
  readonly #byCaller = new Map<string, Usage>();
  /**
   * By place; a place that was left is taken again. Not a Set: one that is filled and emptied all the time leaves copies of itself
   * behind, from each of which the garbage collector reaches the next, and with them everything that ended calls held.
   */
  readonly #open: (Open | null)[] = [];
  readonly #left: number[] = [];
  #count = 0;
  #bytes = 0;

  constructor(limits: OpenCallLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get full(): boolean {
    return this.#count >= this.#limits.total;
  }

  open(caller: string, credential: string): OpenCall {
    if (this.full) throw new Refusal('overloaded', { retryAfter: 1 });
    const usage = this.#byCaller.get(caller) ?? { calls: 0, bytes: 0 };
    if (usage.calls >= this.#limits.perCaller) {
      throw new Refusal('too_many_open_calls', {
        fields: { open: usage.calls, limit: this.#limits.perCaller },
        retryAfter: 1,
      });
    }
    usage.calls++;
    this.#byCaller.set(caller, usage);
    return this.#register(caller, credential, usage);
  }

  /** Ends every running call that `matches`, answering with `code`. Returns how many. */
  cut(matches: (call: OpenCall) => boolean, code: ErrorCode): number {
    let count = 0;
    for (const open of [...this.#open]) {
      if (open === null || !matches(open.call)) continue;
      open.controller.abort(code);
      count++;
    }
    return count;
  }

  #register(caller: string, credential: string, usage: Usage): OpenCall {
    const controller = new AbortController();
    let held = 0;
    let released = false;
    const call: OpenCall = {
      caller,
      credential,
      cut: controller.signal,
      stillPermitted: undefined,
      end: (refusal) => controller.abort(refusal),
      claim: (bytes) => {
        this.#checkBytes(usage, bytes);
        usage.bytes += bytes;
        this.#bytes += bytes;
        held += bytes;
      },
      release: () => {
        if (released) return;
        released = true;
        this.#leave(place);
        this.#bytes -= held;
        usage.bytes -= held;
        usage.calls--;
        if (usage.calls === 0) this.#byCaller.delete(caller);
      },
    };
    const place = this.#left.pop() ?? this.#open.length;
    this.#open[place] = { call, controller };
    this.#count++;
    return call;
  }

  #leave(place: number): void {
    this.#open[place] = null;
    this.#left.push(place);
    this.#count--;
  }

  #checkBytes(usage: Usage, bytes: number): void {
    if (usage.bytes + bytes > this.#limits.bytesPerCaller) {
      throw new Refusal('too_many_bytes_in_flight', {
        fields: { bytes: usage.bytes + bytes, limit: this.#limits.bytesPerCaller },
        retryAfter: 1,
      });
    }
    if (this.#bytes + bytes > this.#limits.bytesTotal) throw new Refusal('overloaded', { retryAfter: 1 });
  }
}

/** The refusal for a call whose `cut` signal fired. */
export function cutRefusal(cut: AbortSignal): Refusal {
  return cut.reason instanceof Refusal ? cut.reason : new Refusal(cut.reason as ErrorCode);
}
