import { type Directive, type Words, wordsOf } from './directive.ts';
import { type ApiError, apiError } from './envelope.ts';
import { isFields, stringOf } from './json.ts';
import { piecedReply, plainReply, type Reply, structuredReply, textReply, toolReply } from './reply.ts';
import type { Turn } from './turn.ts';

/** What goes wrong after some deltas of a stream. */
export type Disturbance =
  | { readonly kind: 'error-event' }
  | { readonly kind: 'cut'; readonly midFrame: boolean }
  | { readonly kind: 'end-early' }
  | { readonly kind: 'silence'; readonly ms: number };

/** How a request is answered. */
export type Script =
  | { readonly kind: 'error'; readonly error: ApiError }
  /** The hand-written answer that holds what no known client or gateway expects. */
  | { readonly kind: 'oddities' }
  | {
      readonly kind: 'message';
      readonly reply: Reply;
      /** Milliseconds before the first byte, on top of the pace. */
      readonly stall?: number;
      /** Milliseconds between deltas, instead of the pace's. */
      readonly gap?: number;
      readonly disturbance?: Disturbance;
    };

/** Longest wait a directive can ask for, milliseconds. */
const LONGEST_WAIT = 10 * 60_000;
const LARGEST_TEXT = 64 * 1024 * 1024;

interface Context {
  readonly turn: Turn;
  readonly args: string;
  readonly words: Words;
  readonly fingerprint: string;
}

/** Thrown for arguments that make no sense; the caller gets them back as a 400. */
class BadDirective extends Error {}

const SCENARIOS: Readonly<Record<string, (context: Context) => Script>> = {
  tool: toolScript,
  agent: agentScript,
  status: statusScript,
  'midstream-error': ({ turn, words }) =>
    // A client falls back to a request without a stream after this; that one fails too unless `then=ok`.
    !turn.stream && words.options.get('then') !== 'ok'
      ? { kind: 'error', error: apiError(529, 'Overloaded (simulated)') }
      : { kind: 'message', reply: plainReply(turn), disturbance: { kind: 'error-event' } },
  cut: ({ turn, words }) => ({
    kind: 'message',
    reply: plainReply(turn),
    disturbance: { kind: 'cut', midFrame: words.positional[0] === 'frame' },
  }),
  'end-early': ({ turn }) => ({ kind: 'message', reply: plainReply(turn), disturbance: { kind: 'end-early' } }),
  stall: ({ turn, words }) => ({
    kind: 'message',
    reply: plainReply(turn),
    stall: numberAt(words, 0, { name: 'MS', min: 0, max: LONGEST_WAIT }),
  }),
  silence: ({ turn, words }) => ({
    kind: 'message',
    reply: plainReply(turn),
    disturbance: { kind: 'silence', ms: numberAt(words, 0, { name: 'MS', min: 0, max: LONGEST_WAIT }) },
  }),
  long: ({ turn, words }) => {
    const count = numberAt(words, 0, { name: 'N', min: 1, max: 1_000_000 });
    const pieces = Array.from({ length: count }, (_, i) => (i === 0 ? 'Simulated answer, long: 1' : ` ${i + 1}`));
    const gap = numberAt(words, 1, { name: 'MS', min: 0, max: LONGEST_WAIT });
    return { kind: 'message', reply: piecedReply(pieces, turn.maxTokens), gap };
  },
  huge: ({ turn, words }) => {
    const bytes = numberAt(words, 0, { name: 'BYTES', min: 1, max: LARGEST_TEXT });
    return { kind: 'message', reply: piecedReply(hugePieces(bytes), turn.maxTokens), gap: 0 };
  },
  'unknown-fields': () => ({ kind: 'oddities' }),
};

const DIRECTIVE_NAMES = Object.keys(SCENARIOS).join(', ');

/** Decides the answer to each request of one simulation. Remembers only how often a directive with `times=` was used. */
export class Scenarios {
  readonly #uses = new Map<string, number>();

  /** `fingerprint` identifies the body; ids of the answer are made from it. */
  scriptFor(turn: Turn, fingerprint: string): Script {
    // A title request quotes the prompt: its directives are for the turn itself.
    if (turn.schema !== undefined) return { kind: 'message', reply: structuredReply(turn.schema, turn.maxTokens) };
    const directive = turn.directive;
    if (directive === undefined) return { kind: 'message', reply: plainReply(turn) };
    const scenario = Object.hasOwn(SCENARIOS, directive.name) ? SCENARIOS[directive.name] : undefined;
    try {
      if (scenario === undefined) throw new BadDirective(`known names are ${DIRECTIVE_NAMES}`);
      const context = { turn, args: directive.args, words: wordsOf(directive.args), fingerprint };
      if (!takesJson(directive) && this.#usedUp(directive, context.words)) {
        return { kind: 'message', reply: plainReply(turn) };
      }
      return scenario(context);
    } catch (error) {
      if (!(error instanceof BadDirective)) throw error;
      const message = `Simulation directive ${directive.raw.slice(0, 200)}: ${error.message}`;
      return { kind: 'error', error: apiError(400, message) };
    }
  }

  #usedUp(directive: Directive, words: Words): boolean {
    const times = words.options.get('times');
    if (times === undefined) return false;
    const used = this.#uses.get(directive.raw) ?? 0;
    this.#uses.set(directive.raw, used + 1);
    return used >= numberIn(times, { name: 'times', min: 0, max: 1_000_000 });
  }
}

/** Free text or JSON follows these names, so nothing in it is an option. */
function takesJson(directive: Directive): boolean {
  return directive.name === 'tool' || directive.name === 'agent';
}

function toolScript({ turn, args, fingerprint }: Context): Script {
  const [name = '', json = '{}'] = splitOnce(args);
  if (name === '') throw new BadDirective('needs the name of a tool');
  let input: unknown;
  try {
    input = JSON.parse(json);
  } catch {
    throw new BadDirective('the input after the name of the tool is not valid JSON');
  }
  if (!isFields(input)) throw new BadDirective('the input of a tool is a JSON object');
  return { kind: 'message', reply: toolReply({ name, input, fingerprint }, turn.maxTokens) };
}

/** Claude Code has called the tool that starts a sub-agent by both names. */
const AGENT_TOOLS = ['Agent', 'Task'];

function agentScript({ turn, args, fingerprint }: Context): Script {
  const tool = turn.tools.find((offered) => AGENT_TOOLS.includes(stringOf(offered.name)));
  if (tool === undefined) {
    const text = 'Simulated answer: this request offers no tool that starts a sub-agent.';
    return { kind: 'message', reply: textReply(text, turn.maxTokens) };
  }
  const schema = tool.input_schema;
  const properties = isFields(schema) && isFields(schema.properties) ? schema.properties : {};
  const wanted: Readonly<Record<string, unknown>> = {
    description: 'Simulated sub-task',
    prompt: args === '' ? 'Say hello from the sub-agent.' : args,
    subagent_type: 'general-purpose',
    // In the foreground: the parent's next request then carries the sub-agent's answer.
    run_in_background: false,
  };
  const input = Object.fromEntries(Object.entries(wanted).filter(([key]) => Object.hasOwn(properties, key)));
  return { kind: 'message', reply: toolReply({ name: stringOf(tool.name), input, fingerprint }, turn.maxTokens) };
}

function statusScript({ words }: Context): Script {
  const status = numberAt(words, 0, { name: 'the status', min: 400, max: 599 });
  const headers: Record<string, string> = {};
  const retryAfter = words.options.get('retry-after');
  if (retryAfter !== undefined) {
    headers['retry-after'] = String(numberIn(retryAfter, { name: 'retry-after', min: 0, max: 86_400 }));
  }
  const shouldRetry = words.options.get('should-retry');
  if (shouldRetry !== undefined) headers['x-should-retry'] = shouldRetry === 'true' ? 'true' : 'false';
  return { kind: 'error', error: apiError(status, `Simulated error ${status}, as the prompt asked`, headers) };
}

/** Numbered lines, 8 KiB a piece, exactly so many bytes in all. */
function hugePieces(bytes: number): string[] {
  const opening = 'Simulated answer, huge. ';
  const line = 'The quick brown fox jumps over the lazy dog, and no model was asked about it.\n'.repeat(105);
  const pieces = [opening.slice(0, bytes)];
  for (let left = bytes - opening.length; left > 0; left -= line.length) pieces.push(line.slice(0, left));
  return pieces;
}

interface Range {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

function numberAt(words: Words, index: number, range: Range): number {
  const word = words.positional[index];
  if (word === undefined) throw new BadDirective(`needs ${range.name}`);
  return numberIn(word, range);
}

function numberIn(word: string, range: Range): number {
  const value = /^\d{1,9}$/.test(word) ? Number(word) : Number.NaN;
  if (!(value >= range.min && value <= range.max)) {
    throw new BadDirective(`${range.name} is a whole number from ${range.min} to ${range.max}`);
  }
  return value;
}

function splitOnce(text: string): [string?, string?] {
  const at = text.search(/\s/);
  if (at === -1) return text === '' ? [] : [text];
  return [text.slice(0, at), text.slice(at).trim()];
}
