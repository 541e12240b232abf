/** Writes a journal the way the format says, sharing no code with the journal itself. */
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export interface Written {
  readonly seq: number;
  readonly id: string;
  readonly at: string;
  readonly kind: string;
  readonly hash: string;
  readonly body: Record<string, unknown>;
}

interface Segment {
  readonly first: number;
  sealed: boolean;
  compressed: boolean;
}

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

export class FixtureJournal {
  readonly root = mkdtempSync(join(tmpdir(), 'gatehouse-views-'));
  readonly dir = join(this.root, 'journal');
  readonly folder = join(this.dir, 'main');
  readonly databasePath = join(this.root, 'usage.db');
  /** Every record ever written, retired ones included. */
  readonly written: Written[] = [];
  readonly segments: Segment[] = [];
  now = Date.UTC(2026, 2, 1, 12);
  #hash = '0'.repeat(64);
  #ids = 0;

  constructor() {
    mkdirSync(this.folder, { recursive: true });
    this.#open();
  }

  get seq(): number {
    return this.written.length;
  }

  append(kind: string, body: Record<string, unknown>, id = this.newId()): Written {
    const seq = this.seq + 1;
    const at = new Date(this.now).toISOString();
    const line = JSON.stringify({ seq, prev: this.#hash, id, at, kind, ...body });
    this.#hash = createHash('sha256').update(line).digest('hex');
    appendFileSync(this.#path(this.segments.at(-1)!), `${line}\n`);
    const written = { seq, id, at, kind, hash: this.#hash, body };
    this.written.push(written);
    return written;
  }

  /** A record id of this moment, or of `time`. */
  newId(time = this.now): string {
    let rest = (BigInt(time) << 80n) | BigInt(++this.#ids);
    let text = '';
    for (let i = 0; i < 26; i++, rest >>= 5n) text = ALPHABET[Number(rest & 31n)] + text;
    return `rec_${text}`;
  }

  roll(): void {
    this.append('segment.seal', { records: 0 });
    this.segments.at(-1)!.sealed = true;
    this.#open();
  }

  /** Compresses the oldest sealed segment that is not yet. */
  compress(): void {
    const segment = this.segments.find(({ sealed, compressed }) => sealed && !compressed);
    if (segment === undefined) return;
    const plain = this.#path(segment);
    const packed = gzipSync(readFileSync(plain));
    segment.compressed = true;
    writeFileSync(this.#path(segment), packed);
    rmSync(plain);
  }

  /** Retires the oldest sealed segment; `balances` writes them as of a sequence number to a file. False when none is sealed. */
  async retire(balances: (seq: number, file: string) => Promise<{ sha256: string }>): Promise<boolean> {
    const [oldest, next] = this.segments;
    if (oldest === undefined || next === undefined) return false;
    const last = next.first - 1;
    const file = `balances-${last}.jsonl`;
    const { sha256 } = await balances(last, join(this.folder, file));
    const head = this.written[last - 1]!.hash;
    this.append('segment.retired', {
      segment: name(oldest.first),
      first: oldest.first,
      last,
      head,
      balances: { file, sha256 },
    });
    rmSync(this.#path(oldest));
    this.segments.shift();
    return true;
  }

  path(index: number): string {
    return this.#path(this.segments[index]!);
  }

  /** Drops everything after record `seq` of the open segment, as a restore of an older copy does. */
  truncateTo(seq: number): void {
    const open = this.segments.at(-1)!;
    const lines = readFileSync(this.#path(open), 'utf8').split('\n');
    writeFileSync(this.#path(open), `${lines.slice(0, seq - open.first + 1).join('\n')}\n`);
    this.written.length = seq;
    this.#hash = this.written[seq - 1]!.hash;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #open(): void {
    this.segments.push({ first: this.seq + 1, sealed: false, compressed: false });
    this.append('segment.open', { format: 1, writer: 'main' });
  }

  #path({ first, compressed }: Segment): string {
    return join(this.folder, `${name(first)}.jsonl${compressed ? '.gz' : ''}`);
  }
}

const name = (first: number): string => String(first).padStart(12, '0');

const PEOPLE = 'per_0000000000000000000000000';
export const CALLERS = [
  { who: `${PEOPLE}1`, key: 'key_a', team: 'tea_x' },
  { who: `${PEOPLE}1`, key: 'key_b', team: 'tea_y' },
  { who: `${PEOPLE}2`, key: 'key_c', team: null },
  { who: 'svc_00000000000000000000000003', key: 'key_d', team: 'tea_x' },
] as const;

/** Usage reports with what they must count as: input, write 5 min, write 1 h, read, output, searches, metered. */
export const REPORTS: readonly {
  readonly usage: unknown;
  readonly counts: readonly number[];
  readonly metered: boolean;
}[] = [
  { usage: null, counts: [0, 0, 0, 0, 0, 0], metered: false },
  { usage: {}, counts: [0, 0, 0, 0, 0, 0], metered: false },
  { usage: { input_tokens: 10, output_tokens: 5 }, counts: [10, 0, 0, 0, 5, 0], metered: true },
  { usage: { input_tokens: 0, output_tokens: 1, service_tier: 'x' }, counts: [0, 0, 0, 0, 1, 0], metered: true },
  {
    usage: {
      input_tokens: 3,
      cache_creation_input_tokens: 300,
      cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
      cache_read_input_tokens: 4000,
      output_tokens: 50,
      server_tool_use: { web_search_requests: 2 },
    },
    counts: [3, 100, 200, 4000, 50, 2],
    metered: true,
  },
  {
    usage: {
      input_tokens: 1,
      cache_creation_input_tokens: 7,
      cache_creation: null,
      output_tokens: 2,
      server_tool_use: null,
    },
    counts: [1, 7, 0, 0, 2, 0],
    metered: true,
  },
  {
    usage: {
      input_tokens: 1,
      cache_creation_input_tokens: 9,
      cache_creation: { ephemeral_1h_input_tokens: 9 },
      output_tokens: 2,
    },
    counts: [1, 0, 9, 0, 2, 0],
    metered: true,
  },
  { usage: { input_tokens: -1, output_tokens: 5 }, counts: [0, 0, 0, 0, 5, 0], metered: false },
  { usage: { input_tokens: 1.5, output_tokens: 6 }, counts: [0, 0, 0, 0, 6, 0], metered: false },
  { usage: { input_tokens: '12', output_tokens: 7 }, counts: [0, 0, 0, 0, 7, 0], metered: false },
  { usage: { input_tokens: 1e15, output_tokens: 8 }, counts: [0, 0, 0, 0, 8, 0], metered: false },
  {
    usage: { input_tokens: 9, server_tool_use: { web_search_requests: -3 } },
    counts: [9, 0, 0, 0, 0, 0],
    metered: false,
  },
];
