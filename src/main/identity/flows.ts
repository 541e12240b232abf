import type { Begun } from '../../identity/ports.ts';
import type { Sealer } from '../sealer.ts';

/** A sign-in that is under way: kept by the browser alone, sealed, so that no stranger makes us keep anything. */
export interface Flow {
  /** As the policy writes it. */
  readonly provider: string;
  /** Random; comes back from the provider with the browser. */
  readonly state: string;
  /** A path of ours. */
  readonly returnTo: string;
  readonly remember: Begun['remember'];
  /** Milliseconds since the epoch. */
  readonly endsAt: number;
}

/** Text for a cookie. */
export function sealFlow(sealer: Sealer, flow: Flow): string {
  return sealer.seal(Buffer.from(JSON.stringify(flow))).toString('base64url');
}

/** Null for what was not sealed here, or is over. */
export function openFlow(sealer: Sealer, text: string, now: number): Flow | null {
  const plain = sealer.open(Buffer.from(text, 'base64url'));
  if (plain === null) return null;
  // Only what this gateway wrote opens.
  const flow = JSON.parse(plain.toString()) as Flow;
  return now < flow.endsAt ? flow : null;
}
