import { Refusal } from '../kernel/errors.ts';
import type { FoundValue, ScanResult } from '../kernel/json-scan.ts';
import type { AskedCapability, ServerSide } from './exchange.ts';

/**
 * Where content blocks stand: in a message, in the result of a tool, in a document made of blocks, the last inside the second, and
 * in what a web fetch returned, which is one document and not a list.
 */
const BLOCKS = [
  'messages[].content[]',
  'messages[].content[].content[]',
  'messages[].content[].source.content[]',
  'messages[].content[].content[].source.content[]',
  'messages[].content[].content.content',
  'messages[].content[].content.content.source.content[]',
] as const;

/** Where tools are defined: for the whole request, inside a message, and in what a compaction kept of messages. */
const TOOLS = [
  'tools[]',
  'messages[].content[].tool.definition',
  'messages[].content[].tool_changes[].tool.definition',
] as const;

const SOURCE_TYPES = BLOCKS.map((block) => `${block}.source.type`);

/** What of a request says what the provider runs or fetches itself, beside the model it names. */
export const SERVER_SIDE_FIELDS: readonly string[] = [
  'speed',
  ...TOOLS.flatMap((tool) => [tool, `${tool}.type`, `${tool}.max_uses`, `${tool}.model`]),
  'mcp_servers[]',
  'container',
  'thread',
  'compaction',
  'billing_policy',
  'workspace_id',
  'user_profile_id',
  'fallbacks',
  'fallbacks[].model',
  'fallbacks[].max_tokens',
  'fallbacks[].speed',
  'context_management.edits[].type',
  'messages[].content[].type',
  'messages[].content[].content[].type',
  ...SOURCE_TYPES,
];

/** Tools that the client runs: the provider only describes them to the model. Looking tools up costs no pass of its own. */
const CLIENT_RUN = new Set([
  'custom',
  'bash',
  'text_editor',
  'computer',
  'memory',
  'tool_search_tool_regex',
  'tool_search_tool_bm25',
]);
/** Tool types that have another name in policies. */
const NAMED = new Map([['mcp_toolset', 'remote_mcp']]);
const SOURCES = new Map([
  ['url', 'url_source'],
  ['file', 'files'],
]);
/** Capabilities that a field at the top of the request asks for, with what is known of their uses. */
const TOP = [
  ['mcp_servers[]', 'remote_mcp', null],
  ['container', 'container', null],
  ['thread', 'thread', 0],
  // Who is billed, and in whose name: not for a caller to choose.
  ['billing_policy', 'billing_policy', 0],
  ['workspace_id', 'workspace', 0],
  ['user_profile_id', 'user_profile', 0],
] as const;
/** Blocks whose tokens their bytes bound. Of all others, also of what is new, the whole window is assumed. */
const PLAIN_BLOCKS = new Set(['text', 'tool_use', 'tool_result', 'thinking', 'redacted_thinking']);
/** Further models that may answer or advise; the provider takes a handful. */
const MOST_MODELS = 16;
/** Different things asked of the provider's side in one request. */
const MOST_ASKED = 64;
/** Tools described by the provider itself, beyond which its descriptions are no longer within what is added for them. */
const MOST_DESCRIBED = 2;
const MAX_NAME = 64;

/**
 * What the request asks of the provider's side (Messages API: server tools, MCP connector, files, containers, fallback models).
 * A tool type that is not known to run at the client counts as the provider's: what is new is closed until somebody names it.
 * Time linear in what was found.
 *
 * @throws Refusal `request_malformed` for a type that is no text, and for more of anything than the provider takes
 */
export function serverSideOf(found: ScanResult): ServerSide {
  const asked = new Map<string, AskedCapability>();
  const add = (capability: string, uses: number | null): void => {
    asked.set(`${capability} ${uses}`, { capability, uses });
    if (asked.size > MOST_ASKED) throw malformed('it asks too many things of the provider');
  };
  for (const path of TOOLS) for (const { capability, uses } of toolsOf(found, path)) add(capability, uses);
  for (const [field, capability, uses] of TOP) if (isPresent(found.first(field))) add(capability, uses);
  const fallbacks = found.first('fallbacks');
  // By name the provider chooses the model: no rule on models could say anything about it.
  if (isPresent(fallbacks) && fallbacks?.kind !== 'array') add('default_fallbacks', null);
  for (const path of SOURCE_TYPES) {
    for (const source of texts(found, path)) {
      const capability = SOURCES.get(source);
      if (capability !== undefined) add(capability, 0);
    }
  }
  const blocks = texts(found, 'messages[].content[].type');
  if (blocks.includes('container_upload')) add('files', 0);
  const advisors = TOOLS.flatMap((path) => texts(found, `${path}.model`));
  const models = [...new Set([...texts(found, 'fallbacks[].model'), ...advisors])];
  if (models.length > MOST_MODELS) throw malformed('it names too many models');
  return {
    asked: [...asked.values()],
    models,
    opaque: isOpaque(found, blocks),
    unbounded: isPresent(found.first('compaction')) || advisors.length > 0 || compacts(found),
    fast: [found.first('speed'), ...(found.found.get('fallbacks[].speed') ?? [])].some(
      (speed) => speed?.value === 'fast',
    ),
  };
}

/** Whether bytes say nothing of how many tokens there are. */
function isOpaque(found: ScanResult, blocks: readonly string[]): boolean {
  const inner = texts(found, 'messages[].content[].content[].type');
  if ([...blocks, ...inner].some((type) => !PLAIN_BLOCKS.has(type)) || isPresent(found.first('thread'))) return true;
  return (
    TOOLS.flatMap((path) => texts(found, `${path}.type`)).filter((type) => type !== 'custom').length > MOST_DESCRIBED
  );
}

function compacts(found: ScanResult): boolean {
  return texts(found, 'context_management.edits[].type').some((type) => type.startsWith('compact'));
}

/**
 * The tools that the provider runs, each with its own bound: what stands inside the same object belongs together. All three lists
 * are in the order of the body, so one walk finds what belongs where.
 */
function toolsOf(found: ScanResult, path: string): AskedCapability[] {
  if (!found.found.has(path)) return [];
  const types = found.found.get(`${path}.type`) ?? [];
  const bounds = found.found.get(`${path}.max_uses`) ?? [];
  const tools: AskedCapability[] = [];
  let type = 0;
  let bound = 0;
  for (const { start, end } of found.found.get(path) ?? []) {
    while ((types[type]?.start ?? Number.POSITIVE_INFINITY) < start) type++;
    while ((bounds[bound]?.start ?? Number.POSITIVE_INFINITY) < start) bound++;
    const own = types[type];
    if (own === undefined || own.end > end || own.kind === 'null') continue;
    const name = plainName(text(own));
    if (CLIENT_RUN.has(name)) continue;
    const uses = bounds[bound];
    const isOwn = uses !== undefined && uses.end <= end;
    tools.push({ capability: NAMED.get(name) ?? name, uses: isOwn ? boundOf(uses) : null });
  }
  return tools;
}

function boundOf(value: FoundValue): number | null {
  return typeof value.value === 'number' && Number.isSafeInteger(value.value) && value.value >= 0 ? value.value : null;
}

/** `web_search_20260318` is `web_search`. */
function plainName(type: string): string {
  return type.replace(/_\d{8}$/, '').slice(0, MAX_NAME);
}

const NONE: readonly string[] = [];

function texts(found: ScanResult, path: string): readonly string[] {
  const values = found.found.get(path);
  return values === undefined ? NONE : values.filter((value) => value.kind !== 'null').map(text);
}

function text(value: FoundValue): string {
  if (typeof value.value === 'string') return value.value;
  throw malformed(`"${value.path}" must be text`);
}

function isPresent(value: FoundValue | undefined): boolean {
  return value !== undefined && value.kind !== 'null';
}

function malformed(reason: string): Refusal {
  return new Refusal('request_malformed', { fields: { reason } });
}
