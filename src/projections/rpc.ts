/** The messages between the main thread and the worker of the views. */
import type { JournalRecord } from '../journal/records.ts';
import type { AuditBudget } from './audit.ts';
import type {
  AuditPage,
  AuditQuery,
  Forecast,
  Spent,
  SpentLine,
  UnusualSpending,
  UsageQuery,
  UsageRow,
} from './ports.ts';
import { ProjectionsUnavailable } from './unavailable.ts';

/** What the worker can be asked: argument and answer by name. */
export interface Methods {
  usage: { argument: UsageQuery; answer: readonly UsageRow[] };
  askedModels: { argument: null; answer: readonly string[] };
  spent: { argument: { readonly lines: readonly SpentLine[] }; answer: Spent };
  forecast: { argument: { readonly month: string; readonly today: string }; answer: Forecast };
  unusual: { argument: { readonly today: string }; answer: readonly UnusualSpending[] };
  audit: { argument: AuditQuery; answer: AuditPage };
  show: { argument: string; answer: readonly JournalRecord[] };
  rebuild: { argument: null; answer: { readonly records: number } };
  status: { argument: null; answer: { readonly seq: number; readonly records: number } };
  balances: { argument: { readonly seq: number; readonly file: string }; answer: { readonly sha256: string } };
  close: { argument: null; answer: null };
}

export type Method = keyof Methods;

export interface Call {
  readonly id: number;
  readonly method: Method;
  readonly argument: Methods[Method]['argument'];
}

/** To the worker. */
export interface ToWorker {
  readonly call: Call;
}

export interface Failure {
  readonly name: string;
  readonly message: string;
}

/** How far the views are. */
export interface Progress {
  readonly seq: number;
  readonly rebuilding: boolean;
  /** Why following has stopped; null while it works. */
  readonly trouble: string | null;
}

/** From the worker. */
export type FromWorker =
  | { readonly ready: true }
  | { readonly answer: { readonly id: number; readonly value: unknown } }
  | { readonly failure: { readonly id: number; readonly error: Failure } }
  | { readonly progress: Progress }
  | {
      readonly log: {
        readonly level: 'info' | 'warn' | 'error';
        readonly fields: Readonly<Record<string, unknown>>;
        readonly message: string;
      };
    };

/** What the worker is started with. */
export interface WorkerOptions {
  readonly journalDir: string;
  readonly writer: string;
  readonly databasePath: string;
  /** Milliseconds between looks at the journal. */
  readonly pollInterval: number;
  readonly auditBudget: AuditBudget;
}

export function failureOf(error: unknown): Failure {
  return error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: 'Error', message: String(error) };
}

/** The failure as an error of this thread: those that callers tell apart keep their class. */
export function errorOf({ name, message }: Failure): Error {
  if (name === 'RangeError') return new RangeError(message);
  return name === 'ProjectionsUnavailable' ? new ProjectionsUnavailable(message) : new Error(message);
}
