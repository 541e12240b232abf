import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { NewRecord } from '../../src/journal/records.ts';
import { temporaryKey } from '../../src/journal/signing.ts';
import { type FileJournal, type JournalOptions, openJournal } from '../../src/journal/writer.ts';
import type { Clock } from '../../src/kernel/clock.ts';

export const key = temporaryKey();
export const quiet = { info() {}, warn() {}, error() {} };

/** A clock that stands still until it is moved. */
export function stillClock(start = Date.parse('2026-11-24T12:00:00.000Z')): Clock & { move(ms: number): void } {
  let now = start;
  return {
    now: () => now,
    monotonic: () => now,
    move: (ms) => {
      now += ms;
    },
  };
}

export async function tempFolder(t: Pick<TestContext, 'after'>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'gatehouse-journal-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export function open(dir: string, more: Partial<JournalOptions> = {}): Promise<FileJournal> {
  return openJournal({
    dir,
    writer: 'one',
    durability: 'synced',
    clock: stillClock(),
    signingKey: key,
    log: quiet,
    ...more,
  });
}

export const intent = (id: string): NewRecord => ({ id, kind: 'intent', body: { model: 'claude' } });
export const outcome = (of: string): NewRecord => ({ kind: 'outcome', body: { intent: of, result: 'ok' } });
export const note = (n: number): NewRecord => ({ kind: 'gateway', body: { n } });

export interface Parsed {
  readonly seq: number;
  readonly prev: string;
  readonly id: string;
  readonly kind: string;
  readonly [name: string]: unknown;
}

/** The finished lines of all plain segments of writer `one`, in order of names. */
export async function rawLines(dir: string, writer = 'one'): Promise<string[]> {
  const folder = join(dir, writer);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.flatMap((text) => text.split('\n').slice(0, -1));
}

export async function parsedLines(dir: string): Promise<Parsed[]> {
  return (await rawLines(dir)).map((line) => JSON.parse(line) as Parsed);
}

export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
