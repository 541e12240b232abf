import { dividedUp, exactNumber, ONE } from './decimal.ts';
import type { Price, RequestSize, UsageCounts } from './model.ts';
import { dearest, type Rates, type Terms } from './terms.ts';

/** Micro-dollars for one web search (10 USD per 1,000); no factor applies to it. */
const WEB_SEARCH = 10_000n;
/** Tokens of the prompts that the provider adds for tools: 346 for calling tools, 245 to 735 for each tool of its own. */
const ADDED_TOKENS = 2000;
/** `inference_geo` of an answer that says that no region was asked for. Any other value is charged like `us`. */
const NO_REGION = new Set(['', 'global', 'not_available']);

/** Factors in twentieths, so that 1.1 for the region and one half for a batch stay whole. */
const TWENTY = 20n;
const REGION = 22n;

/** The price under these terms. */
export function priceOf(terms: Terms): Price {
  const { id, known, contextWindow, maxOutput, topSpeed } = terms;
  return {
    id,
    known,
    contextWindow,
    maxOutput,
    topSpeed,
    cost: (counts) => costOf(terms, counts),
    bound: (request) => boundOf(terms, request),
  };
}

function costOf(terms: Terms, counts: UsageCounts): number {
  const { inputTokens, cacheWrite5mTokens, cacheWrite1hTokens, cacheReadTokens } = counts;
  const prompt = inputTokens + cacheWrite5mTokens + cacheWrite1hTokens + cacheReadTokens;
  const rates = terms.long !== null && prompt > terms.long.above ? terms.long.rates : terms.base;
  const tokens =
    count(inputTokens) * rates.input +
    count(cacheWrite5mTokens) * rates.cache_write_5m +
    count(cacheWrite1hTokens) * rates.cache_write_1h +
    count(cacheReadTokens) * rates.cache_read +
    count(counts.outputTokens) * rates.output;
  const region = terms.geo && counts.geo !== null && !NO_REGION.has(counts.geo);
  let twentieths = region ? REGION : TWENTY;
  // Fast mode does not exist in batches: a report of both is given no discount.
  if (counts.batch && !counts.fast) twentieths /= 2n;
  const fast = counts.fast ? terms.fast : ONE;
  return exactNumber(inMicroDollars(tokens * twentieths * fast) + count(counts.webSearches) * WEB_SEARCH);
}

/**
 * Every prompt token at the dearest class, every output token that `max_tokens` allows, once for each pass. A tool that the
 * provider runs makes the model read everything again, results of up to the whole window included. Long-prompt rates count
 * where the prompt could be that long, and the region where the model takes one: a workspace's default needs no field in the
 * request. Null where nothing bounds the request, or the bound is past what a number can hold.
 */
function boundOf(terms: Terms, request: RequestSize): number | null {
  const { bytes, maxTokens, serverUses: uses } = request;
  if (request.unbounded || !isCount(maxTokens) || !isCount(uses) || !isCount(bytes)) return null;
  const window = terms.contextWindow;
  const one = request.opaque || uses > 0 ? window : Math.min(window, bytes + ADDED_TOKENS);
  const passes = count(uses) + 1n;
  const prompt = passes * count(one);
  const output = passes * count(Math.min(maxTokens, terms.maxOutput));
  const reachable =
    terms.long !== null && prompt > BigInt(terms.long.above) ? [terms.base, terms.long.rates] : [terms.base];
  const rates = dearest(reachable);
  const tokens = prompt * dearestInput(rates) + output * rates.output;
  const most = inMicroDollars(tokens * (terms.geo ? REGION : TWENTY) * (request.fast ? terms.fast : ONE));
  const searches = request.webSearch ? count(uses) * WEB_SEARCH : 0n;
  return most + searches > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(most + searches);
}

function dearestInput({ input, cache_write_5m, cache_write_1h, cache_read }: Rates): bigint {
  return [cache_write_5m, cache_write_1h, cache_read].reduce((most, rate) => (rate > most ? rate : most), input);
}

/** Rates times twentieths times billionths, in whole micro-dollars, rounded up. */
function inMicroDollars(value: bigint): bigint {
  return dividedUp(value, ONE * ONE * TWENTY * ONE);
}

function isCount(value: number | null): value is number {
  return value !== null && Number.isSafeInteger(value) && value >= 0;
}

/** @throws RangeError for what is not a whole number from 0 on: money is never computed from NaN or a fraction. */
function count(value: number): bigint {
  if (!isCount(value)) throw new RangeError(`${value} is not a count`);
  return BigInt(value);
}
