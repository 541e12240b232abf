import type { DirectorySnapshot } from '../identity/snapshot.ts';
import type { CompiledPolicy } from '../policy/model.ts';
import type { PriceTable } from '../pricing/model.ts';

/** What is in force at one moment: immutable, replaced whole, named in every record. */
export interface Governance {
  /** Revision of the policy, `pol-7`; `pol-none` while there is none. */
  readonly version: string;
  /** Null while no policy is in force: then nothing is allowed (P8). */
  readonly policy: CompiledPolicy | null;
  readonly directory: DirectorySnapshot;
  readonly prices: PriceTable;
}
