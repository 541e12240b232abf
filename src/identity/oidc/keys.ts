import type { Algorithm } from './algorithms.ts';
import { askJson } from './ask.ts';
import { invalid, misconfigured } from './failures.ts';
import type { House } from './parts.ts';
import { mayHaveSigned, type PublicKey, publicKey } from './public-key.ts';

/** Keys so old are asked for again: a key that the provider withdrew stops counting within this time, or nobody gets in. */
const FRESH_MS = 5 * 60_000;
/** An unknown key id makes us ask at most so often, so that nobody can have us hammer the provider. */
const COOL_DOWN_MS = 30_000;
const MAX_KEYS = 100;
const MAX_BYTES = 512 * 1024;

/** Asks for a key set once. Rejects with a SignInFailure. */
export async function fetchKeys({ fetcher }: Pick<House, 'fetcher'>, url: string): Promise<readonly PublicKey[]> {
  const { json } = await askJson(fetcher, { url, what: 'the key set', maxBytes: MAX_BYTES });
  if (!Array.isArray(json.keys) || json.keys.length > MAX_KEYS) {
    throw misconfigured(`the key set has no list of at most ${MAX_KEYS} keys`);
  }
  return json.keys.map(publicKey).filter((key) => key !== null);
}

interface Held {
  readonly url: string;
  readonly keys: readonly PublicKey[];
  readonly at: number;
}

/** The keys that one provider signs with. However many ask, one request is under way. */
export class Keys {
  readonly #house: Pick<House, 'fetcher' | 'clock'>;
  #held: Held | null = null;
  #running: { readonly url: string; readonly held: Promise<Held> } | null = null;

  constructor(house: Pick<House, 'fetcher' | 'clock'>) {
    this.#house = house;
  }

  /**
   * The key that a token with this header must be signed with. A key id that is not known is looked for once more at the provider.
   * Rejects with a SignInFailure: `response_invalid` for no such key, or for several.
   */
  async find(header: { readonly alg: Algorithm; readonly kid: string | null }, url: string): Promise<PublicKey> {
    let held = await this.#fresh(url);
    let found = held.keys.filter((key) => mayHaveSigned(key, header));
    if (found.length === 0 && this.#age(held.at) >= COOL_DOWN_MS) {
      held = await this.#load(url);
      found = held.keys.filter((key) => mayHaveSigned(key, header));
    }
    const [key] = found;
    if (key === undefined) throw invalid('the ID token is signed with a key that the provider does not publish');
    // Trying one after the other would let a token choose its key.
    if (found.length > 1) throw invalid('the ID token does not say which key of the provider signed it');
    return key;
  }

  async #fresh(url: string): Promise<Held> {
    const held = this.#held;
    if (held !== null && held.url === url && this.#age(held.at) < FRESH_MS) return held;
    return this.#load(url);
  }

  #load(url: string): Promise<Held> {
    if (this.#running?.url === url) return this.#running.held;
    const held = this.#ask(url).finally(() => {
      if (this.#running?.held === held) this.#running = null;
    });
    this.#running = { url, held };
    return held;
  }

  async #ask(url: string): Promise<Held> {
    const keys = await fetchKeys(this.#house, url);
    this.#held = { url, keys, at: this.#house.clock.monotonic() };
    return this.#held;
  }

  #age(at: number): number {
    return this.#house.clock.monotonic() - at;
  }
}
