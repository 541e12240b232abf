import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ChainCheck, type Problem } from './verify-chain.ts';
import { LONGEST_SEGMENT, notAFile, rawLines } from './verify-lines.ts';
import { type Checker, checkerOf, headsOf, type NamedHead, type ReadCheckpoint, text } from './verify-signatures.ts';

/** The offline verifier (P6). It and its parts import nothing but Node itself: an error of the writer cannot hide in both. */

export interface WriterReport {
  readonly writer: string;
  readonly segments: number;
  readonly records: number;
  /** Sequence number of the oldest kept record. */
  readonly first: number | null;
  readonly head: { readonly seq: number; readonly hash: string } | null;
  /** What the newest segment says: `written` records may have been lost with the power. */
  readonly durability: string | null;
  /** Intents without an outcome: calls that run now, or were cut off by a crash that no start has repaired yet. */
  readonly openIntents: number;
  /** Bytes behind the last finished line: a write under way, or a crash that no start has repaired yet. */
  readonly tornTail: { readonly file: string; readonly bytes: number } | null;
  /** What earlier starts cut off and kept. */
  readonly tornFiles: readonly { readonly file: string; readonly bytes: number }[];
  /** The signed record that accounts for the records before the oldest kept one. */
  readonly retired: { readonly through: number; readonly recordedIn: number } | null;
  /** At most 200 of them; `problemCount` counts all. */
  readonly problems: readonly Problem[];
  readonly problemCount: number;
}

export interface VerifyReport {
  /** True when nothing at all is wrong. */
  readonly ok: boolean;
  readonly writers: readonly WriterReport[];
  /** What is wrong beyond the writers: the checkpoint, the key, the folder. */
  readonly problems: readonly string[];
  /** What could not be checked, and why. */
  readonly notes: readonly string[];
}

export interface VerifyOptions {
  /** The folder that holds a folder for every writer. */
  readonly dir: string;
  /** A checkpoint that was kept elsewhere, parsed from its JSON; without one, a cut end or a rewritten journal is not found. */
  readonly checkpoint?: unknown;
  /** Checkpoints before that one: a trail that was rewritten and went on agrees with the newest, but not with them. */
  readonly earlier?: readonly unknown[];
  /** PEM; without it no signature is checked. */
  readonly publicKey?: string;
  readonly onProgress?: (progress: { writer: string; file: string; records: number }) => void;
  /** Longest unpacked segment, in bytes; default 1 GiB. */
  readonly longestSegment?: number;
}

/** Reads the whole journal and reports everything that is wrong with it. Never throws because of what the files hold. */
export async function verifyJournal(options: VerifyOptions): Promise<VerifyReport> {
  const problems: string[] = [];
  const notes: string[] = [];
  const checker = keyFrom(options.publicKey, { problems, notes });
  const heads = checkpointFrom(options.checkpoint ?? null, checker, { problems, notes });
  const earlier = (options.earlier ?? []).flatMap((checkpoint) => earlierHeads(checkpoint, checker));
  const names = await writersIn(options.dir, problems);
  const writers: WriterReport[] = [];
  for (const writer of names) {
    const head = heads.find((candidate) => candidate.writer === writer) ?? null;
    const older = earlier.filter((candidate) => candidate.writer === writer);
    writers.push(await verifyWriter(options, { writer, head, checker, older }));
    if (head === null && heads.length > 0) notes.push(`the checkpoint does not name writer ${text(writer)}`);
  }
  for (const { writer } of heads) {
    if (!names.includes(writer))
      problems.push(`the checkpoint names writer ${text(writer)}, of which there is nothing here`);
  }
  if (names.length === 0) problems.push(`there is no journal in ${options.dir}`);
  return {
    ok: problems.length === 0 && writers.every((writer) => writer.problemCount === 0),
    writers,
    problems,
    notes,
  };
}

interface Remarks {
  readonly problems: string[];
  readonly notes: string[];
}

function keyFrom(pem: string | undefined, { problems, notes }: Remarks): Checker | null {
  if (pem === undefined) {
    notes.push('no signature was checked: no public key was given');
    return null;
  }
  try {
    return checkerOf(pem);
  } catch (error) {
    problems.push(sentence(error));
    return null;
  }
}

function checkpointFrom(checkpoint: unknown, checker: Checker | null, { problems, notes }: Remarks): NamedHead[] {
  if (checkpoint === null) {
    notes.push(
      'no checkpoint was given: records missing at the end, and a journal rewritten as a whole, are not found',
    );
    return [];
  }
  const read = headsOf(checkpoint);
  if (typeof read === 'string') {
    problems.push(read);
    return [];
  }
  const wrong = signatureFault(read, checker);
  if (wrong !== null) problems.push(`the checkpoint does not hold: ${wrong}`);
  return read.heads;
}

function signatureFault({ heads, at, fields }: ReadCheckpoint, checker: Checker | null): string | null {
  const list = heads.map((head) => [head.writer, head.segment, head.seq, head.hash]);
  return checker?.check('checkpoint', (key) => [1, at, key, list], fields) ?? null;
}

interface OlderHead extends NamedHead {
  readonly at: string;
  /** Whether the given key signed it. Asked only where it disagrees: there are thousands of them. */
  readonly holds: () => boolean;
}

function earlierHeads(checkpoint: unknown, checker: Checker | null): OlderHead[] {
  const read = headsOf(checkpoint);
  if (typeof read === 'string') return [];
  const holds = (): boolean => signatureFault(read, checker) === null;
  return read.heads.map((head) => ({ ...head, at: read.at, holds }));
}

async function writersIn(dir: string, problems: string[]): Promise<string[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    const named = entries.filter((entry) => entry.isDirectory() && /^[a-z0-9][a-z0-9_-]{0,62}$/i.test(entry.name));
    return named.map((entry) => entry.name).sort();
  } catch (error) {
    problems.push(`${dir} cannot be read: ${sentence(error)}`);
    return [];
  }
}

interface Subject {
  readonly writer: string;
  readonly head: NamedHead | null;
  readonly checker: Checker | null;
  readonly older: readonly OlderHead[];
}

async function verifyWriter(options: VerifyOptions, { writer, head, checker, older }: Subject): Promise<WriterReport> {
  const folder = join(options.dir, writer);
  const check = new ChainCheck(
    writer,
    new Set([...older, ...(head === null ? [] : [head])].map(({ seq }) => seq)),
    checker,
  );
  const { segments, tornFiles } = await filesOf(folder, check);
  let tornTail: WriterReport['tornTail'] = null;
  for (const [index, files] of segments.entries()) {
    const longest = options.longestSegment ?? LONGEST_SEGMENT;
    tornTail = await verifySegment(check, files, { newest: index === segments.length - 1, longest });
    options.onProgress?.({ writer, file: files.path, records: check.records });
  }
  if (segments.length === 0) check.report(folder, null, 'the folder holds no segment');
  const retired = accountForGap(check, folder);
  if (head !== null) compareHead(check, folder, head);
  compareOlder(check, folder, older);
  const { first, seq, hash, records, durability, problems, problemCount } = check;
  const end = seq === null ? null : { seq, hash };
  const counts = { segments: segments.length, records, openIntents: check.open.size, problemCount };
  return { writer, first, head: end, durability, tornTail, tornFiles, retired, problems, ...counts };
}

interface SegmentFiles {
  readonly name: string;
  readonly path: string;
  /** The packed copy of a plain file, which must hold the same. */
  readonly copy: string | null;
}

async function filesOf(folder: string, check: ChainCheck) {
  const segments = new Map<string, SegmentFiles>();
  const tornFiles: { file: string; bytes: number }[] = [];
  // Sorted, a plain file comes right before its packed copy.
  for (const file of (await readdir(folder).catch(() => [])).sort()) {
    const path = join(folder, file);
    const name = /^(\d{12})\.jsonl(\.gz)?$/.exec(file)?.[1];
    if (name !== undefined) {
      const plain = segments.get(name);
      segments.set(name, plain === undefined ? { name, path, copy: null } : { ...plain, copy: path });
    } else if (/\.jsonl(\.gz)?$/.test(file)) check.report(path, null, 'the file is not named like a segment');
    else if (/\.torn-\d+$/.test(file)) {
      tornFiles.push({ file: path, bytes: (await lstat(path).catch(() => null))?.size ?? 0 });
    }
  }
  return { segments: [...segments.values()], tornFiles };
}

async function verifySegment(
  check: ChainCheck,
  files: SegmentFiles,
  { newest, longest }: { newest: boolean; longest: number },
) {
  let { path } = files;
  let wrong = await notAFile(path);
  if (wrong !== null && !path.endsWith('.gz') && (await notAFile(`${path}.gz`)) === null) {
    // A running gateway packed it since the folder was read.
    path = `${path}.gz`;
    wrong = null;
  }
  check.enter(path, files.name);
  let tail: WriterReport['tornTail'] = null;
  try {
    if (wrong !== null) throw new Error(wrong);
    for await (const line of rawLines(path, longest)) {
      if (line.finished) check.take(line);
      else if (newest) tail = { file: path, bytes: line.length };
      else check.report(path, { line: line.number }, 'the last line is not finished');
    }
    if (files.copy !== null && (await digestOf(path, longest)) !== (await digestOf(files.copy, longest))) {
      check.report(files.copy, null, 'the packed copy does not hold what the plain segment holds');
    }
  } catch (error) {
    check.report(path, null, `the file cannot be read to its end: ${sentence(error)}`);
  }
  return tail;
}

async function digestOf(path: string, longest: number): Promise<string> {
  const sum = createHash('sha256');
  if (path.endsWith('.gz')) {
    for await (const { bytes, finished } of rawLines(path, longest))
      sum.update(bytes ?? '').update(finished ? '\n' : '');
  } else {
    for await (const chunk of createReadStream(path)) sum.update(chunk as Buffer);
  }
  return sum.digest('hex');
}

/** Whoever removes the oldest segments without the signing key cannot write the record that accounts for them. */
function accountForGap(check: ChainCheck, folder: string): WriterReport['retired'] {
  const { gap, first, retirements } = check;
  if (first === null || first === 1) return null;
  const record = retirements.find(
    ({ segment, head, last }) => segment === gap?.segment && head === gap.head && last === first - 1,
  );
  if (record !== undefined) return { through: record.last, recordedIn: record.seq };
  check.report(
    folder,
    null,
    `the records before ${first} are missing, and no signed record says that they were retired`,
  );
  return null;
}

function compareHead(check: ChainCheck, folder: string, { seq, hash }: NamedHead): void {
  const last = check.retirements.find((retirement) => retirement.last === seq);
  const found = check.found.get(seq);
  if (found === hash || (found === undefined && last?.head === hash)) return;
  const at = { line: null, seq };
  if (found !== undefined) {
    check.report(folder, at, `record ${seq} is not the one that the checkpoint names: the journal was rewritten`);
  } else if (check.first !== null && seq < check.first) {
    check.report(folder, at, `the checkpoint names record ${seq}, which was retired: use a newer checkpoint`);
  } else {
    check.report(
      folder,
      at,
      `the checkpoint names record ${seq}, but the journal ends with record ${check.seq}: records are missing`,
    );
  }
}

/** One that disagrees says it all. Those signed by an earlier key, or about retired records, are passed over. */
function compareOlder(check: ChainCheck, folder: string, older: readonly OlderHead[]): void {
  const { first } = check;
  if (first === null) return;
  const wrong = older.find(({ seq, hash, holds }) => seq >= first && check.found.get(seq) !== hash && holds());
  if (wrong === undefined) return;
  const { seq, at } = wrong;
  const problem = `record ${seq} is not the one that the checkpoint of ${text(at)} names: the journal was rewritten or put back`;
  check.report(folder, { line: null, seq }, problem);
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
