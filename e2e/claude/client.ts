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

export interface TurnOptions {
  readonly url: string;
  readonly key: string;
  readonly prompt: string;
  readonly tools?: string;
  readonly env?: Record<string, string>;
}

/** One headless turn of the real client in a fresh home and a clean environment, as a developer with two variables would run it. */
export async function runTurn(binary: string, options: TurnOptions): Promise<Turn> {
  const fresh = mkdtempSync(join(tmpdir(), 'gatehouse-claude-'));
  for (const folder of ['home', 'cfg', 'work']) mkdirSync(join(fresh, folder));
  const args = ['-p', options.prompt];
  if (options.tools !== undefined) args.push('--allowedTools', options.tools);
  try {
    return await execute(binary, args, {
      cwd: join(fresh, 'work'),
      env: {
        PATH: '/usr/bin:/bin',
        HOME: join(fresh, 'home'),
        CLAUDE_CONFIG_DIR: join(fresh, 'cfg'),
        TERM: 'dumb',
        LANG: 'C.UTF-8',
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        DISABLE_AUTOUPDATER: '1',
        CLAUDE_CODE_MAX_RETRIES: '2',
        ANTHROPIC_BASE_URL: options.url,
        ANTHROPIC_AUTH_TOKEN: options.key,
        ...options.env,
      },
    });
  } finally {
    rmSync(fresh, { recursive: true, force: true });
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
