/** Answers what the main thread asks of the views. Lives in the worker. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { searchAudit } from './audit.ts';
import { writeBalances } from './balances.ts';
import { FollowLoop } from './follow-loop.ts';
import { Follower } from './follower.ts';
import type { AuditPage, AuditQuery, UsageQuery, UsageRow } from './ports.ts';
import type { FromWorker, Methods, WorkerOptions } from './rpc.ts';
import { segmentsOf } from './segment-bytes.ts';
import { findRecord, showRecord } from './show.ts';
import { forecast, unusualSpending } from './spending-query.ts';
import { askedModels, spentOn } from './spent.ts';
import { ProjectionsUnavailable } from './unavailable.ts';
import { usageRows } from './usage-query.ts';
import { openViews, removeViews, type Views } from './views.ts';

/** Longest wait of a usage query for a replay that is under way, milliseconds. */
const PATIENCE = 5000;

const monotonic = (): number => performance.now();

export class ViewsService {
  readonly #options: WorkerOptions;
  readonly #send: (message: FromWorker) => void;
  readonly #views: Views;
  readonly #follower: Follower;
  readonly #loop: FollowLoop;
  #balancesMade = 0;
  #trouble: string | null = null;
  #closed = false;

  constructor(options: WorkerOptions, send: (message: FromWorker) => void) {
    const { journalDir, writer, databasePath, pollInterval } = options;
    this.#options = options;
    this.#send = send;
    removeLeftovers(databasePath);
    this.#views = openViews(databasePath, (reason) => this.#warn({ reason }, 'the views were dropped'));
    const onRebuild = (reason: string): void => this.#warn({ reason }, 'the views are built again from the journal');
    this.#follower = new Follower({ journalDir, writer, views: this.#views, onRebuild });
    const onProgress = (trouble: string | null): void => this.#progress(trouble);
    this.#loop = new FollowLoop({ follower: this.#follower, pollInterval, onProgress });
  }

  async usage(query: UsageQuery): Promise<readonly UsageRow[]> {
    await this.#whole();
    return usageRows(this.#views, query);
  }

  async askedModels(): Promise<readonly string[]> {
    await this.#whole();
    return askedModels(this.#views);
  }

  /** Money is given out by this answer: unlike reports, it is refused when the views cannot follow. */
  async spent({ lines }: Methods['spent']['argument']): Promise<Methods['spent']['answer']> {
    if (!(await this.#whole())) throw this.#notYet('cannot say what was spent up to now and');
    return spentOn(this.#views, lines);
  }

  async forecast(query: Methods['forecast']['argument']): Promise<Methods['forecast']['answer']> {
    await this.#whole();
    return forecast(this.#views, query);
  }

  async unusual({ today }: Methods['unusual']['argument']): Promise<Methods['unusual']['answer']> {
    await this.#whole();
    return unusualSpending(this.#views, today);
  }

  audit(query: AuditQuery): AuditPage {
    const { auditBudget } = this.#options;
    const segments = this.#segments();
    const source = { segments, milliseconds: auditBudget.milliseconds, monotonic };
    return searchAudit({ segments, budget: auditBudget, monotonic, intent: (id) => findRecord(source, id) }, query);
  }

  show(id: string): Methods['show']['answer'] {
    return showRecord(
      { segments: this.#segments(), milliseconds: this.#options.auditBudget.milliseconds, monotonic },
      id,
    );
  }

  status(): Methods['status']['answer'] {
    const { seq, records } = this.#views.cursor;
    return { seq, records };
  }

  async rebuild(): Promise<{ readonly records: number }> {
    this.#follower.reset('asked for');
    await this.#loop.caughtUp();
    return { records: this.#views.cursor.records };
  }

  /** Replays into a database of its own: the views in use may be ahead of `seq`. */
  async balances({ seq, file }: Methods['balances']['argument']): Promise<{ readonly sha256: string }> {
    const { journalDir, writer, databasePath } = this.#options;
    const path = `${databasePath}.balances-${++this.#balancesMade}`;
    removeViews(path);
    const views = openViews(path, () => {});
    try {
      const follower = new Follower({ journalDir, writer, views, onRebuild: () => {} });
      while (views.cursor.seq < seq) {
        if (follower.step(seq) && views.cursor.seq < seq) throw new Error(`the journal ends before record ${seq}`);
        await breathe();
        if (this.#closed) throw new Error('the views were closed');
      }
      if (views.cursor.seq > seq) throw new Error(`record ${seq} was retired`);
      return writeBalances(views, file);
    } finally {
      views.close();
      removeViews(path);
    }
  }

  async close(): Promise<null> {
    this.#closed = true;
    await this.#loop.stop();
    this.#views.close();
    return null;
  }

  #segments() {
    return segmentsOf(this.#options.journalDir, this.#options.writer);
  }

  /**
   * Waits for what was written before the question; refuses while a replay has not reached the end, rather than show part.
   * False when the newest records are missing: following failed or takes too long.
   */
  async #whole(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, PATIENCE, false);
    });
    // Whoever stopped waiting is told by the state of the views, not by this promise.
    const done = this.#loop.caughtUp().then(
      () => true,
      () => false,
    );
    const current = await Promise.race([done, enough]).finally(() => clearTimeout(timer));
    if (this.#follower.rebuilding) throw this.#notYet('are being built from the journal and');
    return current;
  }

  #notYet(state: string): ProjectionsUnavailable {
    const why = this.#trouble ?? 'try again later';
    return new ProjectionsUnavailable(`the usage views ${state} have reached record ${this.#views.cursor.seq}: ${why}`);
  }

  #warn(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#send({ log: { level: 'warn', fields, message } });
  }

  #progress(trouble: string | null): void {
    if (trouble !== null && trouble !== this.#trouble) this.#warn({ trouble }, 'the views cannot follow the journal');
    this.#trouble = trouble;
    this.#send({ progress: { seq: this.#views.cursor.seq, rebuilding: this.#follower.rebuilding, trouble } });
  }
}

/** A worker that died while it wrote balances left its database behind. */
function removeLeftovers(databasePath: string): void {
  const folder = dirname(databasePath);
  for (const name of readdirSync(folder)) {
    if (name.startsWith(`${basename(databasePath)}.balances-`)) removeViews(join(folder, name));
  }
}
