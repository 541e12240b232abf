import type { ContentBody } from '../journal/bodies.ts';
import { openContent, type SealedContent, sealContent } from '../journal/content.ts';
import { newPersonKey, unwrapKey, wrapKey } from '../journal/keys.ts';
import type { NewRecord } from '../journal/records.ts';
import { newId } from '../kernel/ids.ts';
import type { Store } from '../store/ports.ts';

/** A body to be kept. */
export interface Content {
  readonly intent: string;
  /** `per_…` or `svc_…`: whose key encrypts it. */
  readonly who: string;
  readonly part: 'request' | 'response';
  readonly body: Uint8Array;
}

/** A `content` record as read back, as far as opening it needs. */
export type ContentRecord = { readonly id: string; readonly who: string } & SealedContent;

/**
 * Seals what was said under a key of the person and opens it again, until the person is erased (P7). Keys are unwrapped once and
 * then held in memory; `forget` drops them.
 */
export class ContentVault {
  readonly #store: Store;
  readonly #master: Uint8Array;
  readonly #keys = new Map<string, Promise<Uint8Array>>();

  constructor(store: Store, master: Uint8Array) {
    this.#store = store;
    this.#master = master;
  }

  /** A `content` record, cut to `maxBytes`. Rejects when the person is erased. */
  async seal(content: Content, maxBytes: number): Promise<NewRecord> {
    const id = newId('rec');
    const key = await this.#keyOf(content.who);
    const plain = content.body.subarray(0, maxBytes);
    const body: ContentBody = {
      intent: content.intent,
      who: content.who,
      part: content.part,
      ...sealContent(key, { record: id, person: content.who }, plain),
    };
    return { id, kind: 'content', body };
  }

  /** What a `content` record holds; null when its key is gone for good. Rejects when it was changed. */
  async open(record: ContentRecord): Promise<Buffer | null> {
    const wrapped = await this.#store.read((tx) => tx.contentKey(record.who));
    if (wrapped === undefined) return null;
    const key = unwrapKey(this.#master, record.who, wrapped);
    return openContent(key, { record: record.id, person: record.who }, record);
  }

  /** Drops these parties' keys from memory. */
  forget(parties: Iterable<string>): void {
    for (const party of parties) this.#keys.delete(party);
  }

  #keyOf(party: string): Promise<Uint8Array> {
    let key = this.#keys.get(party);
    if (key === undefined) {
      key = this.#loadOrMake(party);
      this.#keys.set(party, key);
      // A failure must not be remembered: the next call tries again.
      key.catch(() => this.#keys.delete(party));
    }
    return key;
  }

  #loadOrMake(party: string): Promise<Uint8Array> {
    return this.#store.change(async (tx) => {
      const row = await tx.party(party);
      if (row === undefined || row.erasedAt !== null) throw new Error('content of an erased person is not kept');
      const wrapped = await tx.contentKey(party);
      if (wrapped !== undefined) return unwrapKey(this.#master, party, wrapped);
      const key = newPersonKey();
      await tx.insertContentKey(party, wrapKey(this.#master, party, key));
      return key;
    });
  }
}
