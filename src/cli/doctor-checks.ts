/** What `gatehouse doctor` looks at on this machine. Each check is one sentence and, where something is wrong, its fix. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { GatehouseConfig } from '../config.ts';
import { JournalReadError, listSegments, readRecords } from '../journal/read.ts';
import { formatBytes, formatDuration } from '../kernel/units.ts';
import { dataPaths, WRITER } from '../main/paths.ts';
import { warningsOf } from '../main/warnings.ts';

export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'bad';
  readonly text: string;
  /** What to do; null where nothing is to be done. */
  readonly fix: string | null;
}

const ok = (check: string, text: string): Finding => ({ check, state: 'ok', text, fix: null });
const warning = (check: string, text: string, fix: string): Finding => ({ check, state: 'warning', text, fix });
const bad = (check: string, text: string, fix: string): Finding => ({ check, state: 'bad', text, fix });

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 24 || (major === 24 && minor >= 15)) return ok('node', `Node ${version}`);
  return bad('node', `Node ${version} is too old`, 'Use Node 24.15 or newer.');
}

export function checkConfig(config: GatehouseConfig): Finding[] {
  const found = warningsOf(config).map((text) => warning('config', text, 'See docs/configuration.md.'));
  return found.length > 0 ? found : [ok('config', 'The configuration is valid and weakens nothing')];
}

/** A file that others can read must count as leaked; keys must be readable by their owner alone. */
export function checkModes(dataDir: string): Finding[] {
  if (!existsSync(dataDir)) return [warning('data', `${dataDir} is not there yet`, 'The first start makes it.')];
  if (process.platform === 'win32') return [];
  const found: Finding[] = [];
  const mode = statSync(dataDir).mode & 0o777;
  if ((mode & 0o077) !== 0) {
    found.push(bad('data', `${dataDir} is open to other users (mode ${mode.toString(8)})`, `chmod 700 ${dataDir}`));
  }
  const { keys } = dataPaths(dataDir);
  for (const name of existsSync(keys) ? readdirSync(keys) : []) {
    const file = join(keys, name);
    if (name.endsWith('.pub') || (statSync(file).mode & 0o077) === 0) continue;
    found.push(
      bad(
        'keys',
        `${file} can be read by other users`,
        `chmod 600 ${file}, and replace the key if you do not trust them.`,
      ),
    );
  }
  return found.length > 0 ? found : [ok('data', `${dataDir} and its keys are readable by their owner alone`)];
}

const SECRETS = /\b(sk-ant-[\w-]{20,}|gh[kao]_[0-9A-Za-z]{40})\b/;

/** Secrets in a configuration end up in version control. Never says which one. */
export function checkLeaks(files: readonly string[]): Finding[] {
  const leaking = files.filter((file) => existsSync(file) && SECRETS.test(readFileSync(file, 'utf8')));
  if (leaking.length === 0) return [ok('leaks', 'No key stands in a configuration file')];
  return leaking.map((file) =>
    bad('leaks', `${file} holds a key in the clear`, 'Replace that key, and name it with env:NAME or file:/path.'),
  );
}

/** Free space against the configured marks; `fullAt` is the running gateway's own prediction. */
export async function checkDisk(
  dataDir: string,
  config: GatehouseConfig,
  prediction: { fullAt: string | null; now: number },
): Promise<Finding> {
  const place = existsSync(dataDir) ? dataDir : '.';
  const { bavail, bsize } = await statfs(place);
  const free = bavail * bsize;
  const left = prediction.fullAt === null ? Number.NaN : Date.parse(prediction.fullAt) - prediction.now;
  const when = Number.isNaN(left) || left < 0 ? '' : `; at the present speed it is full in ${formatDuration(left)}`;
  const text = `${formatBytes(free)} free${when}`;
  const fix = 'Make room or a larger disk, or keep less: journal.keep.';
  if (free < config.journal.disk_critical) return bad('disk', text, fix);
  if (free < config.journal.disk_low || left < 7 * 86_400_000) return warning('disk', text, fix);
  return ok('disk', text);
}

/** Reads the newest segment and checks its chain; `gatehouse audit verify` reads everything. */
export async function checkJournal(dataDir: string): Promise<Finding> {
  const dir = dataPaths(dataDir).journal;
  try {
    const newest = (await listSegments(dir, WRITER)).at(-1);
    if (newest === undefined) return warning('journal', 'There is no journal yet', 'The first start makes it.');
    let last = newest.first - 1;
    for await (const { record } of readRecords(dir, WRITER, { seq: newest.first })) last = record.seq;
    return ok('journal', `The newest segment is whole, up to record ${last}`);
  } catch (error) {
    if (!(error instanceof JournalReadError)) throw error;
    return bad('journal', error.message, 'Copy the folder before anything else, then run: gatehouse audit verify');
  }
}

/** A checkpoint older than the journal's newest records means that their end could be cut unseen. */
export async function checkCheckpoints(dataDir: string, config: GatehouseConfig): Promise<Finding> {
  const newest = (await listSegments(dataPaths(dataDir).journal, WRITER)).at(-1);
  const folders = [
    dataPaths(dataDir).checkpoints,
    ...config.journal.checkpoints.filter((place) => !/^https?:/i.test(place)),
  ];
  const times = folders.map((folder) => timeOf(join(folder, 'checkpoints.jsonl'))).filter((time) => time !== null);
  if (newest === undefined) return ok('checkpoints', 'Nothing was recorded yet');
  if (times.length === 0)
    return warning(
      'checkpoints',
      'There is no checkpoint on this machine',
      'Start the gateway; it writes one every 10 s.',
    );
  const behind = (timeOf(newest.path) ?? 0) - Math.max(...times);
  if (behind > Math.max(60_000, 6 * config.journal.checkpoint_every)) {
    return warning(
      'checkpoints',
      `The newest checkpoint is ${formatDuration(behind)} older than the newest record`,
      'Look in the log for why checkpoints do not arrive.',
    );
  }
  return ok('checkpoints', 'The newest checkpoint is as new as the journal');
}

function timeOf(file: string): number | null {
  return existsSync(file) ? statSync(file).mtimeMs : null;
}

/** Whether a start would find its port free. */
export function checkPort({ listen }: GatehouseConfig): Promise<Finding> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const text = `${listen.host}:${listen.port} cannot be used (${error.code ?? 'unknown error'})`;
      resolve(bad('port', text, 'Stop what holds it, or choose another with listen.port.'));
    });
    server.listen(listen.port, listen.host, () =>
      server.close(() => resolve(ok('port', `${listen.host}:${listen.port} is free`))),
    );
  });
}
