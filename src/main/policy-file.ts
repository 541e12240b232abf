import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { DirectoryChanges } from '../identity/changes.ts';
import type { Closers } from '../kernel/closers.ts';
import { formatProblem } from '../kernel/config.ts';
import type { Logger } from '../kernel/log.ts';
import { loadPolicy } from '../policy/load.ts';
import type { CompiledPolicy } from '../policy/model.ts';

/** What keeps a document out of force. */
export interface Held {
  readonly why: string;
}

export interface PolicyFileParts {
  /** Path of the document. */
  readonly file: string;
  readonly changes: Pick<DirectoryChanges, 'applyPolicy'>;
  /** Why a document that can be used is not put in force now, or the revision that it was compared with. Asked each time it is looked at. */
  readonly hold: (candidate: { readonly policy: CompiledPolicy; readonly text: string }) => Promise<Held | number>;
  readonly log: Logger;
  readonly closers: Closers;
}

/** How often the file is looked at. Not by events of the file system: mounted configuration maps and network folders send none. */
const LOOK_MS = 500;
const MOST_BYTES = 1024 * 1024;

/** A policy document in a file, put in force whenever it changes. What cannot be read or used changes nothing. */
export class PolicyFile {
  readonly #parts: PolicyFileParts;
  readonly #path: string;
  #seen: string | null = null;
  #pending: string | null = null;
  #first = true;
  #trouble: string | null = null;
  #looking: Promise<void> | null = null;

  /** Resolves after the first look: what stands in the file is then in force, or `trouble` says why not. */
  static async watch(parts: PolicyFileParts): Promise<PolicyFile> {
    const watched = new PolicyFile(parts);
    await watched.look();
    const timer = setInterval(() => void watched.look(), LOOK_MS);
    timer.unref();
    parts.closers.add('policy file', async () => {
      clearInterval(timer);
      await watched.#looking;
    });
    return watched;
  }

  private constructor(parts: PolicyFileParts) {
    this.#parts = parts;
    this.#path = resolve(parts.file);
  }

  /** Why what stands in the file is not in force; null when it is. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Looks once; never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#read().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #read(): Promise<void> {
    try {
      const { mark, size } = await this.#mark();
      if (mark === this.#seen) return;
      // An editor may be in the middle of writing, and half a document can be valid without its last denials: it has to stand
      // still for one look. Only a start does not wait.
      const settled = mark === this.#pending || this.#first;
      this.#pending = mark;
      this.#first = false;
      if (!settled) return;
      if (size > MOST_BYTES) return this.#fail(mark, `it is larger than ${MOST_BYTES} bytes`);
      // Another encoding would turn letters into ones that match nobody, and a denial into none.
      const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(this.#path));
      if ((await this.#mark()).mark === mark) await this.#apply(text, mark);
    } catch (error) {
      this.#fail(null, whyNot(error));
    }
  }

  /** A mounted configuration map is replaced by renaming a link: the file behind the name is another one then. */
  async #mark(): Promise<{ mark: string; size: number }> {
    const found = await stat(this.#path);
    if (!found.isFile()) throw new Error('it is not a file');
    const { mtimeMs, ctimeMs, size, ino } = found;
    return { mark: `${ino} ${mtimeMs} ${ctimeMs} ${size}`, size };
  }

  async #apply(text: string, mark: string): Promise<void> {
    const { changes, hold, log, file } = this.#parts;
    const loaded = loadPolicy({ text, file });
    if (!loaded.ok) return this.#fail(mark, loaded.problems.map(formatProblem).join('; '));
    // Not seen: what holds it up may end, and the file stays as it is.
    const held = await hold({ policy: loaded.policy, text });
    if (typeof held !== 'number') return this.#fail(null, held.why);
    const teams = [...loaded.policy.teams.values()].map(({ name }) => name);
    const { revision, unchanged } = await changes.applyPolicy({
      ...{ actor: 'file', text, reason: null, teams },
      // Against another one, which came into force meanwhile, it could weaken more.
      expect: held,
    });
    this.#seen = mark;
    this.#trouble = null;
    if (!unchanged) log.info({ file, revision }, 'the policy file was applied');
  }

  #fail(mark: string | null, why: string): void {
    this.#seen = mark;
    if (this.#trouble === why) return;
    this.#trouble = why;
    this.#parts.log.error({ file: this.#parts.file, why }, 'the policy file is not in force; what was, stays');
  }
}

function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  return code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8 text' : error.message;
}
