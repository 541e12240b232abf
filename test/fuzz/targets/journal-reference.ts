import { createHash, generateKeyPairSync, sign } from 'node:crypto';

export interface Segment {
  readonly name: string;
  readonly bytes: Buffer;
}

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
export const PUBLIC_KEY = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const KEY_ID = createHash('sha256')
  .update(publicKey.export({ type: 'spki', format: 'der' }))
  .digest('hex')
  .slice(0, 16);

const hashOf = (line: string): string => createHash('sha256').update(line).digest('hex');

function signature(purpose: string, values: readonly unknown[]): { key: string; signature: string } {
  const text = `gatehouse ${purpose}\n${JSON.stringify(values)}`;
  return { key: KEY_ID, signature: sign(null, Buffer.from(text), privateKey).toString('base64') };
}

/** Lines of a chain, written by the format's own description (docs/journal.md) and by nothing of the journal's code. */
class Writer {
  readonly segments: { name: string; lines: string[] }[] = [];
  #seq = 0;
  #prev = '0'.repeat(64);

  add(kind: string, body: object, id = `rec_${this.#seq + 1}`): void {
    const line = JSON.stringify({
      seq: ++this.#seq,
      prev: this.#prev,
      id,
      at: '2026-11-24T12:00:00.000Z',
      kind,
      ...body,
    });
    this.#prev = hashOf(line);
    this.segments.at(-1)?.lines.push(line);
  }

  open(more: object): void {
    const before = this.segments.at(-1)?.name;
    this.segments.push({ name: String(this.#seq + 1).padStart(12, '0'), lines: [] });
    const previous = before === undefined ? null : { segment: before, head: this.#prev };
    this.add('segment.open', { format: 1, writer: 'one', durability: 'synced', previous, ...more });
  }

  seal(): void {
    const name = this.segments.at(-1)?.name ?? '';
    this.add('segment.seal', signature('segment.seal', ['one', name, this.#seq, this.#prev, KEY_ID]));
  }
}

function made(): Segment[] {
  const writer = new Writer();
  writer.open({ open_intents: [], outbox: 0 });
  writer.add('intent', { model: 'a' }, 'rec_a');
  writer.add('change', { outbox: 1, n: 5 });
  writer.add('outcome', { intent: 'rec_a' });
  writer.add('intent', { model: 'é' }, 'rec_b');
  writer.seal();
  writer.open({ open_intents: ['rec_b'], outbox: 1 });
  writer.add('outcome', { intent: 'rec_b' });
  writer.add('gateway', { n: 7, what: '\\u0041' });
  return writer.segments.map(({ name, lines }) => ({
    name,
    bytes: Buffer.from(lines.map((line) => `${line}\n`).join('')),
  }));
}

let sample: Segment[] | undefined;

/** A sound journal of two segments, the first sealed. */
export function sampleJournal(): Segment[] {
  sample ??= made();
  return sample;
}

/** Every line, as latin1. */
export function linesOf(segments: readonly Segment[]): string[] {
  return segments.flatMap(({ bytes }) => bytes.toString('latin1').split('\n').slice(0, -1));
}

/** A signed checkpoint of the journal's end. */
export function checkpointOf(segments: readonly Segment[]): object {
  const lines = linesOf(segments);
  const last = Buffer.from(lines.at(-1) ?? '', 'latin1').toString();
  const head = { writer: 'one', segment: segments.at(-1)?.name, seq: lines.length, hash: hashOf(last) };
  const at = '2026-11-24T12:00:00.000Z';
  const list = [[head.writer, head.segment, head.seq, head.hash]];
  return { format: 1, at, heads: [head], ...signature('checkpoint', [1, at, KEY_ID, list]) };
}
