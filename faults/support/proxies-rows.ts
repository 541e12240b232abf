import { HOST } from './proxies.ts';

/** What the rows of one attacker on one route are written with. */
export interface Pen {
  /** The attacker's own key. */
  readonly key: string;
  /** The body of the request that is meant. */
  readonly body: string;
  /** The body of a second request that is meant as well. */
  readonly second: string;
  /** What must never be read as a request: a whole one, or the beginning of one that would swallow the victim's. */
  readonly tail: string;
}

export interface Row {
  readonly title: string;
  readonly bytes: (pen: Pen) => string | Buffer;
  /** Most requests that the strict reading (RFC 9112) lets reach the provider. */
  readonly most: number;
  /** True where all of them must, on every route: without such rows nothing would be proven by silence. */
  readonly served?: boolean;
}

export const START = 'POST /v1/messages?row HTTP/1.1\r\n';
export const HOST_LINE = `Host: ${HOST}\r\n`;
const JSON_LINE = 'Content-Type: application/json\r\n';
/** In every head below, so that nothing is refused for the lack of it. */
export const usual = (key: string): string => `${JSON_LINE}x-api-key: ${key}\r\n`;

/** A head with these further lines, each with its CRLF, and what follows it. */
export function post(pen: Pen, lines: string, rest: string, start = START + HOST_LINE): string {
  return `${start}${usual(pen.key)}${lines}\r\n${rest}`;
}

/** A plain request that nobody can read in two ways. */
export const plain = (pen: Pen, body = pen.body): string => post(pen, `Content-Length: ${body.length}\r\n`, body);

export const chunked = (body: string): string => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

/** A complete smuggled request with the attacker's key, and this mark in its target. */
export function wholeTail(key: string, body: string, mark: string): string {
  const start = `POST /v1/messages?${mark} HTTP/1.1\r\n${HOST_LINE}`;
  return post({ key, body, second: '', tail: '' }, `Content-Length: ${body.length}\r\n`, body, start);
}

/** The beginning of one: the request line of whoever comes next becomes a header of it, and their key its credential. */
export const OPEN_TAIL = `POST /v1/messages?smuggled HTTP/1.1\r\n${JSON_LINE}X-Swallow: `;

/** Front by length, back by chunks: the body ends early for whoever counts chunks. */
const clTe = (title: string, lines: string): Row => ({
  title: `${title}, length covers all`,
  most: 1,
  bytes: (pen) => {
    const rest = chunked(pen.body) + pen.tail;
    return post(pen, lines.replace('LENGTH', `Content-Length: ${rest.length}`), rest);
  },
});

/** Front by chunks, back by length: the body ends early for whoever counts bytes. */
const teCl = (title: string, lines: string): Row => ({
  title: `${title}, length covers the body alone`,
  most: 1,
  bytes: (pen) => {
    const size = `${(pen.body.length + pen.tail.length).toString(16)}\r\n`;
    const length = size.length + pen.body.length;
    const rest = `${size}${pen.body}${pen.tail}\r\n0\r\n\r\n`;
    return post(pen, lines.replace('LENGTH', `Content-Length: ${length}`), rest);
  },
});

const CODINGS: readonly (readonly [title: string, lines: string])[] = [
  ['length, then coding', 'LENGTH\r\nTransfer-Encoding: chunked\r\n'],
  ['coding, then length', 'Transfer-Encoding: chunked\r\nLENGTH\r\n'],
  ['an unknown coding', 'LENGTH\r\nTransfer-Encoding: xchunked\r\n'],
  ['a space before the colon of the coding', 'LENGTH\r\nTransfer-Encoding : chunked\r\n'],
  ['a tab before the coding', 'LENGTH\r\nTransfer-Encoding:\tchunked\r\n'],
  ['a vertical tab before the coding', 'LENGTH\r\nTransfer-Encoding: \x0bchunked\r\n'],
  ['a second coding line, identity', 'LENGTH\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n'],
  ['identity, then chunked', 'LENGTH\r\nTransfer-Encoding: identity, chunked\r\n'],
  ['chunked, then identity', 'LENGTH\r\nTransfer-Encoding: chunked, identity\r\n'],
  ['a quoted coding', 'LENGTH\r\nTransfer-Encoding: "chunked"\r\n'],
  ['a coding with a parameter', 'LENGTH\r\nTransfer-Encoding: chunked;q=0.5\r\n'],
  ['a coding with an empty member', 'LENGTH\r\nTransfer-Encoding: ,chunked\r\n'],
  ['a folded coding', 'LENGTH\r\nTransfer-Encoding:\r\n chunked\r\n'],
  ['a coding in capitals', 'LENGTH\r\nTransfer-Encoding: CHUNKED\r\n'],
  ['a coding with NUL', 'LENGTH\r\nTransfer-Encoding: chunked\0\r\n'],
  ['a coding with a letter that lower-cases to k', 'LENGTH\r\nTransfer-Encoding: chun\u00e2\u0084\u00aaed\r\n'],
  ['a coding behind a bare LF', 'LENGTH\r\nX: y\nTransfer-Encoding: chunked\r\n'],
  ['a coding behind a bare CR', 'LENGTH\r\nX: y\rTransfer-Encoding: chunked\r\n'],
  ['a coding behind a leading space', 'LENGTH\r\n Transfer-Encoding: chunked\r\n'],
  ['a coding that Connection nominates', 'LENGTH\r\nTransfer-Encoding: chunked\r\nConnection: transfer-encoding\r\n'],
];

/** Two lengths, one of which is that of the body alone and the other that of all. */
const lengths = (title: string, lines: (short: number, long: number) => string): Row => ({
  title,
  most: 1,
  bytes: (pen) => post(pen, lines(pen.body.length, pen.body.length + pen.tail.length), pen.body + pen.tail),
});

const LENGTHS: readonly Row[] = [
  lengths('two lengths, the short one first', (a, b) => `Content-Length: ${a}\r\nContent-Length: ${b}\r\n`),
  lengths('two lengths, the long one first', (a, b) => `Content-Length: ${b}\r\nContent-Length: ${a}\r\n`),
  lengths('the same length twice, all', (_, b) => `Content-Length: ${b}\r\nContent-Length: ${b}\r\n`),
  lengths('a list of two lengths', (a, b) => `Content-Length: ${a}, ${b}\r\n`),
  lengths('a list of the same length', (_, b) => `Content-Length: ${b}, ${b}\r\n`),
  lengths('a length with plus', (_, b) => `Content-Length: +${b}\r\n`),
  lengths('a length below zero', (_, b) => `Content-Length: -${b}\r\n`),
  lengths('a hexadecimal length', (_, b) => `Content-Length: 0x${b.toString(16)}\r\n`),
  lengths('two numbers in a length', (a, b) => `Content-Length: ${a} ${b}\r\n`),
  lengths('a length with zeros in front', (_, b) => `Content-Length: 000${b}\r\n`),
  lengths('a length with spaces around', (_, b) => `Content-Length:   ${b}  \r\n`),
  lengths('a length with a vertical tab', (_, b) => `Content-Length: ${b}\x0b\r\n`),
  lengths('a length beyond 64 bits', (_, b) => `Content-Length: ${18446744073709551616n + BigInt(b)}\r\n`),
  lengths('a length with a fraction', (_, b) => `Content-Length: ${b}.0\r\n`),
  lengths('a length with an exponent', (_, b) => `Content-Length: ${b}e0\r\n`),
  lengths('an underscore in a length', (_, b) => `Content-Length: ${String(b).slice(0, 1)}_${String(b).slice(1)}\r\n`),
  lengths('a space before the colon of the length', (a, b) => `Content-Length: ${b}\r\nContent-Length : ${a}\r\n`),
  lengths('a folded length', (_, b) => `Content-Length:\r\n ${b}\r\n`),
  lengths('a second length spelled with an underscore', (a, b) => `Content-Length: ${b}\r\nContent_Length: ${a}\r\n`),
  lengths('a length that Connection nominates', (_, b) => `Content-Length: ${b}\r\nConnection: content-length\r\n`),
  lengths('a length behind a bare LF', (a, b) => `Content-Length: ${b}\r\nX: y\nContent-Length: ${a}\r\n`),
  lengths('a length behind a bare CR', (a, b) => `Content-Length: ${b}\r\nX: y\rContent-Length: ${a}\r\n`),
  lengths('a length behind NUL', (a, b) => `Content-Length: ${b}\r\nX: y\0Content-Length: ${a}\r\n`),
];

/** Bodies of requests that have none, usually. */
const BODIES: readonly Row[] = ['GET', 'HEAD', 'OPTIONS', 'DELETE'].map((method) => ({
  title: `${method} with a body that is a request`,
  most: 0,
  bytes: (pen) =>
    post(pen, `Content-Length: ${pen.tail.length}\r\n`, pen.tail, `${method} /v1/models HTTP/1.1\r\n${HOST_LINE}`),
}));

/** Each is sent twice, once with either tail. */
export const FRAMING: readonly Row[] = [
  ...CODINGS.flatMap(([title, lines]) => [clTe(title, lines), teCl(title, lines)]),
  clTe('a coding spelled with an underscore', 'LENGTH\r\nTransfer_Encoding: chunked\r\n'),
  ...LENGTHS,
  ...BODIES,
];
