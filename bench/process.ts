import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { leftover } from './leftovers.ts';

/** A process of the benchmark's own that answers one message at a time. */
export interface Worker<Job, Answer> {
  readonly pid: number;
  ask(job: Job): Promise<Answer>;
  stop(): Promise<void>;
}

/** A command that runs on these cores alone, where `taskset` exists; null leaves it where the system puts it. */
export function pinned(cores: string | null, command: readonly string[]): string[] {
  return cores === null ? [...command] : ['taskset', '-c', cores, ...command];
}

/** Starts a program of the benchmark with this very Node, and waits for its first word. */
export async function startWorker<Job extends object, Answer>(
  file: URL,
  cores: string | null,
): Promise<Worker<Job, Answer> & { readonly first: unknown }> {
  const argv = pinned(cores, [process.execPath, file.pathname]);
  const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`${file.pathname} ended (${code})`));
      child.once('exit', ended);
      child.once('message', (answer) => {
        child.off('exit', ended);
        resolve(answer);
      });
    });
  const first = await next();
  return {
    pid: child.pid ?? 0,
    first,
    async ask(job) {
      const answer = next();
      child.send(job);
      return (await answer) as Answer;
    },
    stop: () => stopProcess(child),
  };
}

/** Starts a server that ends with the benchmark, however that ends. */
export function spawnServer(command: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(command[0] ?? '', command.slice(1), options);
  child.once(
    'exit',
    leftover(() => child.kill('SIGKILL')),
  );
  return child;
}

/** Asks a process to end, and ends it after ten seconds. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(timer);
}
