import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import type { HttpAnswer, HttpRequest, Io } from './io.ts';

/** An answer larger than this is not read: a wrong address must not fill the memory. */
const MAX_ANSWER = 64 * 1024 * 1024;

/** What a gateway that has closed everything may still wait for a reader of its last lines. */
const LAST_WORDS_MS = 1_000;

/** The real world. */
export function processIo(): Io & { close(): Promise<void> } {
  let serving = false;
  // A reader that has seen enough, such as head(1), ends the program and is no error. A gateway goes on without it.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (serving) return;
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  // Whoever read the messages is gone. A gateway told to stop would otherwise die of saying so, with its answers cut.
  process.stderr.on('error', () => undefined);
  const agent = new Agent({ connect: { timeout: 5_000 }, maxResponseSize: MAX_ANSWER });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    outIsTerminal: process.stdout.isTTY === true,
    errIsTerminal: process.stderr.isTTY === true,
    columns: process.stdout.columns ?? 80,
    env: process.env,
    home: homedir(),
    cwd: process.cwd(),
    command: commandOf(process.env.PATH ?? ''),
    now: () => Date.now(),
    sleep: (ms) => sleep(ms),
    http: (wanted) => send(agent, wanted),
    ask,
    onSignal: (listener) => {
      // SIGHUP: the terminal was closed.
      const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
      for (const signal of signals) process.on(signal, listener);
      return () => {
        for (const signal of signals) process.off(signal, listener);
      };
    },
    exitNow: (code) => process.exit(code),
    // Loaded only where a gateway is started: every other command must answer at once.
    start: async (options) => {
      serving = true;
      return (await import('../main.ts')).startGatehouse(options);
    },
    close: async () => {
      await agent.close();
      // Lines that nobody reads would keep a stopped gateway from ending; the other commands wait for their reader.
      if (serving) setTimeout(() => process.exit(), LAST_WORDS_MS).unref();
    },
  };
}

async function send(agent: Agent, { method, url, headers, body, timeoutMs }: HttpRequest): Promise<HttpAnswer> {
  const answer = await request(url, {
    method,
    headers,
    body,
    dispatcher: agent,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

async function ask(question: string): Promise<string | null> {
  if (process.stdin.isTTY !== true) return null;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } catch (error) {
    // Ctrl-C and Ctrl-D are answers too: no.
    if (error instanceof Error && error.name === 'AbortError') return '';
    throw error;
  } finally {
    lines.close();
  }
}

/** Commands that this program prints must work when pasted: the bare name only where the shell finds it. */
function commandOf(path: string): string {
  const own = (folder: string): boolean => folder === '' || /[\\/](node_modules|_npx)[\\/]/.test(folder);
  // What npm puts into the path of its own runs is not in that of the shell.
  if (path.split(delimiter).some((folder) => !own(folder) && isExecutable(join(folder, 'gatehouse'))))
    return 'gatehouse';
  const launcher = fileURLToPath(new URL('../../bin/gatehouse.cjs', import.meta.url));
  const near = relative(process.cwd(), launcher);
  return near.startsWith('..') ? `node ${launcher}` : 'npx gatehouse';
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
