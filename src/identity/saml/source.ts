import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/log.ts';
import { FetchFailure } from '../../net/failure.ts';
import type { Fetcher } from '../../net/ports.ts';
import type { SamlProvider } from '../../policy/model.ts';
import { SignInFailure } from '../sign-in-failure.ts';
import { factsOf, misconfigured, type ProviderFacts } from './facts.ts';
import { readMetadata } from './metadata-in.ts';

export interface SourceParts {
  readonly fetcher: Fetcher;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
}

/** Fetched metadata, and what the answer said of the provider's clock. */
export interface Fetched {
  readonly facts: ProviderFacts;
  /** The `date` header, milliseconds since the epoch; null for none. */
  readonly date: number | null;
}

const DAY_MS = 86_400_000;
/** Metadata that could not be fetched anew works for so long: a certificate that was withdrawn does not stay for ever. */
const LONGEST_MS = 7 * DAY_MS;
/** The provider is asked at most so often, whatever strangers send. */
const PAUSE_MS = 15_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** Knows a provider: its metadata is fetched when first needed, then once a day, and the last good one is kept. */
export class ProviderSource {
  readonly #settings: SamlProvider;
  readonly #parts: SourceParts;
  #known: { readonly facts: ProviderFacts; readonly at: number } | null = null;
  #triedAt = Number.NEGATIVE_INFINITY;
  #failure: unknown = null;
  #fetching: Promise<Fetched> | null = null;

  constructor(settings: SamlProvider, parts: SourceParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  /** Where metadata is fetched from; null where the policy says everything. */
  get address(): string | null {
    const { metadata } = this.#settings;
    return metadata !== null && 'url' in metadata ? metadata.url : null;
  }

  /** @throws SignInFailure `provider_unreachable`, `provider_misconfigured` */
  async facts(): Promise<ProviderFacts> {
    const now = this.#parts.clock.now();
    if (this.address === null) return this.#written(now);
    const known = this.#usable(now);
    const due = (known === null || now - known.at >= DAY_MS) && this.#mayAsk(now);
    const asked = due ? this.refresh().catch(() => undefined) : undefined;
    // Nobody waits for a provider that does not answer while what is known still holds.
    if (known !== null) return known.facts;
    await asked;
    const fresh = this.#usable(now);
    if (fresh === null) throw this.#failure ?? unreachable('the metadata of the provider is out of date');
    return fresh.facts;
  }

  /** Asks the provider again, because of a signature that no certificate of `before` verifies. Null where that changes nothing. */
  async renewed(before: ProviderFacts): Promise<ProviderFacts | null> {
    if (this.address === null || !this.#mayAsk(this.#parts.clock.now())) return null;
    const fetched = await this.refresh().catch(() => null);
    return fetched === null || mark(fetched.facts) === mark(before) ? null : fetched.facts;
  }

  /** Fetches the metadata now. Calls at the same time share one fetch. @throws SignInFailure */
  refresh(): Promise<Fetched> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  /** While a fetch is under way, another question costs the provider nothing. */
  #mayAsk(now: number): boolean {
    return this.#fetching !== null || now - this.#triedAt >= PAUSE_MS;
  }

  #usable(now: number): { facts: ProviderFacts; at: number } | null {
    const known = this.#known;
    return known === null || now - known.at >= LONGEST_MS || isOver(known.facts, now) ? null : known;
  }

  #written(now: number): ProviderFacts {
    const { metadata, entityId } = this.#settings;
    if (this.#known === null) {
      const text = metadata !== null && 'xml' in metadata ? metadata.xml : null;
      const described = text === null ? null : readMetadata(Buffer.from(text), entityId);
      this.#known = { facts: factsOf(this.#settings, described), at: now };
    }
    const { facts } = this.#known;
    return isOver(facts, now) ? misconfigured('the metadata in the policy is out of date') : facts;
  }

  async #fetch(): Promise<Fetched> {
    const { fetcher, clock, log } = this.#parts;
    const { entityId, name } = this.#settings;
    this.#triedAt = clock.now();
    try {
      const url = this.address ?? misconfigured('the policy names no address of metadata');
      const answer = await fetcher.fetch({ url, maxBytes: MAX_BYTES });
      if (answer.status !== 200) throw unreachable(`the address of the metadata answered with status ${answer.status}`);
      const facts = factsOf(this.#settings, readMetadata(answer.body, entityId));
      const at = clock.now();
      if (isOver(facts, at)) misconfigured('the metadata that the provider publishes is out of date');
      this.#known = { facts, at };
      const date = Date.parse(answer.headers.date ?? '');
      return { facts, date: Number.isNaN(date) ? null : date };
    } catch (error) {
      const failure = error instanceof FetchFailure ? unreachable(error.message, error) : error;
      this.#failure = failure;
      const detail = failure instanceof SignInFailure ? failure.detail : undefined;
      log.warn({ provider: name, detail }, 'the metadata of an identity provider could not be fetched');
      throw failure;
    }
  }
}

function isOver({ validUntil }: ProviderFacts, now: number): boolean {
  return validUntil !== null && now >= validUntil;
}

function unreachable(detail: string, cause?: unknown): SignInFailure {
  return new SignInFailure('provider_unreachable', detail, { cause });
}

function mark({ certificates }: ProviderFacts): string {
  return certificates
    .map(({ fingerprint }) => fingerprint)
    .sort()
    .join();
}
