import { type ApiError, apiError } from './envelope.ts';

type Line = 'opus' | 'sonnet' | 'haiku' | 'fable';

/** A model as `GET /v1/models` lists it. */
export interface ListedModel {
  readonly type: 'model';
  readonly id: string;
  readonly display_name: string;
  readonly created_at: string;
  readonly lifecycle: 'active';
  readonly line: Line;
  readonly max_input_tokens: number;
  readonly max_tokens: number;
  readonly capabilities: null;
  readonly deprecated_at: null;
  readonly retires_at: null;
}

function model(id: string, line: Line, created: string): ListedModel {
  const version = id.split('-').slice(2).join('.');
  return {
    type: 'model',
    id,
    display_name: `Claude ${line.charAt(0).toUpperCase()}${line.slice(1)} ${version} (simulated)`,
    created_at: `${created}T00:00:00Z`,
    lifecycle: 'active',
    line,
    max_input_tokens: 200_000,
    max_tokens: version === '4.5' ? 64_000 : 128_000,
    capabilities: null,
    deprecated_at: null,
    retires_at: null,
  };
}

/** Newest first, as the API lists them. */
const MODELS: readonly ListedModel[] = [
  model('claude-fable-5-2', 'fable', '2026-11-09'),
  model('claude-haiku-5-5', 'haiku', '2026-10-07'),
  model('claude-opus-5-5', 'opus', '2026-09-22'),
  model('claude-sonnet-5-5', 'sonnet', '2026-08-25'),
  model('claude-haiku-4-5', 'haiku', '2025-10-01'),
  model('claude-sonnet-4-5', 'sonnet', '2025-09-29'),
];

/** The model of this id, undefined when there is none. A date at the end (`-20251001`) names the same model. */
export function findModel(id: string): ListedModel | undefined {
  return MODELS.find((known) => known.id === id.replace(/-\d{8}$/, ''));
}

/** One page of models. */
export interface ModelPage {
  readonly data: readonly ListedModel[];
  readonly has_more: boolean;
  readonly first_id: string | null;
  readonly last_id: string | null;
}

/**
 * A page of the list. `limit` is 1 to 1000 (default 20); `after_id` and `before_id` are ids of listed models and exclude
 * each other; `before_id` gives the models nearest before it. `has_more` speaks of the direction asked for.
 */
export function pageOfModels(query: URLSearchParams): ModelPage | ApiError {
  const limit = Number(query.get('limit') ?? 20);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    return apiError(400, 'limit: Input should be between 1 and 1000');
  }
  const [after, before] = [query.get('after_id'), query.get('before_id')];
  if (after !== null && before !== null) return apiError(400, 'after_id and before_id cannot be used together');
  const cursor = after ?? before;
  const at = MODELS.findIndex((known) => known.id === cursor);
  if (cursor !== null && at === -1) return apiError(400, `${after === null ? 'before_id' : 'after_id'}: unknown id`);
  if (before !== null) return page(MODELS.slice(Math.max(0, at - limit), at), at > limit);
  const start = at + 1;
  return page(MODELS.slice(start, start + limit), start + limit < MODELS.length);
}

function page(data: readonly ListedModel[], hasMore: boolean): ModelPage {
  return { data, has_more: hasMore, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}
