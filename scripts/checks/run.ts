import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** What one check found. */
export interface Result {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Printed as it is; empty when there is nothing to say. */
  readonly output: string;
}

export interface Output {
  readonly code: number | null;
  readonly text: string;
}

/** Runs a program in the root of the repository; standard output and error are returned together. */
export function run(program: string, args: readonly string[], timeout = 600_000): Promise<Output> {
  return new Promise((resolve) => {
    // Tools started from here must find this very Node, not an older one of the system.
    const path = `${dirname(process.execPath)}:${process.env.PATH ?? ''}`;
    const env = { ...process.env, PATH: path, NO_COLOR: '1', FORCE_COLOR: '0', NODE_TEST_CONTEXT: undefined };
    const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'], timeout });
    let text = '';
    const collect = (chunk: unknown) => {
      text += String(chunk);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => resolve({ code: null, text: error.message }));
    child.on('close', (code) => resolve({ code, text }));
  });
}

/** The file that a locally installed tool starts with. */
export function tool(...path: string[]): string {
  const file = join(ROOT, 'node_modules', ...path);
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm ci`);
  return file;
}

export const passed = (output = ''): Result => ({ passed: 1, failed: 0, skipped: 0, output });
export const failed = (output: string): Result => ({ passed: 0, failed: 1, skipped: 0, output });
