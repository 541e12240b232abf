import type { PolicyReplayed } from '../../doors/admin/policy-services.ts';
import { DAY_MS } from '../../kernel/days.ts';
import type { LoadedPolicy } from '../../policy/compile.ts';
import { PolicyReplay } from '../../policy/replay.ts';
import { formatReplay } from '../../policy/replay-text.ts';
import { utc } from '../../policy/wording.ts';
import type { DoorParts } from '../doors.ts';
import { Past } from './past.ts';

/** Most records that one replay reads. */
const MOST_RECORDS = 2_000_000;
const PAGE = 1000;
const KINDS = ['intent', 'extension', 'outcome', 'refusal'];

export interface ReplayOptions {
  readonly policy: LoadedPolicy;
  readonly days: number;
  /** Ends it early. */
  readonly gone: AbortSignal;
  /** Default two million. */
  readonly mostRecords?: number;
}

/** What a candidate would have done with the last days, page by page: calls that are running go on between two. */
export async function replayPast(
  { clock, watch, governance }: Pick<DoorParts, 'clock' | 'watch' | 'governance'>,
  { policy, days, gone, mostRecords = MOST_RECORDS }: ReplayOptions,
): Promise<PolicyReplayed> {
  const now = clock.now();
  const replay = new PolicyReplay(policy);
  const past = new Past(replay, { policy, directory: governance.keeper.current.directory });
  const span = { from: new Date(now - days * DAY_MS).toISOString(), to: new Date(now).toISOString() };
  let records = 0;
  let to = now;
  let stoppedEarly = false;
  let cursor: string | undefined;
  do {
    const limit = Math.min(PAGE, mostRecords - records);
    const page = await watch.projections.audit({ ...span, oldestFirst: true, kinds: KINDS, limit, cursor });
    for (const record of page.records) past.add(record);
    records += page.records.length;
    cursor = page.cursor ?? undefined;
    stoppedEarly = cursor !== undefined && (records >= mostRecords || gone.aborted);
    if (stoppedEarly) to = past.at ?? now;
    await new Promise((resolve) => setImmediate(resolve));
  } while (cursor !== undefined && !stoppedEarly);
  const result = replay.result();
  const from = now - days * DAY_MS;
  const head = [
    `Calls from ${utc(from)} to ${utc(to)}, ${records} records.`,
    ...(stoppedEarly ? ['There are more: this is as far as one replay reads. Ask for fewer days.'] : []),
    'Budgets count what was spent in this time: a month or week that began before looks emptier than it was.',
    '',
  ];
  return { from, to, records, stoppedEarly, result, lines: [...head, ...formatReplay(result)] };
}
