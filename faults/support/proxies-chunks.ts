import { chunked, HOST_LINE, type Pen, post, type Row } from './proxies-rows.ts';

const CODING = 'Transfer-Encoding: chunked\r\n';
const sizeOf = (text: string): string => text.length.toString(16);

/** A body in chunks as `write` writes it. */
const row = (title: string, write: (pen: Pen) => string, more: Partial<Row> = {}): Row => ({
  title,
  most: 1,
  bytes: (pen) => post(pen, CODING, write(pen)),
  ...more,
});

/** A chunk whose size is spelled so. Who reads no size, or another, takes the tail for the next request. */
const size = (title: string, spell: (hex: string) => string, more: Partial<Row> = {}): Row =>
  row(
    title,
    ({ body, tail }) => {
      const data = body + tail;
      return `${spell(sizeOf(data))}\r\n${data}\r\n0\r\n\r\n`;
    },
    more,
  );

/** Fields behind the last chunk. */
const trailer = (title: string, lines: (pen: Pen) => string): Row =>
  row(title, (pen) => `${sizeOf(pen.body)}\r\n${pen.body}\r\n0\r\n${lines(pen)}\r\n`);

/** Each is sent twice, once with either tail. */
export const CHUNKS: readonly Row[] = [
  row('chunks', ({ body }) => chunked(body), { served: true }),
  row('a chunk extension', ({ body }) => chunked(body).replace('\r\n', ';name=value\r\n')),
  row('an extension that ends in a bare LF', ({ body, tail }) => {
    const inner = `${sizeOf(body)}\r\n${body}\r\n0\r\n\r\n${tail}`;
    return `${sizeOf(inner)};\n${inner}\r\n0\r\n\r\n`;
  }),
  row('an extension with a bare LF inside', ({ body, tail }) => {
    return `${sizeOf(body)};a\n${body}\r\n0\r\n\r\n${tail}`.replace('\r\n0\r\n\r\n', `\r\n${sizeOf(tail)};\n0\r\n\r\n`);
  }),
  row('an extension with a bare CR', ({ body, tail }) => `${sizeOf(body + tail)};a\rb\r\n${body}${tail}\r\n0\r\n\r\n`),
  row('an extension with NUL', ({ body, tail }) => `${sizeOf(body + tail)};\0\r\n${body}${tail}\r\n0\r\n\r\n`),
  size('a chunk size with 0x', (hex) => `0x${hex}`),
  size('a chunk size with minus', (hex) => `-${hex}`),
  size('a chunk size with plus', (hex) => `+${hex}`),
  size('a chunk size with an underscore', (hex) => `${hex.slice(0, 1)}_${hex.slice(1)}`),
  size('a chunk size with spaces behind', (hex) => `${hex}   `),
  size('a chunk size with a space in front', (hex) => ` ${hex}`),
  size('a chunk size with a tab behind', (hex) => `${hex}\t`),
  size('a chunk size beyond 64 bits', (hex) => `1${hex.padStart(16, '0')}`),
  size('a chunk size with many zeros', (hex) => hex.padStart(40, '0')),
  size('a chunk size that is no number', (hex) => `${hex}g`),
  size('an empty chunk size', () => ''),
  row('a chunk size that ends in a bare LF', ({ body, tail }) => {
    return `${sizeOf(body + tail)}\n${body}${tail}\r\n0\r\n\r\n`;
  }),
  row('a chunk size that ends in a bare CR', ({ body, tail }) => {
    return `${sizeOf(body + tail)}\r${body}${tail}\r\n0\r\n\r\n`;
  }),
  row('a chunk that ends in other bytes', ({ body, tail }) => `${sizeOf(body)}\r\n${body}XX0\r\n\r\n${tail}`, {
    most: 0,
  }),
  row('a chunk that ends in a bare LF', ({ body, tail }) => `${sizeOf(body)}\r\n${body}\n0\r\n\r\n${tail}`),
  row('a chunk without an end', ({ body, tail }) => `${sizeOf(body)}\r\n${body}0\r\n\r\n${tail}`, { most: 0 }),
  row('a chunk longer than it says', ({ body, tail }) => `${sizeOf(body)}\r\n${body}${tail}\r\n0\r\n\r\n`, { most: 0 }),
  row('a last chunk with bare LFs', ({ body, tail }) => `${sizeOf(body)}\r\n${body}\r\n0\n\n${tail}`),
  row('a last chunk with minus', ({ body, tail }) => `${sizeOf(body)}\r\n${body}\r\n-0\r\n\r\n${tail}`),
  row('a last chunk in hexadecimal notation', ({ body, tail }) => `${sizeOf(body)}\r\n${body}\r\n0x0\r\n\r\n${tail}`),
  row('an end of chunks by CR CR', ({ body, tail }) => `${sizeOf(body)}\r\n${body}\r\n0\r\n\r\r${tail}`),
  trailer('a trailer with a length', ({ tail }) => `Content-Length: ${tail.length}\r\n`),
  trailer('a trailer with a coding', () => 'Transfer-Encoding: identity\r\n'),
  trailer('a trailer with another credential', () => 'Authorization: Bearer ghk_of_somebody\r\nx-api-key: other\r\n'),
  trailer('a trailer with another host', () => 'Host: evil.example\r\n'),
  trailer('a trailer with a folded line', () => 'X: y\r\n z\r\n'),
  row('a trailer that holds a request', ({ body, tail }) => `${sizeOf(body)}\r\n${body}\r\n0\r\nX: y\n\n${tail}`),
  {
    title: 'HTTP/1.0 with chunks, kept alive',
    most: 1,
    bytes: (pen) =>
      post(
        pen,
        `${CODING}Connection: keep-alive\r\nContent-Length: ${(chunked(pen.body) + pen.tail).length}\r\n`,
        chunked(pen.body) + pen.tail,
        `POST /v1/messages?row HTTP/1.0\r\n${HOST_LINE}`,
      ),
  },
];
