import { parseConfig } from '../../kernel/config/document.ts';
import { loadPolicy } from '../load.ts';
import { CLAUDE_GATEWAY } from './claude-gateway/explain.ts';
import { translateClaudeGateway } from './claude-gateway.ts';
import { looksSecret } from './hidden.ts';
import { LITELLM } from './litellm/explain.ts';
import { type Translated, translateLitellm } from './litellm.ts';
import type { ImportKind, ImportResult } from './model.ts';
import { PORTKEY } from './portkey/explain.ts';
import { translatePortkey } from './portkey.ts';
import { renderPolicy, renderUpstream } from './render.ts';
import { type Entry, type Explanations, Source } from './source.ts';

interface Translator {
  readonly from: string;
  readonly explanations: Explanations;
  readonly translate: (root: Entry) => Translated;
}

const TRANSLATORS: Readonly<Record<ImportKind, Translator>> = {
  litellm: { from: 'a LiteLLM proxy', explanations: LITELLM, translate: translateLitellm },
  'claude-gateway': { from: 'a Claude apps gateway', explanations: CLAUDE_GATEWAY, translate: translateClaudeGateway },
  portkey: { from: 'Portkey', explanations: PORTKEY, translate: translatePortkey },
};

const TOO_LARGE = 'the policy that was written is too large to be loaded: shorten it, for example with patterns';
const SERVER_SIDE =
  'what the provider runs or fetches itself, such as web search, went through before and is closed now: name it under server_side in the policy';

/**
 * Translates another gateway's configuration into a policy that allows nothing the source did not, and notes every setting that
 * has no counterpart. No secret of the input is ever in what comes out. Pure.
 * @param input `text`: YAML 1.2 or JSON of at most 1 MiB; `file`: its name, for messages only
 */
export function importPolicy(kind: ImportKind, input: { readonly text: string; readonly file: string }): ImportResult {
  const parsed = parseConfig(input.text, input.file);
  if (!parsed.ok) {
    // A path is made of keys, and a key may be a credential.
    return { ok: false, problems: parsed.problems.map((one) => (looksSecret(one.path) ? { ...one, path: '' } : one)) };
  }
  const { value } = parsed.document;
  if (typeof value !== 'object' || value === null) {
    const message = 'the file must hold a mapping or a list';
    return { ok: false, problems: [{ file: input.file, line: 1, column: 1, path: '', message, suggestion: null }] };
  }
  const { from, explanations, translate } = TRANSLATORS[kind];
  const source = new Source(parsed.document, explanations);
  const { draft, upstream } = translate(source.root);
  source.note('check', [], SERVER_SIDE);
  draft.comments.push(
    'What the provider runs or fetches itself, such as web search, is closed: open it under server_side.',
  );
  const title = `Translated from the configuration of ${from}. Read every line and the notes before it is used.`;
  const policy = renderPolicy(draft, title);
  // Only what is larger than a document may be: thousands of rates, or more than 1 MiB.
  if (!loadPolicy({ text: policy, file: input.file }).ok) source.note('check', [], TOO_LARGE);
  return {
    ok: true,
    policy,
    config: upstream.draft === null ? null : renderUpstream(upstream.draft),
    notes: source.finish(),
  };
}
