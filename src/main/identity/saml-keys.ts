import { newOwnKeys, type OwnKeys } from '../../identity/saml/own-keys.ts';
import type { Store } from '../../store/ports.ts';
import type { Sealer } from '../sealer.ts';

/** The setting that holds the keys, sealed, as base64. */
const SETTING = 'saml-keys';

/**
 * The key and certificate of this installation for SAML, made when first needed. In the store, so that a restored installation is
 * still the one that its providers know; sealed, so that a copy of the store cannot sign as it (P5).
 */
export async function samlKeys(store: Pick<Store, 'change' | 'read'>, sealer: Sealer, now: number): Promise<OwnKeys> {
  const kept = await store.read((tx) => tx.setting(SETTING));
  if (kept !== undefined) return opened(sealer, kept);
  const fresh = await newOwnKeys(now);
  const sealed = sealer.seal(Buffer.from(JSON.stringify(fresh))).toString('base64');
  const winner = await store.change(async (tx) => {
    const first = await tx.setting(SETTING);
    if (first === undefined) await tx.setSetting(SETTING, sealed);
    return first ?? sealed;
  });
  return opened(sealer, winner);
}

function opened(sealer: Sealer, sealed: string): OwnKeys {
  const plain = sealer.open(Buffer.from(sealed, 'base64'));
  if (plain === null) {
    throw new Error('the SAML keys in the store were sealed under another master key: restore keys/master.key');
  }
  return JSON.parse(plain.toString()) as OwnKeys;
}
