import type { Json } from '../../journal/records.ts';

/** More passes than this are a fault of the provider. */
const MOST_PASSES = 10_000;
/** Different models among them; a handful is ordinary. */
const MOST_MODELS = 32;
const MAX_NAME = 256;

const COUNTS = ['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'] as const;
const WRITES = ['ephemeral_5m_input_tokens', 'ephemeral_1h_input_tokens'] as const;

/**
 * The passes of a long call (`usage.iterations`), summed by model, so that what money is counted from stays small however many there
 * were. Where they cannot be summed, a word that no reader takes for passes: such a report is then not whole.
 */
export function foldedPasses(passes: unknown): Json {
  if (!Array.isArray(passes) || passes.length > MOST_PASSES) return 'too many';
  const sums = new Map<string | null, Record<string, number>>();
  for (const pass of passes) {
    if (!isObject(pass)) return 'unreadable';
    const model = typeof pass.model === 'string' ? pass.model.slice(0, MAX_NAME) : null;
    const sum = sums.get(model) ?? {};
    sums.set(model, sum);
    const writes = isObject(pass.cache_creation) ? pass.cache_creation : {};
    for (const name of COUNTS) sum[name] = (sum[name] ?? 0) + count(pass[name]);
    for (const name of WRITES) sum[name] = (sum[name] ?? 0) + count(writes[name]);
    if (sums.size > MOST_MODELS) return 'too many models';
  }
  return [...sums].map(([model, sum]) => ({
    ...(model === null ? {} : { model }),
    ...Object.fromEntries(COUNTS.map((name) => [name, sum[name] ?? 0])),
    cache_creation: Object.fromEntries(WRITES.map((name) => [name, sum[name] ?? 0])),
  }));
}

/** What is no count makes the sum one that nobody believes. */
function count(value: unknown): number {
  if (value === undefined || value === null) return 0;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : Number.MAX_SAFE_INTEGER;
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
