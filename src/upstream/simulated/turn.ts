import { type Directive, directivesIn } from './directive.ts';
import { type ApiError, apiError } from './envelope.ts';
import { blocksOf, type Fields, isFields, objectsOf, stringOf } from './json.ts';
import { findModel } from './models.ts';

/** What a tool gave back, as text. */
interface ToolResult {
  readonly text: string;
  readonly isError: boolean;
}

/** What the simulation reads from the body of a Messages request. */
export interface Turn {
  readonly body: Fields;
  readonly model: string;
  readonly stream: boolean;
  /** Infinity where the request has none (count_tokens). */
  readonly maxTokens: number;
  /** The last thing the user wrote, without the reminders that Claude Code adds around it. */
  readonly userText: string;
  /** Results in the newest user turn; empty when the user spoke. */
  readonly toolResults: readonly ToolResult[];
  /** The directive that decides this request, if any. */
  readonly directive: Directive | undefined;
  /** JSON schema of the answer, where structured output is asked for. */
  readonly schema: Fields | undefined;
  /** The tools offered, as sent. */
  readonly tools: readonly Fields[];
}

/** Parses and checks a body. Returns what the API would answer where it is wrong. */
export function readTurn(bytes: Buffer, needsMaxTokens: boolean): Turn | ApiError {
  const body = parse(bytes);
  if (body === undefined) return apiError(400, 'The request body is not valid JSON: expected an object');
  const problem = problemOf(body, needsMaxTokens);
  if (problem !== undefined) return apiError(400, problem);
  const model = stringOf(body.model);
  if (findModel(model) === undefined) return apiError(404, `model: ${model.slice(0, 200)}`);
  const turns = userTurns(objectsOf(body.messages));
  const newest = turns.at(-1) ?? [];
  return {
    body,
    model,
    stream: body.stream === true,
    maxTokens: typeof body.max_tokens === 'number' ? body.max_tokens : Number.POSITIVE_INFINITY,
    userText: spokenText(newest),
    toolResults: newest.filter(isResult).map((block) => ({
      text: blocksOf(block.content)
        .map((part) => stringOf(part.text))
        .join('\n'),
      isError: block.is_error === true,
    })),
    directive: directiveFor(turns),
    schema: schemaOf(body.output_config),
    tools: objectsOf(body.tools),
  };
}

function parse(bytes: Buffer): Fields | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function problemOf(body: Fields, needsMaxTokens: boolean): string | undefined {
  if (typeof body.model !== 'string') return 'model: Field required';
  const messages = body.messages;
  if (!Array.isArray(messages)) return 'messages: Field required';
  if (messages.length === 0) return 'messages: at least one message is required';
  const max = body.max_tokens;
  if (!needsMaxTokens) return undefined;
  if (max === undefined) return 'max_tokens: Field required';
  if (!Number.isInteger(max) || Number(max) < 1) return 'max_tokens: Input should be greater than or equal to 1';
  return undefined;
}

/** Blocks of each user turn: user messages in a row are one turn; messages of role system, which Claude Code puts between, break none. */
function userTurns(messages: readonly Fields[]): Fields[][] {
  const turns: Fields[][] = [];
  let open: Fields[] | undefined;
  for (const message of messages) {
    if (message.role === 'assistant') open = undefined;
    if (message.role !== 'user') continue;
    if (open === undefined) {
      open = [];
      turns.push(open);
    }
    open.push(...blocksOf(message.content));
  }
  return turns;
}

const isResult = (block: Fields): boolean => block.type === 'tool_result';

function texts(turn: readonly Fields[]): string[] {
  return turn.filter((block) => block.type === 'text').map((block) => stringOf(block.text));
}

function spokenText(turn: readonly Fields[]): string {
  const all = texts(turn);
  return all.findLast((text) => !text.trimStart().startsWith('<system-reminder>')) ?? all.at(-1) ?? '';
}

/**
 * A prompt with several directives is a script: the first decides the answer to the prompt, the second the answer to the
 * first tool result, and so on. Only texts of the user count, so that a tool result that quotes a directive starts nothing.
 */
function directiveFor(turns: readonly Fields[][]): Directive | undefined {
  for (let back = 0; back < turns.length; back++) {
    const turn = turns[turns.length - 1 - back] ?? [];
    const directives = directivesIn(texts(turn).join('\n'));
    if (directives.length > 0) return directives[back];
    if (!turn.some(isResult)) return undefined;
  }
  return undefined;
}

function schemaOf(outputConfig: unknown): Fields | undefined {
  const format = isFields(outputConfig) ? outputConfig.format : undefined;
  if (!isFields(format) || format.type !== 'json_schema') return undefined;
  return isFields(format.schema) ? format.schema : {};
}
