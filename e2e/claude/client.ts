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
  readonly home: string;
  /** CLAUDE_CONFIG_DIR. */
  readonly config: string;
  readonly work: string;
  /** What a clean environment has; no address and no credential in it. */
  readonly env: Readonly<Record<string, string>>;
  remove(): void;
}

/** Sockets and task folders of the client go into the desk too: it would leave them in the machine's own temporary folder. */
export function makeDesk(): Desk {
  const fresh = mkdtempSync(join(tmpdir(), 'gatehouse-claude-'));
  const [home, config, work, temp] = ['home', 'cfg', 'work', 'tmp'].map((name) => join(fresh, name)) as [
    string,
    string,
    string,
    string,
  ];
  for (const folder of [home, config, work, temp]) mkdirSync(folder);
  return {
    home,
    config,
    work,
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
  readonly url: string;
  readonly key: string;
  readonly prompt: string;
  readonly tools?: string;
  /** More arguments, such as `--model`. */
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  /** Where to work; a fresh one unless told. A session goes on at the desk where it began. */
  readonly desk?: Desk;
}

/** One headless turn of the real client in a clean environment, as a developer with two variables would run it. */
export async function runTurn(binary: string, options: TurnOptions): Promise<Turn> {
  const desk = options.desk ?? makeDesk();
  const args = ['-p', options.prompt, ...(options.args ?? [])];
  if (options.tools !== undefined) args.push('--allowedTools', options.tools);
  try {
    const env = { ...desk.env, ANTHROPIC_BASE_URL: options.url, ANTHROPIC_AUTH_TOKEN: options.key, ...options.env };
    return await execute(binary, args, { cwd: desk.work, env });
  } finally {
    if (options.desk === undefined) desk.remove();
  }
}

function execute(binary: string, args: string[], options: { cwd: string; env: Record<string, string> }): Promise<Turn> {
  return new Promise((resolve) => {
    const child = execFile(
      binary,
      args,
      { ...options, timeout: TURN_MS, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ stdout, stderr, exitCode: code });
      },
    );
    child.stdin?.end();
  });
}
