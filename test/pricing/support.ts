import type { PriceOverride } from '../../src/policy/model.ts';
import type { Price, RequestSize, UsageCounts } from '../../src/pricing/model.ts';
import { priceTable } from '../../src/pricing/table.ts';
import { fits } from '../support/glob.ts';

/** Milliseconds since the epoch of an ISO time. */
export const at = (iso: string): number => Date.parse(iso);
/** A day on which every row of the list is in force. */
export const NOW = at('2026-11-20T12:00:00Z');

/** Usage of nothing but what is given. */
export const counts = (given: Partial<UsageCounts>): UsageCounts => ({
  inputTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  cacheReadTokens: 0,
  outputTokens: 0,
  webSearches: 0,
  geo: null,
  fast: false,
  batch: false,
  whole: true,
  ...given,
});

/** A request of plain text with a bound output and no tools. */
export const request = (given: Partial<RequestSize>): RequestSize => ({
  bytes: 1000,
  maxTokens: 1000,
  opaque: false,
  serverUses: 0,
  webSearch: false,
  unbounded: false,
  fast: false,
  ...given,
});

/** A contract price without dates, discount or prices but those given. */
export const override = (given: Partial<PriceOverride>): PriceOverride => ({
  place: { path: 'prices[0]', line: 1, text: '' },
  models: ['*'],
  from: null,
  until: null,
  discount: null,
  usd: {},
  ...given,
});

/** The price of a model now, under these contracts. */
export const price = (model: string, ...overrides: PriceOverride[]): Price =>
  priceTable({ overrides, matches: fits }).find({ model, at: NOW });
