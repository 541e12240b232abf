import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { need } from './tools.ts';

/** A window of a real browser without a screen, driven by its own protocol. */
export interface Window {
  open(url: string): Promise<void>;
  /** The value of an expression in the page, which is JSON. */
  read<T>(expression: string): Promise<T>;
  /** Waits until the expression is true, through whatever pages come and go. */
  until(expression: string): Promise<void>;
  /** Types into the field and leaves it. */
  fill(selector: string, text: string): Promise<void>;
  click(selector: string): Promise<void>;
  /** PNG in base 64. */
  picture(): Promise<string>;
  /** What the browser complained about: blocked by policy, failed to load, thrown by a script. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

const LOOK_MS = 50;
const LOOKS = 400;
const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];

export async function openChromium(): Promise<Window> {
  need('chromium');
  const profile = mkdtempSync(join(tmpdir(), 'gatehouse-chromium-'));
  const argv = [...FLAGS, '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'];
  const child = spawn('chromium', argv, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const socket = new WebSocket(await addressOf(child));
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  const { send, complaints } = await attach(socket);
  const read = async <T>(expression: string): Promise<T> => {
    const { result } = await send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    return (result as { value: T }).value;
  };
  const until = async (expression: string): Promise<void> => {
    for (let look = 0; look < LOOKS; look++) {
      // While a page goes, nothing can be read.
      if (await read<boolean>(`Boolean(${expression})`).catch(() => false)) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    const page = await read<string>('location.href + "\\n" + document.body.innerText').catch(String);
    throw new Error(`never true: ${expression}\n${page}\n${complaints.join('\n')}`);
  };
  return {
    complaints,
    read,
    until,
    async open(url) {
      await send('Page.navigate', { url });
    },
    async fill(selector, text) {
      await until(`document.querySelector(${JSON.stringify(selector)})`);
      await read(`document.querySelector(${JSON.stringify(selector)}).value = ${JSON.stringify(text)}`);
    },
    async click(selector) {
      await until(`document.querySelector(${JSON.stringify(selector)})`);
      // The page may be gone before it answers.
      await read(`setTimeout(() => document.querySelector(${JSON.stringify(selector)}).click()), 1`);
    },
    picture: async () => String((await send('Page.captureScreenshot', {})).data),
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      socket.close();
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function addressOf(child: ChildProcess): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    child.stderr?.on('data', (chunk) => {
      text += chunk;
      const found = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', () => reject(new Error(`chromium ended:\n${text}`)));
  });
}

async function attach(socket: WebSocket) {
  const waiting = new Map<number, (message: Message) => void>();
  const complaints: string[] = [];
  let ids = 0;
  let sessionId: string | undefined;
  socket.addEventListener('message', ({ data }) => {
    const message: Message = JSON.parse(String(data));
    if (message.id === undefined) complain(message, complaints);
    else waiting.get(message.id)?.(message);
  });
  const send = async (method: string, params: object): Promise<Record<string, unknown>> => {
    const id = ids++;
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }));
    const { result, error } = await answer;
    waiting.delete(id);
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  };
  const { targetInfos } = await send('Target.getTargets', {});
  const page = (targetInfos as { type: string; targetId: string }[]).find(({ type }) => type === 'page');
  const attached = await send('Target.attachToTarget', { targetId: page?.targetId, flatten: true });
  sessionId = String(attached.sessionId);
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await send(`${domain}.enable`, {});
  return { send, complaints };
}

function complain({ method, params = {} }: Message, complaints: string[]): void {
  if (method === 'Log.entryAdded') {
    const { level, text, url } = params.entry as { level: string; text: string; url?: string };
    if (level === 'error' && !String(url).endsWith('/favicon.ico')) complaints.push(`${text} ${url ?? ''}`);
  }
  if (method === 'Runtime.exceptionThrown') complaints.push(JSON.stringify(params.exceptionDetails));
}
