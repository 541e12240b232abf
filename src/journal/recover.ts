import { basename, join } from 'node:path';
import { failpoint } from '../kernel/failpoints.ts';
import { Chain } from './chain.ts';
import type { JournalFile, JournalFiles } from './files.ts';
import { type SegmentName, segmentName, segmentsAmong } from './names.ts';
import { JournalDamaged, type Scan, scanSegment } from './scan.ts';
import { SegmentFile, writeAll } from './segment.ts';

/** Where a start finds the journal. */
export interface Recovered {
  readonly chain: Chain;
  /** The segment to go on in; null when the very first one has to be created. A sealed one asks for its successor. */
  readonly segment: SegmentFile | null;
  /** Records in that segment. */
  readonly records: number;
  /** Files with bytes that were cut off and that no record names yet. */
  readonly tornFiles: readonly string[];
  readonly tornBytes: number;
}

/**
 * Reads the newest segment, cuts off what a crash left unfinished, and keeps those bytes beside it. Earlier segments are not read:
 * each segment's first line carries what matters of them.
 *
 * @throws JournalDamaged for a break that no crash explains
 */
export async function recover(files: JournalFiles, folder: string): Promise<Recovered> {
  const names = await files.list(folder);
  const segments = segmentsAmong(folder, names);
  const newest = segments.at(-1);
  if (newest === undefined) return { chain: new Chain(), segment: null, records: 0, tornFiles: [], tornBytes: 0 };
  const scan = await scanSegment(files, newest);
  if (newest.compressed && (scan.torn > 0 || !scan.sealed)) {
    throw new JournalDamaged(newest.path, scan.records + 1, 'the newest segment is packed without having been sealed');
  }
  if (scan.torn > 0) await cutTorn(files, folder, { newest, scan, names });
  const torn = await unreportedTorn(files, folder, { newest, scan });
  if (scan.records > 0) {
    return {
      chain: scan.chain,
      segment: await reopen(files, folder, { newest, scan }),
      records: scan.records,
      ...torn,
    };
  }
  return { ...(await beforeNewest(files, folder, segments)), ...torn };
}

/** The newest segment holds no record: a crash came while it was created. Its sealed predecessor is where the chain ends. */
async function beforeNewest(files: JournalFiles, folder: string, segments: readonly SegmentName[]) {
  const [previous, newest] = [segments.at(-2), segments.at(-1)];
  if (previous === undefined) {
    if (newest?.name !== segmentName(1))
      throw new JournalDamaged(newest?.path ?? folder, 1, 'the segment before it is missing');
    return { chain: new Chain(), segment: null, records: 0 };
  }
  const scan = await scanSegment(files, previous);
  if (scan.torn > 0 || !scan.sealed) {
    throw new JournalDamaged(previous.path, scan.records + 1, 'the segment has a successor but no seal');
  }
  if (newest?.first !== scan.chain.seq + 1) {
    throw new JournalDamaged(newest?.path ?? folder, 1, `the file's name does not follow record ${scan.chain.seq}`);
  }
  return { chain: scan.chain, segment: await reopen(files, folder, { newest: previous, scan }), records: scan.records };
}

async function reopen(files: JournalFiles, folder: string, { newest, scan }: { newest: SegmentName; scan: Scan }) {
  const file = await files.open(newest.path, 'existing');
  // What a killed process wrote may be readable without being on the disk.
  await file.datasync().catch(async (error) => {
    await file.close();
    throw error;
  });
  await files.syncFolder(folder);
  const segment = new SegmentFile({ files, folder, first: newest.first }, file, scan);
  segment.sealed = scan.sealed;
  return segment;
}

interface Torn {
  readonly newest: SegmentName;
  readonly scan: Scan;
  readonly names: readonly string[];
}

/** Copies the tail into `<segment>.torn-<n>`, durably, before cutting it off: it may be evidence. */
async function cutTorn(files: JournalFiles, folder: string, { newest, scan, names }: Torn): Promise<void> {
  const prefix = `${basename(newest.path)}.torn-`;
  let number = 1;
  while (names.includes(`${prefix}${number}`)) number++;
  const source = await files.open(newest.path, 'existing');
  try {
    const copy = await files.open(join(folder, `${prefix}${number}`), 'fresh');
    try {
      await copyTail(source, copy, scan.size);
    } finally {
      await copy.close();
    }
    await files.syncFolder(folder);
    failpoint('journal.torn-copied');
    await source.truncate(scan.size);
    await source.datasync();
  } finally {
    await source.close();
  }
}

async function copyTail(source: JournalFile, copy: JournalFile, from: number): Promise<void> {
  const buffer = Buffer.alloc(256 * 1024);
  for (let done = 0; ; ) {
    const got = await source.read(buffer, from + done);
    if (got === 0) break;
    await writeAll(copy, buffer.subarray(0, got), done);
    done += got;
  }
  await copy.datasync();
}

/** A crash between cutting and recording leaves a torn file that no record names: the next start names it. */
async function unreportedTorn(files: JournalFiles, folder: string, { newest, scan }: Omit<Torn, 'names'>) {
  const prefix = `${newest.name}.jsonl.torn-`;
  const tornFiles = (await files.list(folder))
    .filter((name) => name.startsWith(prefix) && !scan.reported.has(name))
    .sort();
  let tornBytes = 0;
  for (const name of tornFiles) {
    const file = await files.open(join(folder, name), 'existing');
    tornBytes += await file.size();
    await file.close();
  }
  return { tornFiles, tornBytes };
}
