import { mkdir, open } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { Agent, request } from 'undici';
import { failpoint } from '../kernel/failpoints.ts';
import { syncFolder } from '../kernel/sync.ts';

/** A place that keeps checkpoints. */
export interface Destination {
  /** For logs: without credentials. */
  readonly name: string;
  /** Resolves when the text, one JSON object, is kept there. */
  deliver(text: string): Promise<void>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 5000;

/** True for what `destinationOf` accepts. */
export function isDestination(text: string): boolean {
  return /^https?:\/\//i.test(text) ? URL.canParse(text) : isAbsolute(text);
}

/**
 * @param text an absolute path of a folder, or an http or https address
 * @throws Error for anything else
 */
export function destinationOf(text: string): Destination {
  if (!isDestination(text)) throw new Error(`"${text}" is neither an absolute folder nor an http address`);
  return isAbsolute(text) ? folderDestination(text) : httpDestination(new URL(text));
}

function folderDestination(folder: string): Destination {
  return { name: folder, deliver: (text) => appendSynced(folder, text), close: async () => undefined };
}

/** A line that a crash left unfinished gets its newline first, so that it spoils no other. */
async function appendSynced(folder: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const handle = await open(join(folder, 'checkpoints.jsonl'), 'a+', 0o644);
  try {
    const { size } = await handle.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    const lead = size > 0 && last[0] !== 10 ? '\n' : '';
    await handle.appendFile(`${lead}${text}\n`);
    failpoint('checkpoint.written');
    await handle.sync();
    if (size === 0) await syncFolder(folder);
  } finally {
    await handle.close();
  }
}

function httpDestination(url: URL): Destination {
  // An agent of its own: a destination that hangs must not take connections from anything else.
  const agent = new Agent({ connections: 1, connect: { timeout: TIMEOUT_MS } });
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (url.username !== '') {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  }
  const target = new URL(url);
  target.username = '';
  target.password = '';
  return {
    name: `${target.origin}${target.pathname}`,
    deliver: async (body) => {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const answer = await request(target, { method: 'POST', body, headers, dispatcher: agent, signal });
      await answer.body.dump({ limit: 64 * 1024, signal }).catch(() => undefined);
      if (answer.statusCode < 200 || answer.statusCode > 299)
        throw new Error(`the address answered ${answer.statusCode}`);
    },
    close: () => agent.destroy(),
  };
}
