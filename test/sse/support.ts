import { Stream } from '@anthropic-ai/sdk/core/streaming';

/** An event as the SDK's decoder gives it: `event` is null when there was no event field. */
export type Seen = readonly [event: string | null, data: string];

export const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8');

/** Cuts `bytes` at these places (taken modulo the length). */
export function split(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...cuts, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : cuts[i - 1], end));
}

export function response(chunks: readonly Uint8Array[]): Response {
  const body = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) if (chunk.length > 0) controller.enqueue(chunk);
      controller.close();
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

/** What the official SDK reads from these chunks, before it looks at names or JSON. */
export async function sdkEvents(chunks: readonly Uint8Array[]): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const { event, data } of Stream.rawEvents(response(chunks))) seen.push([event, data]);
  return seen;
}

/** What the WHATWG text says, read off its steps on the whole stream at once; null stands for the default type. */
export function standardEvents(bytes: Uint8Array): Seen[] {
  const seen: Seen[] = [];
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\r|\n/);
  lines.pop();
  let type: string | null = null;
  let data = '';
  for (const line of lines) {
    if (line === '') {
      if (data !== '') seen.push([type === '' ? null : type, data.slice(0, -1)]);
      type = null;
      data = '';
    }
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/su.exec(line) ?? [];
    if (field === 'event') type = value ?? '';
    if (field === 'data') data += `${value ?? ''}\n`;
  }
  return seen;
}
