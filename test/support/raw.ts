import { type IncomingHttpHeaders, request } from 'node:http';

export interface RawReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: Uint8Array | string;
  /** Called with each piece of the answer. */
  readonly onData?: (chunk: Buffer, destroy: () => void) => void;
}

/** One request with node's own client: nothing is added that the test did not ask for, no redirects, no decoding. */
export function raw(url: string, options: RawRequest = {}): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const outgoing = request(
      {
        host: hostname,
        port,
        // As given: a URL would be normalised before it is sent.
        path: options.path ?? '/v1/messages',
        method: options.method ?? 'POST',
        agent: false,
        headers: { authorization: 'Bearer good', 'content-type': 'application/json', ...options.headers },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          options.onData?.(chunk, () => outgoing.destroy());
        });
        incoming.on('error', reject);
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            rawHeaders: incoming.rawHeaders,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}

export const CALL = JSON.stringify({
  model: 'claude-sonnet-5-5',
  max_tokens: 16,
  messages: [{ role: 'user', content: 'hi' }],
});

export const STREAM_CALL = JSON.stringify({
  model: 'claude-sonnet-5-5',
  max_tokens: 16,
  stream: true,
  messages: [{ role: 'user', content: 'hi' }],
});

export function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

export const MESSAGE_START = event('message_start', {
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-5-5',
    content: [],
    usage: { input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 1 },
  },
});

export const MESSAGE_END =
  event('message_delta', { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 7 } }) +
  event('message_stop', { type: 'message_stop' });

export function delta(text: string): string {
  return event('content_block_delta', {
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text },
  });
}
