import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/**
 * Why a backup or restore was refused:
 * - `exists` the backup's folder is there already; `not_empty` the data to be replaced is there and `force` was not given
 * - `incomplete` no manifest, files missing or left over, a journal without its end or its opening balances
 * - `changed` a file is not what the manifest says, or the journal contradicts itself or a checkpoint
 * - `unknown_format` made by a version this one does not know
 */
export type BackupProblem = 'exists' | 'not_empty' | 'incomplete' | 'changed' | 'unknown_format';

/** A backup that was not made, is not whole, or was not restored. The message is for the operator. */
export class BackupError extends Error {
  readonly problem: BackupProblem;

  constructor(problem: BackupProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BackupError';
    this.problem = problem;
  }
}

export const FORMAT = 'gatehouse-backup/1';
export const MANIFEST = 'manifest.json';

/** Where a file of a backup may lie. A manifest that names anything else could make a restore write anywhere. */
const PATH =
  /^(store\.db|keys\/signing\.key\.pub|checkpoints\/checkpoints\.jsonl|journal\/[a-z0-9][a-z0-9_-]*\/[a-z0-9][a-z0-9._-]*)$/i;
const SHA256 = /^[0-9a-f]{64}$/;

const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  /** ISO 8601. */
  at: z.iso.datetime(),
  writer: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/i),
  /** The last record in the copy. */
  head: z.strictObject({ seq: z.int().positive(), hash: z.string().regex(SHA256) }),
  files: z
    .array(
      z.strictObject({ path: z.string().regex(PATH), bytes: z.int().nonnegative(), sha256: z.string().regex(SHA256) }),
    )
    .min(2),
});

/** What is in a backup. Paths are relative, with `/`. */
export type BackupManifest = z.infer<typeof manifestSchema>;
export type BackupFile = BackupManifest['files'][number];

/** Reads and checks a manifest's form. */
export async function readManifest(dir: string): Promise<BackupManifest> {
  const text = await readFile(join(dir, MANIFEST), 'utf8').catch((cause) => {
    throw new BackupError('incomplete', `${dir} holds no ${MANIFEST}: it is no backup, or one that was interrupted`, {
      cause,
    });
  });
  const value = parse(text);
  if (typeof value === 'object' && value !== null && 'format' in value && value.format !== FORMAT) {
    throw new BackupError(
      'unknown_format',
      `${dir} is a backup of the format ${String(value.format)}, this version reads ${FORMAT}`,
    );
  }
  const manifest = manifestSchema.safeParse(value);
  if (!manifest.success) throw new BackupError('changed', `${MANIFEST}: ${z.prettifyError(manifest.error)}`);
  return manifest.data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BackupError('changed', `${MANIFEST} is not JSON`, { cause });
  }
}

/** Measures one file of a folder. */
export async function measure(dir: string, path: string): Promise<BackupFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(join(dir, path)) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { path, bytes, sha256: hash.digest('hex') };
}

/** Checks one file of a folder against the manifest. */
export async function checkFile(dir: string, file: BackupFile): Promise<void> {
  const found = await measure(dir, file.path);
  if (found.bytes !== file.bytes || found.sha256 !== file.sha256) {
    throw new BackupError('changed', `${file.path} is not the file that the backup's manifest describes`);
  }
}
