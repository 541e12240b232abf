import { looksSecret } from './hidden.ts';
import type { UpstreamDraft } from './render.ts';
import type { Entry } from './source.ts';

const DEFAULT_KEY = 'env:ANTHROPIC_API_KEY';

/** Collects the one way to the Claude API: the first that the input names; others are noted. */
export class UpstreamChoice {
  #found: UpstreamDraft | null = null;

  get draft(): UpstreamDraft | null {
    return this.#found;
  }

  /**
   * Takes an address and a credential of a provider that is Anthropic's own. A credential in the clear is left where it is.
   * @param firstByte milliseconds, or null
   */
  offer({ base, key, firstByte }: { base: Entry; key: Entry; firstByte: number | null }): void {
    const url = base.exists ? urlOf(base) : null;
    const reference = key.reference();
    const offered = { url, key: reference ?? DEFAULT_KEY, firstByte };
    if (this.#found === null) {
      this.#found = offered;
      if (reference === null) clear(key, DEFAULT_KEY);
      return;
    }
    if (reference === null) clear(key, this.#found.key);
    if (base.exists && url !== this.#found.url) {
      base.note(
        'untranslated',
        'is a second address: Gatehouse calls one provider, and the first of the file was taken',
      );
    }
    if (reference !== null && offered.key !== this.#found.key) {
      key.note('untranslated', 'names a second key: Gatehouse calls with one, and the first of the file was taken');
    }
  }
}

function clear(key: Entry, used: string): void {
  if (!key.exists) return;
  key.note('changed', `the provider's key is read from ${used}; this one was not copied`);
}

/** An address without anything that could be a credential; else null, with a note. */
function urlOf(base: Entry): string | null {
  const text = typeof base.value === 'string' ? base.value : '';
  const url = URL.canParse(text) ? new URL(text) : null;
  const bare = url !== null && `${url.username}${url.password}${url.search}${url.hash}` === '';
  if (!bare || url === null || !/^https?:$/.test(url.protocol) || looksSecret(text) || url.pathname.length > 64) {
    base.note('check', 'this address was not copied: write it to upstream.url yourself, without a credential in it');
    return null;
  }
  base.use();
  // The API's own paths start with /v1.
  const path = url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
  return `${url.origin}${path}`;
}
