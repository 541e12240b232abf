import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PINNED = join(dirname(fileURLToPath(import.meta.url)), 'pinned');
const TURN_MS = 40_000;

/** The version that is run, as pinned in `pinned/`. */
export const CLAUDE_VERSION: string = JSON.parse(readFileSync(join(PINNED, 'package.json'), 'utf8')).dependencies[
  '@anthropic-ai/claude-code'
];

/** Installs the pinned client in `pinned/`, without running install scripts, and returns its native binary. */
export function installClaude(): string {
  const platform = `${process.platform}-${process.arch}`;
  const binary = join(PINNED, 'node_modules', '@anthropic-ai', `claude-code-${platform}`, 'claude');
  if (!existsSync(binary))
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit'], { cwd: PINNED, stdio: 'pipe' });
  if (!existsSync(binary)) throw new Error(`Claude Code ${CLAUDE_VERSION} has no binary for ${platform}`);
  return binary;
}

export interface Turn {
  /** What the developer reads. */
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** A developer's machine: a home, the client's configuration and a folder to work in, all fresh. */
export interface Desk {
  /** CLAUDE_CONFIG_DIR. */
  readonly config: string;
  readonly work: string;
  /** For what is temporary: gone with the desk. */
  readonly temp: string;
  /** What a clean environment has; no address and no credential in it. */
  readonly env: Readonly<Record<string, string>>;
  remove(): void;
}

/** Sockets and task folders of the client go into the desk too: it would leave them in the machine's own temporary folder. */
export function makeDesk(): Desk {
  const fresh = mkdtempSync(join(tmpdir(), 'gatehouse-claude-'));
  const folder = (name: string): string => {
    mkdirSync(join(fresh, name));
    return join(fresh, name);
  };
  const [home, config, work, temp] = [folder('home'), folder('cfg'), folder('work'), folder('tmp')];
  return {
    config,
    work,
    temp,
    env: {
      PATH: '/usr/bin:/bin',
      HOME: home,
      CLAUDE_CONFIG_DIR: config,
      TMPDIR: temp,
      CLAUDE_CODE_TMPDIR: temp,
      TERM: 'dumb',
      LANG: 'C.UTF-8',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      CLAUDE_CODE_MAX_RETRIES: '2',
    },
    remove: () => rmSync(fresh, { recursive: true, force: true, maxRetries: 3 }),
  };
}

export interface TurnOptions {
  /** Where the gateway is, and a virtual key. Neither at a desk that is signed in. */
  readonly url?: string;
  readonly key?: string;
  readonly prompt: string;
  readonly tools?: string;
  /** More arguments, such as `--model`. */
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  /** Where to work; a fresh one unless told. A session goes on at the desk where it began. */
  readonly desk?: Desk;
  /** After so long the client is ended, milliseconds. */
  readonly patience?: number;
}

/** One headless turn of the real client in a clean environment, as a developer with two variables would run it. */
export async function runTurn(binary: string, options: TurnOptions): Promise<Turn> {
  const desk = options.desk ?? makeDesk();
  const args = ['-p', options.prompt, ...(options.args ?? [])];
  if (options.tools !== undefined) args.push('--allowedTools', options.tools);
  try {
    const { url, key, patience = TURN_MS } = options;
    const gateway = {
      ...(url === undefined ? {} : { ANTHROPIC_BASE_URL: url }),
      ...(key === undefined ? {} : { ANTHROPIC_AUTH_TOKEN: key }),
    };
    const env = { ...desk.env, ...gateway, ...options.env };
    return await execute(binary, args, { cwd: desk.work, env, timeout: patience });
  } finally {
    if (options.desk === undefined) desk.remove();
  }
}

function execute(
  binary: string,
  args: string[],
  options: { cwd: string; env: Record<string, string>; timeout: number },
): Promise<Turn> {
  return new Promise((resolve) => {
    const child = execFile(binary, args, { ...options, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ stdout, stderr, exitCode: code });
    });
    child.stdin?.end();
  });
}

/** What the developer reads, the record id in it replaced by `rec_…`. */
export function read({ stdout }: Turn): string {
  return stdout.trim().replace(/\brec_[0-9a-hjkmnp-tv-z]{26}\b/g, 'rec_…');
}
