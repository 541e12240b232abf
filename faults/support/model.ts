/** The model that the recorded history is held against. It shares no code with the gateway: plain sums over lines of text. */
import type { Call, History } from './history.ts';
import type { Line } from './trail.ts';

/** What the provider's double got: the call's marker, its trace, and whether the trail held that trace at this very moment. */
export interface Received {
  readonly marker: string;
  readonly trace: string;
  readonly recorded: boolean;
}

/** Everything that ever stood in the trail, also what was retired since. */
export class Trail {
  readonly lines = new Map<number, Line>();
  #last = 0;

  /** Adds what is there now; returns what must not be: a changed line, or a gap. */
  absorb(read: readonly Line[]): string[] {
    const faults: string[] = [];
    const first = read[0]?.seq ?? 1;
    if (first > this.#last + 1) faults.push(`records ${this.#last + 1} to ${first - 1} were never seen`);
    const last = read.at(-1)?.seq ?? 0;
    if (last < this.#last) faults.push(`the trail ended at record ${this.#last} and now at ${last}`);
    for (const line of read) {
      const before = this.lines.get(line.seq);
      if (before !== undefined && before.text !== line.text) faults.push(`record ${line.seq} was changed`);
      this.lines.set(line.seq, line);
    }
    this.#last = Math.max(this.#last, last);
    return faults;
  }

  of(kind: string): Line[] {
    return [...this.lines.values()].filter((line) => line.kind === kind);
  }
}

function text(line: Line, field: string): string {
  return String(line.body[field] ?? '');
}

/** P1: nothing reached the provider before its intent stood; every intent has one outcome; every answer's record is there. */
export function checkRecords(trail: Trail, history: History, received: readonly Received[]): string[] {
  const faults: string[] = [];
  const intents = new Map(trail.of('intent').map((line) => [line.id, line]));
  const traces = new Set([...intents.values()].map((line) => text(line, 'trace')));
  for (const { marker, trace, recorded } of received) {
    if (!recorded || !traces.has(trace)) faults.push(`${marker} reached the provider without an intent`);
  }
  const outcomes = new Map<string, number>();
  for (const line of trail.of('outcome')) {
    const intent = text(line, 'intent');
    outcomes.set(intent, (outcomes.get(intent) ?? 0) + 1);
    if (!intents.has(intent)) faults.push(`outcome ${line.id} is of no intent`);
  }
  for (const id of intents.keys()) {
    if (outcomes.get(id) !== 1) faults.push(`intent ${id} has ${outcomes.get(id) ?? 0} outcomes`);
  }
  for (const { marker, status, record } of history.calls) {
    if (status === 200 && (record === null || !intents.has(record)))
      faults.push(`${marker} was answered and record ${record} is not there`);
  }
  return faults;
}

/** P3, P8: what was forbidden before a call began was not served, and reached nobody. */
export function checkBans({ calls, bans }: History, received: readonly Received[]): string[] {
  const reached = new Set(received.map(({ marker }) => marker));
  const served = (call: Call): boolean => call.status === 200 || reached.has(call.marker);
  return bans.flatMap(({ why, holds, from, to }) =>
    calls
      .filter((call) => call.begun > from && (to === null || call.ended < to) && holds(call) && served(call))
      .map(({ marker }) => `${marker} was served although ${why}`),
  );
}

/** What was answered with success is in the trail exactly once; outbox numbers neither repeat nor go back. */
export function checkChanges(trail: Trail, { acknowledged }: History): string[] {
  const changes = trail.of('change').sort((a, b) => a.seq - b.seq);
  const numbers = changes.map((line) => Number(line.body.outbox));
  const faults = numbers
    .filter((number, index) => index > 0 && number <= (numbers[index - 1] ?? 0))
    .map((number) => `change ${number} stands in the trail after a later one, or twice`);
  for (const { action, subject } of acknowledged) {
    const found = changes.filter((line) => line.body.action === action && line.body.subject === subject).length;
    if (found !== 1) faults.push(`${action} of ${subject} was acknowledged and is in the trail ${found} times`);
  }
  return faults;
}

/** P2, P10: micro-dollars charged so far, by hand: what outcomes say, and what was held where a crash left them unknown. */
export function chargedIn(trail: Trail): number {
  const held = new Map<string, number>();
  for (const line of trail.of('intent')) held.set(line.id, Number(line.body.reserved));
  for (const line of trail.of('extension').sort((a, b) => a.seq - b.seq)) {
    held.set(text(line, 'intent'), Number(line.body.reserved));
  }
  return trail.of('outcome').reduce((sum, { body }) => {
    const cost = body.cost as { readonly micros: number } | undefined;
    return sum + (cost?.micros ?? held.get(String(body.intent)) ?? 0);
  }, 0);
}

/** Keys that the trail says were revoked. */
export function revokedIn(trail: Trail): Set<string> {
  return new Set(
    trail
      .of('change')
      .filter(({ body }) => body.action === 'key.revoked')
      .map(({ body }) => String(body.subject)),
  );
}
