import { Worker } from 'node:worker_threads';
import type { Logger } from '../kernel/log.ts';
import { AUDIT_BUDGET, type AuditBudget } from './audit.ts';
import type { AuditPage, AuditQuery, Forecast, Projections, Spent, SpentLine, UsageQuery, UsageRow } from './ports.ts';
import {
  errorOf,
  type FromWorker,
  type Method,
  type Methods,
  type Progress,
  type ToWorker,
  type WorkerOptions,
} from './rpc.ts';
import { ProjectionsUnavailable } from './unavailable.ts';

export interface ProjectionsOptions {
  readonly journalDir: string;
  readonly writer: string;
  /** The views' own SQLite file; its folder must exist. It may be deleted at any time while Gatehouse is stopped. */
  readonly databasePath: string;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Milliseconds between looks at the journal. Default 250. */
  readonly pollInterval?: number;
  readonly auditBudget?: Partial<AuditBudget>;
  /** The worker's entry; tests put another in. */
  readonly entry?: URL;
}

/** Numbers for the metrics page. */
export interface ProjectionsMetrics extends Progress {
  /** Requests that wait for an answer. */
  readonly pending: number;
  /** How often the worker died and was started again. */
  readonly restarts: number;
}

/** The views, and what the process that writes the journal does with them. */
export interface ProjectionsService extends Projections {
  readonly metrics: ProjectionsMetrics;
}

/**
 * Starts the worker of the views and resolves when it answers. Rejects when its first start fails. A worker that dies later is
 * started again, after 100 ms and at most every 30 s; questions meanwhile reject with ProjectionsUnavailable.
 */
export async function startProjections(options: ProjectionsOptions): Promise<ProjectionsService> {
  const client = new Client(options);
  await client.started;
  return client;
}

/** A restart after this much quiet starts with the shortest pause again. */
const QUIET = 60_000;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 30_000;
/** The worker dies alone, and is started again, before the views could take memory from the calls. */
const HEAP_MEGABYTES = 512;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

class Client implements ProjectionsService {
  readonly started: Promise<void>;
  readonly #options: ProjectionsOptions;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #nextId = 1;
  #progress: Progress = { seq: 0, rebuilding: false, trouble: null };
  #restarts = 0;
  #pause = FIRST_PAUSE;
  #startedAt = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | null = null;

  constructor(options: ProjectionsOptions) {
    this.#options = options;
    this.started = this.#start();
  }

  usage(query: UsageQuery): Promise<readonly UsageRow[]> {
    return this.#call('usage', query);
  }

  askedModels(): Promise<readonly string[]> {
    return this.#call('askedModels', null);
  }

  spent(query: { readonly lines: readonly SpentLine[] }): Promise<Spent> {
    return this.#call('spent', query);
  }

  forecast(query: { readonly month: string; readonly today: string }): Promise<Forecast> {
    return this.#call('forecast', query);
  }

  unusual(query: { readonly today: string }): Promise<Methods['unusual']['answer']> {
    return this.#call('unusual', query);
  }

  audit(query: AuditQuery): Promise<AuditPage> {
    return this.#call('audit', query);
  }

  show(id: string): Promise<Methods['show']['answer']> {
    return this.#call('show', id);
  }

  rebuild(): Promise<{ readonly records: number }> {
    return this.#call('rebuild', null);
  }

  status(): Promise<{ readonly seq: number; readonly records: number }> {
    return this.#call('status', null);
  }

  balances(seq: number, file: string): Promise<{ readonly sha256: string }> {
    return this.#call('balances', { seq, file });
  }

  get metrics(): ProjectionsMetrics {
    return { ...this.#progress, pending: this.#waiting.size, restarts: this.#restarts };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#restartTimer);
    const worker = this.#worker;
    if (worker === null) return;
    const gone = new Promise((resolve) => worker.once('exit', resolve));
    await this.#ask('close', null).catch(() => {});
    await gone;
  }

  #call<M extends Method>(method: M, argument: Methods[M]['argument']): Promise<Methods[M]['answer']> {
    if (this.#closing !== null) return Promise.reject(new ProjectionsUnavailable('the views are closed'));
    return this.#ask(method, argument);
  }

  #ask<M extends Method>(method: M, argument: Methods[M]['argument']): Promise<Methods[M]['answer']> {
    if (this.#worker === null) return Promise.reject(new ProjectionsUnavailable('the views are being started again'));
    const id = this.#nextId++;
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#post({ call: { id, method, argument } });
    return answer as Promise<Methods[M]['answer']>;
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #start(): Promise<void> {
    const { journalDir, writer, databasePath, pollInterval = 250, auditBudget, entry } = this.#options;
    const workerData: WorkerOptions = {
      journalDir,
      writer,
      databasePath,
      pollInterval,
      auditBudget: { ...AUDIT_BUDGET, ...auditBudget },
    };
    const worker = new Worker(entry ?? new URL('./worker.ts', import.meta.url), {
      workerData,
      name: 'projections',
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
    });
    this.#worker = worker;
    this.#startedAt = performance.now();
    return new Promise((resolve, reject) => {
      let failure: Error = new ProjectionsUnavailable('the worker of the views ended');
      let ready = false;
      worker.on('message', (message: FromWorker) => {
        if ('ready' in message) {
          ready = true;
          resolve();
        } else this.#receive(message);
      });
      worker.on('error', (error: Error) => {
        failure = error;
      });
      worker.on('exit', () => {
        this.#lost(failure, ready);
        reject(failure);
      });
    });
  }

  #receive(message: Exclude<FromWorker, { ready: true }>): void {
    if ('progress' in message) {
      this.#progress = message.progress;
    } else if ('log' in message) {
      const { level, fields, message: text } = message.log;
      this.#options.log[level](fields, text);
    } else if ('answer' in message) {
      this.#take(message.answer.id)?.resolve(message.answer.value);
    } else {
      const { id, error } = message.failure;
      this.#take(id)?.reject(errorOf(error));
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #lost(failure: Error, wasReady: boolean): void {
    this.#worker = null;
    const error = new ProjectionsUnavailable(`the worker of the views died: ${failure.message}`);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    // A first start that fails is the caller's to report.
    if (this.#closing !== null || (!wasReady && this.#restarts === 0)) return;
    this.#restarts++;
    if (wasReady && performance.now() - this.#startedAt > QUIET) this.#pause = FIRST_PAUSE;
    this.#options.log.error(
      { reason: failure.message, pause: this.#pause },
      'the worker of the views died and is started again',
    );
    this.#restartTimer = setTimeout(() => {
      // Its own exit, if it comes to that, is handled like this one.
      this.#start().catch(() => {});
    }, this.#pause).unref();
    this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
  }
}
