import { createHash } from 'node:crypto';
import { BREAK_GLASS_SETTING } from '../../identity/changes/break-glass.ts';
import type { DirectoryChanges } from '../../identity/changes.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { CompiledPolicy } from '../../policy/model.ts';
import type { ProposalRow, Store } from '../../store/ports.ts';
import type { GovernanceKeeper } from '../governance.ts';
import type { Held } from '../policy-file.ts';
import { judge, shutsOtherWays } from './second-person.ts';

interface HoldParts {
  readonly store: Pick<Store, 'read' | 'proposals'>;
  readonly changes: Pick<DirectoryChanges, 'propose'>;
  readonly keeper: Pick<GovernanceKeeper, 'current'>;
  readonly clock: Clock;
}

/** Proposals that are looked through for the one of the file. */
const MOST = 200;

/**
 * Why the document of the watched file is not put in force now, or the revision it was compared with, where it may be. What needs a second person waits as a proposal of
 * the file until somebody approves it, which puts it in force.
 */
export async function holdFile(
  { store, changes, keeper, clock }: HoldParts,
  { policy, text }: { readonly policy: CompiledPolicy; readonly text: string },
): Promise<Held | number> {
  const { policy: before, directory } = keeper.current;
  const base = directory.policy?.number ?? 0;
  if (directory.policy?.text === text) return base;
  if (shutsOtherWays(before, policy) && (await store.read((tx) => tx.setting(BREAK_GLASS_SETTING))) === undefined) {
    return { why: 'it sets require_sso, and no way in for emergencies is sealed: gatehouse owner seal' };
  }
  const { kinds } = judge(before, policy);
  if (kinds.length === 0) return base;
  const sha256 = createHash('sha256').update(text).digest('hex');
  const known = (await store.proposals(MOST)).find((row) => isThis(row, { base, sha256, now: clock.now() }));
  if (known?.decision === 'rejected') return { why: `it was rejected (${known.id}): change the file` };
  const id = known?.id ?? (await changes.propose({ actor: 'file', text, base, kinds })).id;
  return { why: `it changes ${kinds.join(', ')}, for which two people are needed: gatehouse proposals approve ${id}` };
}

function isThis(
  row: Omit<ProposalRow, 'text'>,
  { base, sha256, now }: { readonly base: number; readonly sha256: string; readonly now: number },
): boolean {
  const same = row.author === 'file' && row.base === base && row.sha256 === sha256;
  return same && (row.decision === 'rejected' || (row.decision === null && now < row.expiresAt));
}
