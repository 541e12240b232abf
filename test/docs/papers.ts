import { readdirSync, readFileSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Folders that hold no papers of ours. */
const OTHERS = new Set(['node_modules', 'data', 'demo-data', 'backups']);

/** Every Markdown file of the project: path from its root with forward slashes, and text. */
export function papers(): { path: string; text: string }[] {
  const found: { path: string; text: string }[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || OTHERS.has(entry.name)) continue;
      const path = `${folder}${entry.name}`;
      if (entry.isDirectory()) walk(`${path}/`);
      else if (entry.name.endsWith('.md')) {
        found.push({ path: relative(ROOT, path).split(sep).join('/'), text: readFileSync(path, 'utf8') });
      }
    }
  };
  walk(ROOT);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function paper(path: string): string {
  return readFileSync(`${ROOT}${path}`, 'utf8');
}

export interface Block {
  /** What stands behind the opening fence. */
  readonly info: string;
  readonly code: string;
  /** Line of the opening fence, counted from 1. */
  readonly line: number;
}

/** The fenced code blocks of a Markdown text. Throws for a fence that is not closed. */
export function blocks(text: string): Block[] {
  const found: Block[] = [];
  let open: { info: string; line: number; code: string[] } | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^\s*```(.*)$/.exec(line);
    if (fence === null) open?.code.push(line);
    else if (open === null) open = { info: (fence[1] ?? '').trim(), line: index + 1, code: [] };
    else {
      found.push({ info: open.info, line: open.line, code: open.code.join('\n') });
      open = null;
    }
  }
  if (open !== null) throw new Error(`the code block that begins in line ${open.line} has no end`);
  return found;
}

/** The text without its fenced blocks, line numbers kept. */
export function prose(text: string): string {
  let inside = false;
  return text
    .split('\n')
    .map((line) => {
      const fence = /^\s*```/.test(line);
      if (fence) inside = !inside;
      return fence || inside ? '' : line;
    })
    .join('\n');
}

/** Cells of the first table below a heading (its words in any case), rows without header and rule. */
export function tableUnder(text: string, heading: string): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => new RegExp(`^#+ ${heading}\\s*$`, 'i').test(line));
  if (start < 0) throw new Error(`there is no heading "${heading}"`);
  const first = lines.findIndex((line, index) => index > start && line.startsWith('|'));
  const rows: string[][] = [];
  for (let i = first + 2; i < lines.length && lines[i]?.startsWith('|'); i++) {
    const cells = (lines[i] ?? '').split(/(?<!\\)\|/).slice(1, -1);
    rows.push(cells.map((cell) => cell.trim()));
  }
  return rows;
}
