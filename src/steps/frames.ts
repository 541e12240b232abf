import { MessageMeter } from '../upstream/anthropic/meter.ts';

/** More than this of an unfinished event is passed on rather than held. */
const MAX_HELD = 64 * 1024;

/**
 * Relays an event stream in whole events: the bytes stay as they are, but the unfinished tail of a chunk waits for its rest.
 * So the caller always stands between two events, where a ping or an error can be said without corrupting one.
 */
export class FrameGate {
  readonly meter = new MessageMeter();
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #insideEvent = false;

  /** True when what was let through so far ends between two events. */
  get betweenEvents(): boolean {
    return !this.#insideEvent;
  }

  /** True while a message has begun and neither its end nor an error was seen. */
  get cutShort(): boolean {
    if (!this.meter.begun) return false;
    const { complete, error } = this.meter.report();
    return !complete && error === null;
  }

  /** Takes a chunk and returns what may go to the caller now, in order. */
  push(chunk: Uint8Array): Uint8Array[] {
    const end = this.meter.push(chunk);
    if (end === chunk.byteLength && this.#heldBytes === 0) {
      this.#insideEvent = false;
      return [chunk];
    }
    if (end > 0) {
      const out = [...this.#held, chunk.subarray(0, end)];
      this.#held = [];
      this.#heldBytes = 0;
      this.#insideEvent = false;
      this.#hold(chunk.subarray(end));
      return out;
    }
    this.#hold(chunk);
    return this.#heldBytes > MAX_HELD || this.#insideEvent ? this.flush() : [];
  }

  /** Lets everything through that is still held; the caller then stands inside an event if anything was. */
  flush(): Uint8Array[] {
    const out = this.#held;
    if (out.length > 0) this.#insideEvent = true;
    this.#held = [];
    this.#heldBytes = 0;
    return out;
  }

  #hold(rest: Uint8Array): void {
    if (rest.byteLength === 0) return;
    this.#held.push(rest);
    this.#heldBytes += rest.byteLength;
  }
}
