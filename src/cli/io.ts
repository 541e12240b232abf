/** Everything a command touches outside itself, so that tests can run commands without a terminal, a network or a home. */
import type { RunningGatehouse, StartOptions } from '../main.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Longest wait for the answer, milliseconds. */
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface Io {
  /** Standard output and error; text comes with its newlines. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  /** Width of the terminal. */
  readonly columns: number;
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly cwd: string;
  /** How a person calls this program, such as `gatehouse` or `node bin/gatehouse.cjs`. */
  readonly command: string;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Rejects when no answer came. */
  readonly http: (request: HttpRequest) => Promise<HttpAnswer>;
  /** Asks a person; null when there is no person to ask. */
  readonly ask: (question: string) => Promise<string | null>;
  /** Calls back for every SIGINT and SIGTERM; returns the undo. */
  readonly onSignal: (listener: () => void) => () => void;
  /** Ends the process at once. */
  readonly exitNow: (code: number) => void;
  readonly start: (options: StartOptions) => Promise<RunningGatehouse>;
}
