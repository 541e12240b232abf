import type { Clock } from '../kernel/clock.ts';
import { type Destination, destinationOf } from './destinations.ts';
import type { JournalLog } from './file-journal.ts';
import type { Head } from './records.ts';
import type { SigningKey } from './signing.ts';

/** A signed statement of where every writer's chain stood. Kept elsewhere, it lets the verifier find a cut or rewritten trail (P6). */
export interface Checkpoint {
  readonly format: 1;
  /** ISO 8601. */
  readonly at: string;
  readonly heads: readonly Head[];
  /** Id of the signing key. */
  readonly key: string;
  /** Ed25519, base64. */
  readonly signature: string;
}

/** Makes a checkpoint of these heads. */
export function makeCheckpoint(heads: readonly Head[], key: SigningKey, now: number): Checkpoint {
  const at = new Date(now).toISOString();
  const signed = [1, at, key.id, heads.map(({ writer, segment, seq, hash }) => [writer, segment, seq, hash])];
  const signature = key.sign(`gatehouse checkpoint\n${JSON.stringify(signed)}`);
  const plain = heads.map(({ writer, segment, seq, hash }) => ({ writer, segment, seq, hash }));
  return { format: 1, at, heads: plain, key: key.id, signature };
}

export interface CheckpointOptions {
  /** Every writer's durable head. */
  readonly heads: () => readonly Head[];
  readonly key: SigningKey;
  /** Folders, which get a `checkpoints.jsonl`, and http or https addresses, which get a POST of one JSON object. */
  readonly destinations: readonly string[];
  /** Default 10 s. */
  readonly intervalMs?: number;
  readonly clock: Clock;
  readonly log: JournalLog;
}

export interface DestinationStatus {
  /** Without credentials. */
  readonly destination: string;
  /** Milliseconds since the epoch of the last checkpoint that arrived; null for none yet. */
  readonly deliveredAt: number | null;
  /** Why the last attempt failed; null when it did not. */
  readonly problem: string | null;
}

export interface Checkpoints {
  /** Delivers a checkpoint to each destination that has not seen these heads; resolves when all have answered or failed. */
  now(): Promise<void>;
  readonly status: readonly DestinationStatus[];
  /** Stops the timer and delivers the last one. */
  close(): Promise<void>;
}

/**
 * Sends a checkpoint to every destination at once and then whenever a head has moved. A destination that fails is logged and
 * gets the next one; appends never wait for any of this.
 *
 * @throws Error for a destination that is neither a folder's path nor an http address
 */
export function startCheckpoints(options: CheckpointOptions): Checkpoints {
  const couriers = options.destinations.map((text) => new Courier(destinationOf(text), options));
  const now = async (): Promise<void> => {
    await Promise.all(couriers.map((courier) => courier.deliver()));
  };
  // A process that dies again and again within the interval would never make one.
  void now();
  const timer = setInterval(() => void now(), options.intervalMs ?? 10_000).unref();
  return {
    now,
    get status() {
      return couriers.map((courier) => courier.status);
    },
    close: async () => {
      clearInterval(timer);
      await now();
      // An attempt may have been under way with an older head.
      await now();
      await Promise.all(couriers.map((courier) => courier.close()));
    },
  };
}

/** Delivers to one destination, one checkpoint at a time, so that a slow one delays no other. */
class Courier {
  readonly #destination: Destination;
  readonly #options: CheckpointOptions;
  #seen = '';
  #running: Promise<void> | null = null;
  #deliveredAt: number | null = null;
  #problem: string | null = null;

  constructor(destination: Destination, options: CheckpointOptions) {
    this.#destination = destination;
    this.#options = options;
  }

  get status(): DestinationStatus {
    return { destination: this.#destination.name, deliveredAt: this.#deliveredAt, problem: this.#problem };
  }

  deliver(): Promise<void> {
    this.#running ??= this.#attempt().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #attempt(): Promise<void> {
    const { heads, key, clock, log } = this.#options;
    const { name } = this.#destination;
    try {
      const current = heads();
      const state = JSON.stringify(current.map(({ writer, seq, hash }) => [writer, seq, hash]));
      if (state === this.#seen || current.length === 0) return;
      await this.#destination.deliver(JSON.stringify(makeCheckpoint(current, key, clock.now())));
      if (this.#problem !== null) log.info({ destination: name }, 'checkpoints arrive again');
      this.#seen = state;
      this.#deliveredAt = clock.now();
      this.#problem = null;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      log.error({ destination: name, reason: this.#problem }, 'a checkpoint could not be delivered');
    }
  }

  close(): Promise<void> {
    return this.#destination.close();
  }
}
