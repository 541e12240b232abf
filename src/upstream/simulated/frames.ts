import type { Reply, TextBlock, ToolUseBlock } from './reply.ts';
import type { InputUsage } from './usage.ts';

/** An answer ready to be written in either form. */
export interface Answer {
  /** `msg_sim_…`. */
  readonly id: string;
  readonly model: string;
  readonly reply: Reply;
  readonly usage: InputUsage;
}

/** One server-sent event, with the blank line that ends it. */
export interface Frame {
  readonly text: string;
  /** True for content_block_delta: pace and disturbances count these. */
  readonly delta: boolean;
}

/** An event in the framing of the Claude API: `event:` repeats the type. */
export function frameOf(type: string, fields: object): Frame {
  return {
    text: `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`,
    delta: type === 'content_block_delta',
  };
}

function messageOf(answer: Answer, rest: object): object {
  return { id: answer.id, type: 'message', role: 'assistant', model: answer.model, ...rest };
}

const ENDING = { stop_sequence: null, stop_details: null, container: null };

/** Usage at the end: the input's, again, and what was written. */
function finalUsage(answer: Answer): object {
  return {
    ...answer.usage,
    output_tokens: answer.reply.outputTokens,
    output_tokens_details: { thinking_tokens: 0 },
    server_tool_use: { web_search_requests: 0, web_fetch_requests: 0 },
  };
}

/** The answer as one JSON document. */
export function jsonOf(answer: Answer): string {
  const content = answer.reply.content.map((block) =>
    block.type === 'text'
      ? { type: 'text', text: block.pieces.join(''), citations: null }
      : { ...startOf(block), input: block.input },
  );
  return JSON.stringify(
    messageOf(answer, {
      content,
      stop_reason: answer.reply.stopReason,
      ...ENDING,
      usage: finalUsage(answer),
    }),
  );
}

/** The answer as a stream, frame by frame, made as they are asked for. */
export function* framesOf(answer: Answer): Generator<Frame> {
  yield frameOf('message_start', {
    message: messageOf(answer, {
      content: [],
      stop_reason: null,
      ...ENDING,
      usage: { ...answer.usage, output_tokens: 1 },
    }),
  });
  yield frameOf('ping', {});
  for (const [index, block] of answer.reply.content.entries()) {
    yield frameOf('content_block_start', { index, content_block: startOf(block) });
    for (const delta of deltasOf(block)) yield frameOf('content_block_delta', { index, delta });
    yield frameOf('content_block_stop', { index });
  }
  yield frameOf('message_delta', {
    delta: { stop_reason: answer.reply.stopReason, ...ENDING },
    usage: finalUsage(answer),
  });
  yield frameOf('message_stop', {});
}

function startOf(block: TextBlock | ToolUseBlock): object {
  if (block.type === 'text') return { type: 'text', text: '' };
  return { type: 'tool_use', id: block.id, name: block.name, input: {}, caller: { type: 'direct' } };
}

/** The input of a tool arrives as JSON in pieces that split words and escapes; the first piece is empty, as on the API. */
function* deltasOf(block: TextBlock | ToolUseBlock): Generator<object> {
  if (block.type === 'text') {
    for (const text of block.pieces) yield { type: 'text_delta', text };
    return;
  }
  const json = JSON.stringify(block.input);
  yield { type: 'input_json_delta', partial_json: '' };
  for (let at = 0; at < json.length; at += 11) {
    yield { type: 'input_json_delta', partial_json: json.slice(at, at + 11) };
  }
}
