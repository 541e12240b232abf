import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Desk } from './client.ts';

/** A program on a terminal of its own, as somebody sits in front of it. */
export interface Terminal {
  /** Types text. */
  type(text: string): void;
  /** Presses a key by its name, such as `Enter`. */
  press(key: string): void;
  /** What is on the screen, once it matches. Throws with the last screen when it does not come to that. */
  shows(what: RegExp): Promise<string>;
  close(): void;
}

const LOOK_MS = 100;
const LOOKS = 200;
/** Whatever happens to the test, the program is ended after so many seconds. */
const MOST_SECONDS = '180';

/** Why no terminal can be opened on this machine; null when it can. */
export function terminalMissing(): string | null {
  try {
    execFileSync('tmux', ['-V'], { stdio: 'pipe' });
    return null;
  } catch {
    return 'tmux is not installed: the screen of the client cannot be looked at';
  }
}

/** Runs a program at a desk. Wide enough that no sentence of interest is broken over two lines. */
export function openTerminal(desk: Desk, program: string, args: readonly string[]): Terminal {
  const socket = join(desk.temp, 'terminal');
  const env = { ...desk.env, TERM: 'xterm-256color', TZ: 'UTC' };
  const tmux = (...words: string[]): string =>
    execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...words], { encoding: 'utf8', env, stdio: 'pipe' });
  const command = ['timeout', '--foreground', MOST_SECONDS, program, ...args];
  const clean = ['env', '-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  tmux('new-session', '-d', '-x', '400', '-y', '50', '-c', desk.work, ...clean, ...command);
  return {
    type: (text) => void tmux('send-keys', '-l', text),
    press: (key) => void tmux('send-keys', key),
    async shows(what) {
      let screen = '';
      for (let i = 0; i < LOOKS; i++) {
        screen = tmux('capture-pane', '-p').trimEnd();
        if (what.test(screen)) return screen;
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
      throw new Error(`the screen does not show ${what}:\n${screen}`);
    },
    close() {
      try {
        tmux('kill-server');
      } catch {
        // The program has ended, and its terminal with it.
      }
    },
  };
}
