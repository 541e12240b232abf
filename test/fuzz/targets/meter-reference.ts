import assert from 'node:assert/strict';
import type { MeterReport } from '../../../src/upstream/anthropic/meter.ts';
import type { Seen } from '../../sse/support.ts';

type Fields = { readonly [key: string]: unknown };

const fieldsOf = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;

function parsed(data: string): Fields | null | undefined {
  try {
    return fieldsOf(JSON.parse(data));
  } catch {
    return undefined;
  }
}

/** What the official SDK's events say of a message, read one after the other without any shortcut. */
class Reading {
  id: string | null = null;
  model: string | null = null;
  stop: string | null = null;
  complete = false;
  tools = 0;
  malformed = 0;
  errorType: string | null = null;
  counted = false;
  readonly usage = new Map<string, unknown>();

  take([event, data]: Seen): void {
    if (event === null || event === 'ping' || this.errorType !== null) return;
    const said = event !== 'error' && data === '' ? null : parsed(data);
    if (said === undefined) this.malformed++;
    if (event === 'error') {
      const type = fieldsOf(said?.error)?.type;
      this.errorType = typeof type === 'string' ? type.slice(0, 256) : 'unknown';
    } else if (said) this.#event(said);
  }

  #event(said: Fields): void {
    const message = fieldsOf(said.message);
    if (said.type === 'message_start' && message) {
      this.id = this.#text(message.id) ?? this.id;
      this.model = this.#text(message.model) ?? this.model;
      this.stop = this.#text(message.stop_reason) ?? this.stop;
      if (Array.isArray(message.content)) for (const block of message.content) this.#block(block);
      this.#count(message.usage);
    } else if (said.type === 'message_delta') {
      this.stop = this.#text(fieldsOf(said.delta)?.stop_reason) ?? this.stop;
      this.#count(said.usage);
    } else if (said.type === 'message_stop') this.complete = true;
    else if (said.type === 'content_block_start') this.#block(said.content_block);
  }

  #block(block: unknown): void {
    if (fieldsOf(block)?.type === 'tool_use') this.tools++;
  }

  #text(value: unknown): string | null {
    return typeof value === 'string' ? value.slice(0, 256) : null;
  }

  #count(usage: unknown): void {
    const said = fieldsOf(usage);
    if (!said) return;
    this.counted = true;
    for (const [key, value] of Object.entries(said)) {
      const before = this.usage.get(key);
      // Running totals only grow; what falls was never meant.
      const fell = typeof before === 'number' && typeof value === 'number' && value < before;
      if (before === undefined || (value !== null && !fell)) this.usage.set(key, value);
    }
  }

  /** Keys under which money is counted, compared where the value is a count: what else is kept has bounds of its own. */
  compare(report: MeterReport): void {
    const { id, model, stop, complete, tools } = this;
    assert.deepEqual(
      [report.messageId, report.model, report.stopReason, report.complete, report.toolUses],
      [id, model, stop, complete, tools],
      'the meter reads a message otherwise than the SDK',
    );
    assert.equal(report.error?.type ?? null, this.errorType, 'the meter reads an error otherwise than the SDK');
    // An event that is passed over because nothing in it can count is not looked at closely enough to be called malformed.
    assert.ok(report.malformed <= this.malformed, 'the meter calls malformed what is not');
    assert.equal(report.usage !== null, this.counted);
    for (const key of ['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens']) {
      const value = this.usage.get(key);
      if (typeof value === 'number' && Number.isFinite(value)) {
        assert.equal(report.usage?.[key], value, `the meter counts ${key} otherwise than the SDK`);
      }
    }
    assert.ok(JSON.stringify(report.usage ?? {}).length <= 64 * 9000, 'the meter keeps too much');
    assert.ok((report.error?.message.length ?? 0) <= 4096);
    assert.ok(Number.isSafeInteger(report.visibleBytes) && report.visibleBytes >= 0);
  }
}

/** Reads a whole stream's events. */
export function meterOf(events: readonly Seen[]): Reading {
  const reading = new Reading();
  for (const event of events) reading.take(event);
  return reading;
}
