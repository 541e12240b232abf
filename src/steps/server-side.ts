import { Refusal } from '../kernel/errors.ts';
import type { FoundValue, ScanResult } from '../kernel/json-scan.ts';
import type { AskedCapability, ServerSide } from './exchange.ts';

/** Where content blocks stand: in a message, in the result of a tool, in a document made of blocks, and the last inside the second. */
const BLOCKS = [
  'messages[].content[]',
  'messages[].content[].content[]',
  'messages[].content[].source.content[]',
  'messages[].content[].content[].source.content[]',
] as const;

/** What of a request says what the provider runs or fetches itself, beside the model it names. */
export const SERVER_SIDE_FIELDS: readonly string[] = [
  'speed',
  'tools[]',
  'tools[].type',
  'tools[].max_uses',
  'tools[].model',
  'mcp_servers[]',
  'container',
  'thread',
  'compaction',
  'fallbacks',
  'fallbacks[].model',
  'fallbacks[].max_tokens',
  'context_management.edits[].type',
  'messages[].content[].type',
  ...BLOCKS.flatMap((block) => [`${block}.source.type`]),
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
/** Sources whose tokens their bytes bound. */
const PLAIN_SOURCES = new Set(['text', 'content']);
const MAX_NAME = 64;

/**
 * What the request asks of the provider's side (Messages API: server tools, MCP connector, files, containers, fallback models).
 * A tool type that is not known to run at the client counts as the provider's: what is new is closed until somebody names it.
 *
 * @throws Refusal `request_malformed` for a type that is no text
 */
export function serverSideOf(found: ScanResult): ServerSide {
  const asked: AskedCapability[] = [];
  const add = (capability: string, uses: number | null): void => {
    if (!asked.some((one) => one.capability === capability && one.uses === uses)) asked.push({ capability, uses });
  };
  const tools = toolsOf(found);
  for (const { capability, uses } of tools) add(capability, uses);
  if (isPresent(found.first('mcp_servers[]'))) add('remote_mcp', null);
  if (isPresent(found.first('container'))) add('container', null);
  if (isPresent(found.first('thread'))) add('thread', 0);
  const fallbacks = found.first('fallbacks');
  // By name the provider chooses the model: no rule on models could say anything about it.
  if (isPresent(fallbacks) && fallbacks?.kind !== 'array') add('default_fallbacks', null);
  const sources = BLOCKS.flatMap((block) => texts(found, `${block}.source.type`));
  for (const source of sources) {
    const capability = SOURCES.get(source);
    if (capability !== undefined) add(capability, 0);
  }
  if (texts(found, 'messages[].content[].type').includes('container_upload')) add('files', 0);
  const compacts = texts(found, 'context_management.edits[].type').some((type) => type.startsWith('compact'));
  return {
    asked,
    models: [...texts(found, 'fallbacks[].model'), ...texts(found, 'tools[].model')],
    opaque: sources.some((source) => !PLAIN_SOURCES.has(source)) || isPresent(found.first('thread')),
    unbounded: compacts || isPresent(found.first('compaction')) || texts(found, 'tools[].model').length > 0,
    fast: found.first('speed')?.value === 'fast',
  };
}

/** The tools that the provider runs, each with its own bound: what stands inside the same object belongs together. */
function toolsOf(found: ScanResult): AskedCapability[] {
  const types = found.found.get('tools[].type') ?? [];
  const ours = types.filter((type) => type.kind !== 'null').map((type) => ({ type, name: plainName(text(type)) }));
  return ours
    .filter(({ name }) => !CLIENT_RUN.has(name))
    .map(({ type, name }) => ({ capability: NAMED.get(name) ?? name, uses: usesOf(found, type) }));
}

function usesOf(found: ScanResult, type: FoundValue): number | null {
  const holds = (tool: FoundValue, value: FoundValue): boolean => tool.start < value.start && value.end < tool.end;
  const tool = (found.found.get('tools[]') ?? []).find((one) => holds(one, type));
  const bounds = found.found.get('tools[].max_uses') ?? [];
  const bound = tool === undefined ? undefined : bounds.find((one) => holds(tool, one));
  return bound === undefined ? null : boundOf(bound);
}

function boundOf(value: FoundValue): number | null {
  return typeof value.value === 'number' && Number.isSafeInteger(value.value) && value.value >= 0 ? value.value : null;
}

/** `web_search_20260318` is `web_search`. */
function plainName(type: string): string {
  return type.replace(/_\d{8}$/, '').slice(0, MAX_NAME);
}

function texts(found: ScanResult, path: string): string[] {
  return (found.found.get(path) ?? []).filter((value) => value.kind !== 'null').map(text);
}

function text(value: FoundValue): string {
  if (typeof value.value === 'string') return value.value;
  throw new Refusal('request_malformed', { fields: { reason: `"${value.path}" must be text` } });
}

function isPresent(value: FoundValue | undefined): boolean {
  return value !== undefined && value.kind !== 'null';
}
