import http from 'node:http';
import { after } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import {
  type SimulatedUpstream,
  type SimulatedUpstreamOptions,
  startSimulatedUpstream,
} from '../../src/upstream/simulated/server.ts';

/** A running simulation that the test file closes at its end. */
export async function simulation(options: SimulatedUpstreamOptions = {}): Promise<SimulatedUpstream> {
  const upstream = await startSimulatedUpstream(options);
  after(() => upstream.close());
  return upstream;
}

/** The official SDK, pointed at a simulation, without retries. */
export function sdk(upstream: SimulatedUpstream, apiKey = 'simulated-key'): Anthropic {
  return new Anthropic({ baseURL: upstream.url, apiKey, maxRetries: 0, authToken: null });
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  /** False when the connection broke before the answer ended. */
  readonly complete: boolean;
}

export interface RawRequest {
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

/** A request whose answer is kept byte for byte, also when it breaks off. */
export function raw(upstream: SimulatedUpstream, path: string, request: RawRequest = {}): Promise<RawAnswer> {
  const { method = 'POST', headers = {}, body } = request;
  return new Promise((resolve, reject) => {
    const out = http.request(
      `${upstream.url}${path}`,
      {
        method,
        agent: false,
        headers: { 'x-api-key': 'simulated-key', 'content-type': 'application/json', ...headers },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', () => undefined);
        answer.on('close', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: Buffer.concat(chunks),
            complete: answer.complete,
          }),
        );
      },
    );
    out.on('error', reject);
    out.end(body);
  });
}

/** The body of a Messages request with one user text. */
export function prompt(text: string, rest: object = {}): string {
  return JSON.stringify({
    model: 'claude-opus-5-5',
    max_tokens: 1000,
    messages: [{ role: 'user', content: text }],
    ...rest,
  });
}

export interface Event {
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** The complete events of a stream in the framing the API uses: one `event:` line, one `data:` line, a blank line. */
export function events(body: Buffer): Event[] {
  return body
    .toString('utf8')
    .split('\n\n')
    .slice(0, -1)
    .map((frame) => {
      const match = /^event: (\S+)\ndata: (.*)$/.exec(frame);
      if (match === null) throw new Error(`not a frame of the API: ${frame}`);
      return { event: match[1] ?? '', data: JSON.parse(match[2] ?? '') as Record<string, unknown> };
    });
}

/** All text of a stream's deltas. */
export function textOf(stream: readonly Event[]): string {
  return stream.map(({ data }) => (data.delta as { text?: string } | undefined)?.text ?? '').join('');
}
