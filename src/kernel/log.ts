import { pino } from 'pino';
import { redact, safeText } from './redact.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Structured context of a line. Secrets in it are redacted by name and by shape; still, do not put bodies here. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What the house logs through. Message texts are constants; what varies goes into the fields. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger whose lines carry these fields as well. */
  child(bindings: LogFields): Logger;
  /** Resolves when what was logged so far has been handed to the operating system. */
  flush(): Promise<void>;
}

/** Where lines go: each call gets one whole line with its newline. */
export interface LogDestination {
  write(line: string): unknown;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** Default: standard error. */
  readonly destination?: LogDestination;
  /** One readable line instead of JSON, for a terminal. Default false. */
  readonly pretty?: boolean;
}

/** Lines waiting for a slow reader of standard error; beyond this they are dropped, so that it cannot hold up or exhaust us. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** Lines wait for each other until there are so many bytes, and no longer than so many milliseconds. */
const TOGETHER_BYTES = 8 * 1024;
const TOGETHER_MS = 50;
/** A reader that takes nothing must not keep the process from ending. */
const MAX_FLUSH_MS = 2_000;
/** Names the logger writes itself. A field of the same name would make a line with two readings. */
const OWN_NAMES = new Set(['level', 'time', 'msg', 'pid']);

function merge(bindings: LogFields, fields: LogFields): Record<string, unknown> {
  const merged: Record<string, unknown> = Object.create(null);
  // An error handed over in place of the fields has nothing enumerable: without this its line would be empty.
  const own = fields instanceof Error ? { err: fields } : fields;
  for (const [name, value] of Object.entries(redact({ ...bindings, ...own }))) {
    merged[OWN_NAMES.has(name) ? `${name}_` : name] = value;
  }
  return merged;
}

/**
 * Makes the logger of the process: JSON lines `{"level","time","pid",…fields,"msg"}`, `time` in ISO 8601.
 * Writing to standard error is asynchronous: a stuck reader must not stop the gateway. Call `flush` before the process ends.
 */
export function createLogger({ level, destination, pretty = false }: LogOptions): Logger {
  const sink: Sink = destination === undefined ? standardError() : { write: (line) => destination.write(line) };
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // The fields are clean by then, and pino's own error serializer would look for what is no longer there.
    serializers: { err: (value: unknown) => value },
  };
  const base = pino(options, { write: (line: string) => void sink.write(pretty ? readable(line) : line) });
  const flush = (): Promise<void> => sink.flush?.() ?? Promise.resolve();
  const build = (bindings: LogFields): Logger => {
    const write = (at: Exclude<LogLevel, 'silent'>) => (fields: LogFields, message: string) => {
      if (base.isLevelEnabled(at)) base[at](merge(bindings, fields), safeText(message));
    };
    const child = (more: LogFields): Logger => build({ ...bindings, ...more });
    return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'), child, flush };
  };
  return build({});
}

interface Sink extends LogDestination {
  flush?(): Promise<void>;
}

function standardError(): Sink {
  // Lines of one moment are written together: handing over each alone costs more than all that is done to make it.
  let leaving = false;
  const stream = pino.destination({
    dest: 2,
    sync: false,
    minLength: TOGETHER_BYTES,
    periodicFlush: TOGETHER_MS,
    maxLength: MAX_WAITING_BYTES,
    retryEAGAIN: () => !leaving,
  });
  // Called when the process exits, and would try for ever to hand the rest to a reader that takes nothing.
  const flushAtExit = stream.flushSync.bind(stream);
  stream.flushSync = () => {
    leaving = true;
    try {
      flushAtExit();
    } catch {
      // Lost, as what a slow reader misses always is.
    }
  };
  // A reader that went away is no reason to die: there is nobody left to tell.
  stream.on('error', () => {});
  const flush = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, MAX_FLUSH_MS);
      stream.flush(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  return { write: (line) => stream.write(line), flush };
}

function readable(line: string): string {
  const { level, time, msg, pid: _, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${String(time).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)} ${[String(msg), ...rest].join(' ')}\n`;
}
