/** What the callers and the operator saw, in the order in which they saw it: one count for everything that began or was answered. */

export interface Call {
  /** Stands in the body, so that the provider's double can tell which call it got. */
  readonly marker: string;
  readonly key: string;
  readonly model: string;
  readonly begun: number;
  ended: number;
  /** HTTP status; 0 when the connection broke before there was one. */
  status: number;
  /** The record that the answer names. */
  record: string | null;
  /** The answer was whole, its end marker included. */
  whole: boolean;
}

/** Calls that were forbidden from a moment on: the operator had been told so. */
export interface Ban {
  readonly why: string;
  readonly holds: (call: Call) => boolean;
  readonly from: number;
  /** When the operator asked to lift it; null while it stands. */
  to: number | null;
}

/** A change that was answered with success: the trail must hold it. */
export interface Acknowledged {
  readonly action: string;
  readonly subject: string;
}

export class History {
  readonly calls: Call[] = [];
  readonly bans: Ban[] = [];
  readonly acknowledged: Acknowledged[] = [];
  /** Keys by id, with their secrets. */
  readonly keys = new Map<string, string>();
  readonly revoked = new Set<string>();
  /** Highest revision of the policy that was answered with success. */
  revision = 0;
  #now = 0;

  tick(): number {
    return ++this.#now;
  }

  begin(key: string, model: string): Call {
    const begun = this.tick();
    const call = { marker: `call-${begun}`, key, model, begun, ended: 0, status: 0, record: null, whole: false };
    this.calls.push(call);
    return call;
  }

  ban(why: string, holds: (call: Call) => boolean): Ban {
    const ban = { why, holds, from: this.tick(), to: null };
    this.bans.push(ban);
    return ban;
  }

  /** A key is known to be revoked: from an answer, or from what the gateway says after a restart. */
  revokedKey(id: string): void {
    if (this.revoked.has(id)) return;
    this.revoked.add(id);
    this.ban(`key ${id} is revoked`, (call) => call.key === id);
  }
}
