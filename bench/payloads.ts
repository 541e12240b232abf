import { seeded } from './statistics.ts';

/** Bodies that look like those of Claude Code: system blocks, tools, a history of messages, cache marks. */

export const MODEL = 'claude-sonnet-5-5';

/** Pieces of source code and prose; quotes, newlines and a few characters beyond ASCII are what makes a scanner work. */
const LINES = [
  'export async function readConfig(path: string): Promise<Config> {',
  '  const text = await readFile(path, "utf8");',
  '  if (text.trim() === "") throw new Error("the file is empty: \\"" + path + "\\"");',
  '  return parse(text.replace(/\\r\\n/g, "\\n")) as Config;',
  '}',
  '',
  'The test fails because the second call sees the cache of the first; see src/cache/store.ts:118.',
  '    \t"dependencies": { "left": "^1.2.3", "right": "~4.5.6" },',
  '- Größe und Maß: naïve café — 日本語 ✓',
  'SELECT id, name FROM accounts WHERE deleted_at IS NULL ORDER BY created_at DESC LIMIT 50;',
];

const TOOLS = ['Bash', 'Read', 'Edit', 'Write', 'Grep', 'Glob', 'WebFetch', 'TodoWrite'];

function lines(bytes: number, random: () => number): string {
  let text = '';
  while (text.length < bytes) text += `${LINES[Math.floor(random() * LINES.length)]}\n`;
  return text.slice(0, bytes);
}

function tool(name: string, bytes: number, random: () => number): object {
  return {
    name,
    description: lines(bytes, random),
    input_schema: {
      type: 'object',
      properties: {
        path: { type: 'string', description: 'The absolute path of the file' },
        limit: { type: 'number', description: 'How many lines to read', minimum: 1 },
        mode: { type: 'string', enum: ['content', 'files', 'count'] },
      },
      required: ['path'],
      additionalProperties: false,
    },
  };
}

function turn(index: number, bytes: number, random: () => number): object[] {
  const id = `toolu_01${String(index).padStart(20, '0')}`;
  return [
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'I will look at the file first.' },
        { type: 'tool_use', id, name: 'Read', input: { path: `/repo/src/part-${index}.ts` } },
      ],
    },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: lines(bytes, random) }] },
  ];
}

const CACHED = { cache_control: { type: 'ephemeral' } };

/**
 * A request body of about `kilobytes` (a few per cent off: characters that JSON escapes count double). A body of 2 KB is a short
 * question with two tools; the large ones are what a session of an agent sends after some turns.
 */
export function requestBody(options: {
  readonly kilobytes: number;
  readonly stream: boolean;
  readonly seed: number;
}): Buffer {
  const { kilobytes, stream, seed } = options;
  const random = seeded(seed);
  const bytes = kilobytes * 1024;
  const small = bytes < 8192;
  const tools = (small ? TOOLS.slice(0, 2) : TOOLS).map((name) => tool(name, small ? 60 : 2400, random));
  const messages: object[] = [
    { role: 'user', content: [{ type: 'text', text: `Why does the build fail? (${seed})`, ...CACHED }] },
  ];
  const body = {
    model: MODEL,
    max_tokens: 32_000,
    stream,
    system: [
      { type: 'text', text: 'You are Claude Code, an assistant for software engineering.', ...CACHED },
      { type: 'text', text: lines(small ? 120 : 12_000, random), ...CACHED },
    ],
    tools,
    metadata: { user_id: `user_${String(seed).padStart(16, '0')}_session_0` },
    messages,
  };
  const TURN = 6000;
  const sizeOf = (): number => Buffer.byteLength(JSON.stringify(body));
  while (sizeOf() + TURN * 1.3 < bytes) messages.push(...turn(messages.length, TURN, random));
  const rest = bytes - sizeOf();
  if (rest > 120) messages.push({ role: 'user', content: lines(Math.floor((rest - 40) * 0.94), random) });
  return Buffer.from(JSON.stringify(body));
}

/** An answer of about 1.4 KB. */
export function replyBody(): Buffer {
  return Buffer.from(
    JSON.stringify({
      id: 'msg_01BenchBenchBenchBenchBe',
      type: 'message',
      role: 'assistant',
      model: MODEL,
      content: [{ type: 'text', text: lines(970, seeded(7)) }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: USAGE,
    }),
  );
}

const USAGE = {
  input_tokens: 12,
  cache_creation_input_tokens: 220,
  cache_read_input_tokens: 1800,
  cache_creation: { ephemeral_5m_input_tokens: 220, ephemeral_1h_input_tokens: 0 },
  output_tokens: 230,
  service_tier: 'standard',
};

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;
}

/** Marks the time of a chunk: followed by 16 digits, the microseconds of the machine's monotonic clock. */
export const STAMP = '~@';
export const STAMP_DIGITS = 16;

export interface StreamPieces {
  readonly start: string;
  /** A chunk is `before`, the digits, `after`. */
  readonly before: string;
  readonly after: string;
  readonly end: string;
}

export function streamPieces(): StreamPieces {
  const mark = '0'.repeat(STAMP_DIGITS);
  const delta = event('content_block_delta', {
    index: 0,
    delta: { type: 'text_delta', text: ` and then the second part ${STAMP}${mark}~` },
  });
  const [before = '', after = ''] = delta.split(mark);
  return {
    start:
      event('message_start', {
        message: {
          id: 'msg_01BenchBenchBenchBenchBe',
          type: 'message',
          role: 'assistant',
          model: MODEL,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { ...USAGE, output_tokens: 1 },
        },
      }) + event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    before,
    after,
    end:
      event('content_block_stop', { index: 0 }) +
      event('message_delta', {
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: { output_tokens: 230 },
      }) +
      event('message_stop', {}),
  };
}

/** Microseconds of the monotonic clock, the same in every process of this machine. */
export function monotonicMicros(): number {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1_000_000 + Math.floor(nanos / 1000);
}
