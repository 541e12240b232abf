import type { Value } from './json-reference.ts';

/** Tools whose work the client does, by the name of their type without its date. */
const CLIENT = /^(?:custom|bash|text_editor|computer|memory|tool_search_tool_regex|tool_search_tool_bm25)$/;

export interface Asked {
  readonly capabilities: { readonly capability: string; readonly uses: number | null }[];
  readonly models: string[];
  readonly opaque: boolean;
}

type Fields = { readonly [key: string]: Value };
const fields = (value: Value | undefined): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
const list = (value: Value | undefined): Value[] => (Array.isArray(value) ? value : []);

/** The least that a request asks of the provider's side: what nobody could overlook who reads it as objects. */
export function askedIn(request: Fields): Asked {
  const asked: Asked = { capabilities: [], models: [], opaque: false };
  for (const tool of list(request.tools).map(fields)) {
    const { type, max_uses: uses } = tool;
    if (typeof type !== 'string') continue;
    const name = type.replace(/_\d{8}$/, '').slice(0, 64);
    if (CLIENT.test(name)) continue;
    const capability = name === 'mcp_toolset' ? 'remote_mcp' : name;
    asked.capabilities.push({ capability, uses: typeof uses === 'number' && Number.isInteger(uses) ? uses : null });
  }
  if (list(request.mcp_servers).some((server) => server !== null)) {
    asked.capabilities.push({ capability: 'remote_mcp', uses: null });
  }
  if ((request.container ?? null) !== null) asked.capabilities.push({ capability: 'container', uses: null });
  for (const fallback of list(request.fallbacks).map(fields)) {
    if (typeof fallback.model === 'string') asked.models.push(fallback.model);
  }
  let opaque = false;
  for (const block of list(request.messages).flatMap((message) => list(fields(message).content))) {
    for (const one of [block, ...list(fields(block).content)].map(fields)) {
      if (one.type === 'image' || one.type === 'document') opaque = true;
      const from = fields(one.source).type;
      if (from === 'url') asked.capabilities.push({ capability: 'url_source', uses: 0 });
      if (from === 'file') asked.capabilities.push({ capability: 'files', uses: 0 });
    }
  }
  return { ...asked, opaque };
}
