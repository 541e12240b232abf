import type { InputUsage } from './usage.ts';

/**
 * An answer that only survives a relay which leaves bytes alone: event, block and delta types nobody knows, unknown keys,
 * white space and escapes that a JSON printer would change, numbers beyond the precision of a double, comments, CR LF,
 * a document spread over two `data:` lines. It is still valid, and a tolerant client reads the text in it.
 */
export interface Oddities {
  readonly id: string;
  readonly model: string;
  readonly usage: InputUsage;
}

const SIGNATURE = 'c2ltdWxhdGVkLXNpZ25hdHVyZS1vZi1hLXRoaW5raW5nLWJsb2Nr';
const SEARCH_ID = 'srvtoolu_sim_odd';
const RESULT =
  '{"type":"web_search_result","url":"https://example.com/a?b=1\\u0026c=2","title":"Caf\\u00e9 \\/ simulated","encrypted_content":"ZW5j","page_age":null, "x_rank" : 1.0}';
const CITATION =
  '{"type":"web_search_result_location","url":"https://example.com/a","title":null,"encrypted_index":"aWR4","cited_text":"“quoted” – 引用"}';
const OUTPUT_TOKENS = 64;

const usageJson = (usage: InputUsage): string => JSON.stringify(usage).slice(1, -1);

const event = (type: string, data: string): string => `event: ${type}\ndata: ${data}\n\n`;

/** The stream, as the exact text to be sent. */
export function oddStream(oddities: Oddities): string {
  return [...opening(oddities), ...earlyBlocks(), ...lateBlocks(), ...ending(oddities)].join('');
}

function opening({ id, model, usage }: Oddities): string[] {
  return [
    ': simulated, with things no client knows\n\n',
    event(
      'message_start',
      `{"type" : "message_start", "message":{"id":"${id}","type":"message","role":"assistant","model":${JSON.stringify(model)},"content":[],"stop_reason":null,"stop_sequence":null,"stop_details":null,"container":null,"usage":{${usageJson(usage)},"output_tokens":1,"x_future_tokens":12345678901234567890},"x_unknown":{"deep":[1.0,1e2,-0]}}}`,
    ),
    'event: ping\r\ndata: {"type": "ping"}\r\n\r\n',
    event('x_future_event', '{"type":"x_future_event",  "index":0, "note":"\\u0041\\t\\/"}'),
  ];
}

/** A thinking block with its signature, a search that the provider ran, its result. */
function earlyBlocks(): string[] {
  return [
    event(
      'content_block_start',
      '{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}',
    ),
    event(
      'content_block_delta',
      '{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Simulated thought…"}}',
    ),
    event(
      'content_block_delta',
      '{"type":"content_block_delta","index":0,"delta":{"type":"x_future_delta","value":[ ]}}',
    ),
    event(
      'content_block_delta',
      `{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"${SIGNATURE}"}}`,
    ),
    event('content_block_stop', '{"type":"content_block_stop","index":0 }'),
    event(
      'content_block_start',
      `{"type":"content_block_start","index":1,"content_block":{"type":"server_tool_use","id":"${SEARCH_ID}","name":"web_search","input":{}}}`,
    ),
    event(
      'content_block_delta',
      '{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\\"query\\": \\"simulated\\"}"}}',
    ),
    event('content_block_stop', '{"type":"content_block_stop","index":1}'),
    event(
      'content_block_start',
      `{"type":"content_block_start","index":2,"content_block":{"type":"web_search_tool_result","tool_use_id":"${SEARCH_ID}","content":[${RESULT}]}}`,
    ),
    event('content_block_stop', '{"type":"content_block_stop","index":2}'),
  ];
}

/** A block of no known type, then the text, with a citation. */
function lateBlocks(): string[] {
  return [
    event(
      'content_block_start',
      '{"type":"content_block_start","index":3,"content_block":{"type":"x_future_block","payload":{"ünïcode":"\\ud83d\\ude00"}}}',
    ),
    event('content_block_stop', '{"type":"content_block_stop","index":3}'),
    event(
      'content_block_start',
      '{"type":"content_block_start","index":4,"content_block":{"type":"text","text":"","citations":[]}}',
    ),
    'event: content_block_delta\nid: 7\nretry: 1000\ndata: {"type":"content_block_delta","index":4,\ndata:  "delta":{"type":"text_delta","text":"Simulated answer with oddities: "}}\n\n',
    event(
      'content_block_delta',
      '{"index":4,"delta":{"text":"naïve 日本語 🙂","type":"text_delta"},"type":"content_block_delta"}',
    ),
    event(
      'content_block_delta',
      `{"type":"content_block_delta","index":4,"delta":{"type":"citations_delta","citation":${CITATION}}}`,
    ),
    event('content_block_stop', '{"type":"content_block_stop","index":4}'),
  ];
}

function ending({ usage }: Oddities): string[] {
  return [
    event(
      'message_delta',
      `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null,"x_unknown":null},"usage":{${usageJson(usage)},"output_tokens":${OUTPUT_TOKENS},"server_tool_use":{"web_search_requests":1,"x_future_requests":0}},"context_management":{"applied_edits":[]}}`,
    ),
    event('message_stop', '{"type":"message_stop"       }'),
  ];
}

/** The same answer as one JSON document, as the exact text to be sent. */
export function oddJson({ id, model, usage }: Oddities): string {
  return `{
  "model" : ${JSON.stringify(model)}, "id":"${id}",\t"type":"message",  "role":"assistant",
  "content":[
    {"type":"thinking","thinking":"Simulated thought…","signature":"${SIGNATURE}"},
    {"type":"server_tool_use","id":"${SEARCH_ID}","name":"web_search","input":{"query": "simulated"}},
    {"type":"web_search_tool_result","tool_use_id":"${SEARCH_ID}","content":[${RESULT}]},
    {"type":"x_future_block","payload":{"ünïcode":"\\ud83d\\ude00"}},
    {"type":"text","text":"Simulated answer with oddities: na\\u00efve 日本語 🙂","citations":[${CITATION}]}
  ],
  "stop_reason":"end_turn","stop_sequence":null,"stop_details":null,"container":null,
  "usage":{${usageJson(usage)},"output_tokens":${OUTPUT_TOKENS},"server_tool_use":{"web_search_requests":1},"x_future_tokens":12345678901234567890},
  "x_unknown":{"deep":[1.0,1e2,-0]}
}
`;
}
