import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** A record as it stands in a file, read without any code of the journal. */
export interface Line {
  readonly seq: number;
  readonly kind: string;
  readonly id: string;
  /** The line as written. */
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Names of the segments' files, oldest first; where a packed and a plain one stand side by side, the plain one. */
function filesOf(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => /^\d{12}\.jsonl(\.gz)?$/.test(name));
  return names.filter((name) => !name.endsWith('.gz') || !names.includes(name.slice(0, -3))).sort();
}

function textOf(folder: string, name: string): string {
  const bytes = readFileSync(join(folder, name));
  return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
}

/** Segments are packed and retired while they are read: then they are listed again. */
function steady<T>(read: () => T): T {
  for (let turn = 0; ; turn++) {
    try {
      return read();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || turn === 20) throw error;
    }
  }
}

/** Every whole line of the trail in a data folder that is kept, in order. What stands behind the last newline is left out. */
export function readTrail(dataDir: string): Line[] {
  const folder = join(dataDir, 'journal', 'main');
  const texts = steady(() => filesOf(folder).map((name) => textOf(folder, name)));
  return texts
    .flatMap((text) => text.split('\n').slice(0, -1))
    .map((text) => {
      const body = JSON.parse(text) as Record<string, unknown>;
      return { seq: Number(body.seq), kind: String(body.kind), id: String(body.id), text, body };
    });
}

/** Whether some whole line of the trail holds this text now; the newest segments are looked into first. */
export function trailHolds(dataDir: string, text: string): boolean {
  const folder = join(dataDir, 'journal', 'main');
  return steady(() =>
    filesOf(folder)
      .reverse()
      .some((name) => {
        const found = textOf(folder, name);
        const at = found.indexOf(text);
        return at >= 0 && found.indexOf('\n', at) >= 0;
      }),
  );
}
