import { SignInFailure } from '../sign-in-failure.ts';
import { askJson, type Reply } from './ask.ts';
import { checkMetadata, discoveryAddress, type Metadata } from './metadata.ts';
import type { House } from './parts.ts';

/** A document so old is asked for again before it is used. */
const FRESH_MS = 10 * 60_000;
/** While the provider is down, the last good document is used until it is so old. */
const MAX_AGE_MS = 24 * 60 * 60_000;
/** After a failure the provider is left alone for so long: anybody can press the button of a provider. */
const COOL_DOWN_MS = 15_000;
const MAX_BYTES = 256 * 1024;

/** Asks for the discovery document once. Rejects with a SignInFailure. */
export async function discover({ fetcher, settings }: House): Promise<Reply & { readonly metadata: Metadata }> {
  const url = discoveryAddress(settings.issuer);
  const reply = await askJson(fetcher, { url, what: 'the discovery document', maxBytes: MAX_BYTES });
  return { ...reply, metadata: checkMetadata(reply.json, settings) };
}

/** Holds the discovery document of one provider. However many ask, one request is under way. */
export class Discovery {
  readonly #house: House;
  #held: { readonly metadata: Metadata; readonly at: number } | null = null;
  #failed: { readonly failure: SignInFailure; readonly at: number } | null = null;
  #running: Promise<Metadata> | null = null;

  constructor(house: House) {
    this.#house = house;
  }

  /**
   * The document, at most ten minutes old; while the provider does not answer, the last good one for up to a day. A provider that
   * answers with something wrong gets no such grace. Rejects with a SignInFailure.
   */
  async current(): Promise<Metadata> {
    const now = this.#house.clock.monotonic();
    if (this.#held !== null && now - this.#held.at < FRESH_MS) return this.#held.metadata;
    if (this.#failed !== null && now - this.#failed.at < COOL_DOWN_MS) return this.#lastGood(this.#failed.failure);
    this.#running ??= this.#refresh().finally(() => {
      this.#running = null;
    });
    try {
      return await this.#running;
    } catch (error) {
      return this.#lastGood(error);
    }
  }

  async #refresh(): Promise<Metadata> {
    const { clock } = this.#house;
    try {
      const { metadata } = await discover(this.#house);
      this.#held = { metadata, at: clock.monotonic() };
      this.#failed = null;
      return metadata;
    } catch (error) {
      if (error instanceof SignInFailure) this.#fail(error);
      throw error;
    }
  }

  /** Told once for each time the provider was asked, not for each person: anybody could fill the log. */
  #fail(failure: SignInFailure): void {
    this.#failed = { failure, at: this.#house.clock.monotonic() };
    const { settings, log } = this.#house;
    const fields = { provider: settings.name, code: failure.code, detail: failure.detail };
    log.warn(fields, 'the discovery document of a sign-in provider could not be read');
  }

  #lastGood(error: unknown): Metadata {
    if (!(error instanceof SignInFailure)) throw error;
    const { code, detail, cause } = error;
    const age = this.#held === null ? Number.POSITIVE_INFINITY : this.#house.clock.monotonic() - this.#held.at;
    if (this.#held === null || code !== 'provider_unreachable' || age >= MAX_AGE_MS) {
      throw new SignInFailure(code, detail, { cause });
    }
    return this.#held.metadata;
  }
}
