import type { OutcomeBody } from '../journal/bodies.ts';
import type { MetricsRegistry } from '../kernel/metrics.ts';

/** Seconds; from a memory read to the longest answers. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** Token classes of a usage report, by the name they have in the metric. */
const TOKEN_FIELDS = {
  input: 'input_tokens',
  output: 'output_tokens',
  cache_read: 'cache_read_input_tokens',
  cache_write: 'cache_creation_input_tokens',
} as const;

/** The numbers that the path of a call feeds. Labels are few and closed: no person, key or session. */
export interface Metering {
  refused(code: string, action: string): void;
  /** Something would have refused a call, and only observes. */
  observed(code: string): void;
  /** A stream of events begins; call the result when it has ended. */
  streaming(): () => void;
  finished(outcome: OutcomeBody): void;
}

export function metering(registry: MetricsRegistry): Metering {
  const calls = registry.counter('gatehouse_calls_total', 'Governed messages by action, model used and result.', [
    'action',
    'model',
    'result',
  ]);
  const refusals = registry.counter('gatehouse_refusals_total', 'Refused messages by code.', ['code', 'action']);
  const observed = registry.counter('gatehouse_observed_total', 'What would have been refused, and only observes.', [
    'code',
  ]);
  const cost = registry.counter('gatehouse_cost_micros_total', 'What calls cost, in micro-dollars.', [
    'model',
    'basis',
  ]);
  const tokens = registry.counter('gatehouse_tokens_total', 'Tokens as reported by the provider.', ['model', 'class']);
  const total = registry.histogram('gatehouse_call_seconds', 'From arrival to the end of the answer.', [], SECONDS);
  const gateway = registry.histogram(
    'gatehouse_gateway_seconds',
    'Spent in Gatehouse before the bytes left, the sync of the journal included.',
    [],
    SECONDS,
  );
  const upstream = registry.histogram('gatehouse_upstream_seconds', 'Spent by the provider.', [], SECONDS);
  const first = registry.histogram(
    'gatehouse_first_byte_seconds',
    'Until the first byte of the provider.',
    [],
    SECONDS,
  );
  const streams = registry.gauge('gatehouse_open_streams', 'Event streams that run now.');
  streams.set({}, 0);
  return {
    streaming() {
      streams.inc({}, 1);
      return () => streams.inc({}, -1);
    },
    refused: (code, action) => refusals.inc({ code, action }),
    observed: (code) => observed.inc({ code }),
    finished(outcome) {
      // Never the model asked for: a caller could invent any number of names.
      const model = outcome.model_used ?? 'none';
      calls.inc({ action: outcome.action, model, result: outcome.result });
      for (const [name, field] of Object.entries(TOKEN_FIELDS)) {
        const value = outcome.usage?.[field];
        if (typeof value === 'number' && value > 0) tokens.inc({ model, class: name }, value);
      }
      if (outcome.cost.micros > 0) cost.inc({ model, basis: outcome.cost.basis }, outcome.cost.micros);
      total.observe({}, outcome.latency.total / 1000);
      gateway.observe({}, outcome.latency.gateway / 1000);
      if (outcome.latency.upstream !== null) upstream.observe({}, outcome.latency.upstream / 1000);
      if (outcome.latency.first_byte !== null) first.observe({}, outcome.latency.first_byte / 1000);
    },
  };
}
