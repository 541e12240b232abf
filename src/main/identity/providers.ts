import type { ProviderClient } from '../../identity/ports.ts';
import type { CompiledPolicy, IdentityProvider } from '../../policy/model.ts';

/** A provider of the policy in force, with the client that speaks to it. */
export interface OpenProvider {
  readonly settings: IdentityProvider;
  readonly client: ProviderClient;
}

export interface ProvidersParts {
  readonly policy: () => CompiledPolicy | null;
  readonly open: (settings: IdentityProvider) => Promise<ProviderClient>;
}

/** The identity providers of the policy in force. A client, with what it has learnt of its provider, lives as long as its settings. */
export class Providers {
  readonly #parts: ProvidersParts;
  readonly #open = new Map<string, { readonly mark: string; readonly client: Promise<ProviderClient> }>();

  readonly #tried = new Map<string, { readonly mark: string; readonly trouble: string | null }>();

  constructor(parts: ProvidersParts) {
    this.#parts = parts;
  }

  /** In the order of the policy. */
  all(): readonly IdentityProvider[] {
    return [...this.#settings().values()];
  }

  /** By name in whatever case; undefined where the policy in force has none. */
  async open(name: string): Promise<OpenProvider | undefined> {
    const key = name.toLowerCase();
    const settings = this.#settings().get(key);
    if (settings === undefined) {
      this.#open.delete(key);
      return undefined;
    }
    const mark = this.#markOf(key);
    const known = this.#open.get(key);
    if (known?.mark === mark) return { settings, client: await known.client };
    const client = this.#parts.open(settings);
    this.#open.set(key, { mark, client });
    // A failure must not be remembered: the next one who comes tries again.
    client.catch(() => {
      if (this.#open.get(key)?.client === client) this.#open.delete(key);
    });
    return { settings, client: await client };
  }

  /** Remembers what became of the last try: null when it went well, else why not, without secrets. */
  note(name: string, trouble: string | null): void {
    this.#tried.set(name.toLowerCase(), { mark: this.#markOf(name), trouble });
  }

  /** What is known of a provider since its settings last changed. */
  stateOf(name: string): { readonly state: 'ok' | 'failing' | 'untried'; readonly trouble: string | null } {
    const tried = this.#tried.get(name.toLowerCase());
    if (tried === undefined || tried.mark !== this.#markOf(name)) return { state: 'untried', trouble: null };
    return { state: tried.trouble === null ? 'ok' : 'failing', trouble: tried.trouble };
  }

  #markOf(name: string): string {
    // Where the provider stands in the document is no reason to learn everything about it again.
    return JSON.stringify({ ...this.#settings().get(name.toLowerCase()), place: null });
  }

  /** The name of the provider whose domains cover this address; null for none. A domain does not cover those below it. */
  covering(email: string): string | null {
    const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase();
    for (const { name, domains } of this.#settings().values()) if (domains.includes(domain)) return name;
    return null;
  }

  #settings(): ReadonlyMap<string, IdentityProvider> {
    return this.#parts.policy()?.identity.providers ?? new Map();
  }
}
