/**
 * Anthropic's list prices for the Claude API, USD per million tokens as decimal text. Source: the pricing page of the Claude
 * platform documentation and its release notes; last compared on the day that LIST_VERSION names. A change of price is a new
 * row with its date, never an edit of an old one: a call is priced by the row of its own day.
 */

/** The day on which the list was last compared with its source. */
export const LIST_VERSION = '2026-11-12';

export interface Usd {
  readonly input: string;
  readonly cache_write_5m: string;
  readonly cache_write_1h: string;
  readonly cache_read: string;
  readonly output: string;
}

export interface ListRow {
  /** UTC day from which the row holds, ISO 8601. A model's first row also holds for everything before it. */
  readonly from: string;
  readonly usd: Usd;
  /**
   * Prices of every token of a request whose prompt (input, cache reads and cache writes together) is longer than `above`
   * tokens.
   */
  readonly long?: { readonly above: number; readonly usd: Usd };
}

export interface ListModel {
  /** Whose price list; rows of other providers may follow. */
  readonly provider: 'anthropic';
  /** Name without a date. Every dated name (`-20251001`) of the family has the same price. */
  readonly model: string;
  /** Other names without a date that the API takes. */
  readonly aliases?: readonly string[];
  /** Tokens: the largest window the model has had, betas included. */
  readonly contextWindow: number;
  readonly maxOutput: number;
  /** Tokens per second that its output never passes, fast mode included: a generous bound for metering, not a measurement. */
  readonly topSpeed: number;
  /** Takes `inference_geo`, at 1.1 times the price inside the US; older models refuse the field. */
  readonly geo: boolean;
  /** How many times the price in fast mode, for every class of tokens; absent where the model has none. */
  readonly fast?: string;
  /** Ascending. */
  readonly rows: readonly ListRow[];
}

const SPEED = { fable: 300, opus: 400, sonnet: 400, haiku: 800 };
const LARGE = { provider: 'anthropic', contextWindow: 1_000_000, maxOutput: 128_000, geo: true } as const;
const SMALL = { provider: 'anthropic', contextWindow: 200_000, maxOutput: 64_000, geo: false } as const;

const FABLE_5_2: Usd = { input: '8', cache_write_5m: '10', cache_write_1h: '16', cache_read: '0.20', output: '40' };
const FABLE_5_1: Usd = { input: '10', cache_write_5m: '12.50', cache_write_1h: '20', cache_read: '0.25', output: '50' };
const FABLE_5: Usd = { ...FABLE_5_1, cache_read: '1' };
/** From its announcement; the cache by the usual factors. It keeps the price of unknown models above every price there is. */
const PREVIEW: Usd = { input: '25', cache_write_5m: '31.25', cache_write_1h: '50', cache_read: '2.50', output: '125' };
const OPUS_5_5: Usd = { input: '4', cache_write_5m: '5', cache_write_1h: '8', cache_read: '0.20', output: '20' };
const OPUS: Usd = { input: '5', cache_write_5m: '6.25', cache_write_1h: '10', cache_read: '0.50', output: '25' };
const OPUS_4: Usd = { input: '15', cache_write_5m: '18.75', cache_write_1h: '30', cache_read: '1.50', output: '75' };
const SONNET_5: Usd = { input: '2', cache_write_5m: '2.50', cache_write_1h: '4', cache_read: '0.20', output: '10' };
const SONNET_4: Usd = { input: '3', cache_write_5m: '3.75', cache_write_1h: '6', cache_read: '0.30', output: '15' };
/** What the 1M window of Sonnet 4 and 4.5 cost while its beta ran; from Sonnet 4.6 on long prompts cost nothing extra. */
const SONNET_4_LONG = {
  above: 200_000,
  usd: { input: '6', cache_write_5m: '7.50', cache_write_1h: '12', cache_read: '0.60', output: '22.50' },
};
const HAIKU_5_5: Usd = {
  input: '0.10',
  cache_write_5m: '0.125',
  cache_write_1h: '0.20',
  cache_read: '0.01',
  output: '0.50',
};
const HAIKU_5_5_LONG = {
  above: 100_000,
  usd: { input: '0.50', cache_write_5m: '0.625', cache_write_1h: '1', cache_read: '0.05', output: '2.50' },
};
const HAIKU_4_5: Usd = { input: '1', cache_write_5m: '1.25', cache_write_1h: '2', cache_read: '0.10', output: '5' };
const HAIKU_3_5: Usd = { input: '0.80', cache_write_5m: '1', cache_write_1h: '1.60', cache_read: '0.08', output: '4' };

const fable = { ...LARGE, topSpeed: SPEED.fable };
const opus = { ...LARGE, topSpeed: SPEED.opus };
const smallOpus = { ...SMALL, topSpeed: SPEED.opus };
const sonnet = { ...LARGE, topSpeed: SPEED.sonnet };
const haiku = { ...SMALL, topSpeed: SPEED.haiku };
const since = (from: string, usd: Usd): readonly ListRow[] => [{ from, usd }];

export const LIST: readonly ListModel[] = [
  { ...fable, model: 'claude-fable-5-2', fast: '2', rows: since('2026-11-09', FABLE_5_2) },
  { ...fable, model: 'claude-mythos-5-2', fast: '2', rows: since('2026-11-09', FABLE_5_2) },
  { ...fable, model: 'claude-fable-5-1', rows: since('2026-09-01', FABLE_5_1) },
  { ...fable, model: 'claude-mythos-5-1', rows: since('2026-09-01', FABLE_5_1) },
  { ...fable, model: 'claude-fable-5', rows: since('2026-06-09', FABLE_5) },
  { ...fable, model: 'claude-mythos-5', rows: since('2026-06-09', FABLE_5) },
  { ...fable, model: 'claude-mythos-preview', rows: since('2026-04-07', PREVIEW) },
  { ...opus, model: 'claude-opus-5-5', fast: '2', rows: since('2026-09-22', OPUS_5_5) },
  { ...opus, model: 'claude-opus-5', fast: '2', rows: since('2026-07-24', OPUS) },
  { ...opus, model: 'claude-opus-4-8', fast: '2', rows: since('2026-05-28', OPUS) },
  { ...opus, model: 'claude-opus-4-7', rows: since('2026-04-16', OPUS) },
  { ...opus, model: 'claude-opus-4-6', rows: since('2026-02-05', OPUS) },
  { ...smallOpus, model: 'claude-opus-4-5', rows: since('2025-11-24', OPUS) },
  { ...smallOpus, model: 'claude-opus-4-1', maxOutput: 32_000, rows: since('2025-08-05', OPUS_4) },
  {
    ...smallOpus,
    model: 'claude-opus-4',
    aliases: ['claude-opus-4-0'],
    maxOutput: 32_000,
    rows: since('2025-05-22', OPUS_4),
  },
  {
    ...sonnet,
    model: 'claude-sonnet-5-5',
    rows: [
      { from: '2026-09-28', usd: SONNET_5 },
      { from: '2026-10-07', usd: { ...SONNET_5, cache_read: '0.10' } },
    ],
  },
  { ...sonnet, model: 'claude-sonnet-5', rows: since('2026-06-30', SONNET_5) },
  { ...sonnet, model: 'claude-sonnet-4-6', rows: since('2026-02-17', SONNET_4) },
  {
    ...sonnet,
    model: 'claude-sonnet-4-5',
    geo: false,
    maxOutput: 64_000,
    rows: [{ from: '2025-09-29', usd: SONNET_4, long: SONNET_4_LONG }],
  },
  {
    ...sonnet,
    model: 'claude-sonnet-4',
    aliases: ['claude-sonnet-4-0'],
    geo: false,
    maxOutput: 64_000,
    rows: [{ from: '2025-05-22', usd: SONNET_4, long: SONNET_4_LONG }],
  },
  {
    ...LARGE,
    model: 'claude-haiku-5-5',
    topSpeed: SPEED.haiku,
    rows: [{ from: '2026-10-07', usd: HAIKU_5_5, long: HAIKU_5_5_LONG }],
  },
  { ...haiku, model: 'claude-haiku-4-5', rows: since('2025-10-15', HAIKU_4_5) },
  {
    ...haiku,
    model: 'claude-3-5-haiku',
    aliases: ['claude-3-5-haiku-latest'],
    maxOutput: 8192,
    rows: since('2024-11-04', HAIKU_3_5),
  },
];
