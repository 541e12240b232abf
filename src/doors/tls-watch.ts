import { checkTls, endOf, loadTls, readTls, type TlsFiles, type TlsMaterial, TlsProblem } from './tls.ts';

export interface TlsWatchParts {
  readonly files: TlsFiles;
  readonly clock: { now(): number };
  /** Serves new connections with these from now on. */
  readonly renew: (material: TlsMaterial) => void;
  /** Told once of what is wrong with new files; those before stay. */
  readonly warn: (message: string) => void;
}

/** How often the files are read. Not by events of the file system: mounted secrets and network folders send none. */
const LOOK_MS = 5000;
const DAY_MS = 86_400_000;
/** Whoever renews by itself does so a third of the time before the end; ninety days are usual. */
const SOON_DAYS = 14;

/**
 * Certificates in files, which others renew: read again and again, and served with as soon as they have changed and can be used. What
 * cannot be used, such as a key that does not fit, changes nothing. Contents are compared, so that files that were copied over, renamed or
 * changed by a link, as mounted secrets are, make no difference.
 */
export class TlsWatch {
  readonly #parts: TlsWatchParts;
  #inForce: TlsMaterial;
  /** Of the last look: half of a pair may be there already, so that it must stand still for one. */
  #pending: string | null = null;
  #trouble: string | null = null;
  #looking: Promise<void> | null = null;
  readonly #timer: NodeJS.Timeout;

  /** Rejects with TlsProblem when what is there cannot be served with. */
  static async open(parts: TlsWatchParts): Promise<TlsWatch> {
    return new TlsWatch(parts, await loadTls(parts.files, parts.clock.now()));
  }

  private constructor(parts: TlsWatchParts, material: TlsMaterial) {
    this.#parts = parts;
    this.#inForce = material;
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
    this.#timer.unref();
  }

  /** What is served with. */
  get material(): TlsMaterial {
    return this.#inForce;
  }

  /** Sentences for the operator: new files that cannot be used, a certificate that ends soon. */
  warnings(): string[] {
    const left = (endOf(this.#inForce) - this.#parts.clock.now()) / DAY_MS;
    const ends = left <= 0 ? 'is over' : left <= SOON_DAYS ? `ends in ${Math.floor(left)} days` : null;
    return [
      ...(this.#trouble === null ? [] : [`New certificates are not served: ${this.#trouble}`]),
      ...(ends === null ? [] : [`The certificate that is served ${ends} (listen.tls.certificate).`]),
    ];
  }

  /** Looks once, and serves what has changed and stood still since the look before. Never rejects. */
  look(): Promise<void> {
    return this.#read({ atOnce: false });
  }

  /** The same without waiting for another look. */
  async reload(): Promise<void> {
    await this.#looking;
    await this.#read({ atOnce: true });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  #read(how: { atOnce: boolean }): Promise<void> {
    this.#looking ??= this.#take(how)
      .catch((error) => this.#fail(error))
      .finally(() => {
        this.#looking = null;
      });
    return this.#looking;
  }

  async #take({ atOnce }: { atOnce: boolean }): Promise<void> {
    const { files, clock, renew } = this.#parts;
    const read = await readTls(files).catch((error: unknown) => ({ error }));
    const mark = 'error' in read ? String(read.error) : JSON.stringify(read);
    const settled = atOnce || mark === this.#pending;
    this.#pending = mark;
    if (mark === JSON.stringify(this.#inForce)) {
      this.#trouble = null;
      return;
    }
    if (!settled) return;
    if ('error' in read) throw read.error;
    checkTls(read, { files, now: clock.now() });
    renew(read);
    this.#inForce = read;
    this.#trouble = null;
  }

  #fail(error: unknown): void {
    const trouble = error instanceof TlsProblem ? error.message : 'they could not be put in force';
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#parts.warn(trouble);
  }
}
