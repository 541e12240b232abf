/** The journal's part of a backup: copying it while it is being written, and checking that a copy is whole. */
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { BackupError } from './backup-manifest.ts';

const SEGMENT = /^(\d{12})\.jsonl(\.gz)?$/;
/** Opening balances of a rebuild lie beside the segments. The writer's lock must never be opened by anyone else, and is not copied. */
const BALANCES = /^balances-\d{12}\.txt$/;
const NEWLINE = 10;
const ZERO_HASH = '0'.repeat(64);
/** Segments can be compressed or retired while they are copied; each attempt starts from what is there then. */
const ATTEMPTS = 5;

/**
 * Copies a writer's segments and balances into `to`, which must not exist. What stands after the last whole line, a record
 * still being written, stays behind. Never touches the original.
 */
export async function copyJournal(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await mkdir(to, { recursive: true, mode: 0o700 });
      const names = await readdir(from);
      for (const name of journalFiles(names)) {
        if (SEGMENT.test(name) && !name.endsWith('.gz')) await copyLines(join(from, name), join(to, name));
        else await copyFile(join(from, name), join(to, name), constants.COPYFILE_FICLONE);
      }
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === ATTEMPTS) throw error;
      await rm(to, { recursive: true });
    }
  }
}

/** The segments, the plain form where both stand side by side, and the balances that the records in them name. */
function journalFiles(names: readonly string[]): string[] {
  const plain = new Set(names);
  const segments = names.filter(
    (name) => SEGMENT.test(name) && !(name.endsWith('.gz') && plain.has(name.slice(0, -3))),
  );
  return [...segments.sort(), ...names.filter((name) => BALANCES.test(name))];
}

/** Copies a file of lines up to its last newline. */
export async function copyLines(from: string, to: string): Promise<void> {
  const target = await open(to, 'wx', 0o600);
  try {
    let written = 0;
    let whole = 0;
    for await (const chunk of createReadStream(from) as AsyncIterable<Buffer>) {
      await target.write(chunk);
      const last = chunk.lastIndexOf(NEWLINE);
      if (last !== -1) whole = written + last + 1;
      written += chunk.length;
    }
    await target.truncate(whole);
  } finally {
    await target.close();
  }
}

export interface JournalCopy {
  readonly head: { readonly seq: number; readonly hash: string };
  /** The balances that a rebuild from this copy starts with; null when it starts with the first record. */
  readonly balances: { readonly file: string; readonly sha256: string } | null;
}

/**
 * Walks through a copied journal and checks that it is one unbroken chain of whole lines, from its oldest segment to its end.
 *
 * @param marks hash by sequence number, from checkpoints, that the chain must pass through
 */
export async function checkJournal(dir: string, marks: ReadonlyMap<number, string>): Promise<JournalCopy> {
  const segments = (await readdir(dir)).filter((name) => SEGMENT.test(name)).sort();
  const first = Number(segments[0]?.slice(0, 12));
  if (Number.isNaN(first)) throw new BackupError('incomplete', `there is no journal in ${dir}`);
  const state: Walk = { seq: first - 1, hash: first === 1 ? ZERO_HASH : null, first, balances: null };
  for (const name of segments) {
    if (Number(name.slice(0, 12)) !== state.seq + 1)
      throw new BackupError('incomplete', `a segment before ${name} is missing`);
    for await (const line of wholeLines(join(dir, name), name)) follow(state, line, marks);
  }
  for (const seq of marks.keys()) {
    if (seq > state.seq)
      throw new BackupError('incomplete', `the journal ends at record ${state.seq}, a checkpoint names record ${seq}`);
  }
  if (state.hash === null) throw new BackupError('incomplete', `there is no record in ${dir}`);
  return { head: { seq: state.seq, hash: state.hash }, balances: state.balances };
}

interface Walk {
  seq: number;
  /** Hash of the line before; null while it is not known. */
  hash: string | null;
  readonly first: number;
  balances: JournalCopy['balances'];
}

function follow(state: Walk, line: Buffer, marks: ReadonlyMap<number, string>): void {
  const match = /^\{"seq":(\d{1,15}),"prev":"([0-9a-f]{64})",/.exec(line.toString('latin1', 0, 120));
  const [, seq, prev] = match ?? [];
  if (Number(seq) !== state.seq + 1 || (state.hash !== null && prev !== state.hash)) {
    throw new BackupError('changed', `the chain of the journal breaks after record ${state.seq}`);
  }
  state.seq++;
  state.hash = createHash('sha256').update(line).digest('hex');
  const mark = marks.get(state.seq);
  if (mark !== undefined && mark !== state.hash) {
    throw new BackupError('changed', `record ${state.seq} is another one than a checkpoint names`);
  }
  if (line.includes('"kind":"segment.retired"')) state.balances = balancesBefore(state, line) ?? state.balances;
}

function balancesBefore({ first }: Walk, line: Buffer): JournalCopy['balances'] {
  const record = JSON.parse(line.toString());
  if (record.kind !== 'segment.retired' || record.last !== first - 1) return null;
  const { file, sha256 } = record.balances ?? {};
  return typeof file === 'string' && typeof sha256 === 'string' ? { file, sha256 } : null;
}

async function* wholeLines(path: string, name: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path);
  const chunks = name.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  file.on('error', (error) => chunks.destroy(error));
  let rest: Buffer[] = [];
  for await (const chunk of chunks as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, at)]);
      rest = [];
      from = at + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  }
  if (rest.length > 0) throw new BackupError('incomplete', `${name} ends in the middle of a record`);
}
