/** Policy documents on this machine: read, checked, written. */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ConfigProblem, formatProblem } from '../kernel/config.ts';
import { printable } from '../kernel/text.ts';
import type { LoadedPolicy } from '../policy/compile.ts';
import { loadPolicy } from '../policy/load.ts';
import type { Finding } from '../policy/model.ts';
import type { Cli } from './cli.ts';
import { CliError, EXIT } from './failure.ts';

/** The parser takes 1 MiB; one byte more makes it say so, and a device without an end is not read to it. */
const MOST = 1024 * 1024 + 1;

/** A file of this command line's folder, at most one byte more than a document may have. Throws CliError. */
export function readDocument(cli: Cli, name: string): string {
  const bytes = Buffer.alloc(MOST);
  let length = 0;
  try {
    const file = openSync(resolve(cli.io.cwd, name), 'r');
    try {
      for (let read = -1; read !== 0 && length < MOST; length += read) {
        read = readSync(file, bytes, length, MOST - length, null);
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new CliError(`${printable(name)} cannot be read: ${whyUnreadable(error)}.`, { exit: EXIT.usage });
  }
  // A file that was cut at the limit may end inside a character: its size is the fault to report.
  if (length === MOST) return bytes.toString('latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length));
  } catch {
    throw new CliError(`${printable(name)} cannot be read: it is not UTF-8 text.`, { exit: EXIT.usage });
  }
}

function whyUnreadable(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EACCES' || code === 'EPERM') return 'you may not read it';
  return code ?? 'it is not a file';
}

/** Writes a new file; what is there already is never overwritten. Throws CliError. */
export function writeDocument(cli: Cli, name: string, text: string): void {
  try {
    writeFileSync(resolve(cli.io.cwd, name), text, { flag: 'wx' });
  } catch (error) {
    const there = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new CliError(`${printable(name)} ${there ? 'is already there' : 'cannot be written'}.`, {
      remedy: there ? 'Name another file, or move that one away.' : null,
    });
  }
}

export interface CheckedFile {
  readonly text: string;
  readonly policy: LoadedPolicy;
  readonly findings: readonly Finding[];
}

/** A document that is valid. Else prints each fault with its place, and throws CliError. */
export function checkedFile(cli: Cli, name: string): CheckedFile {
  const text = readDocument(cli, name);
  return { text, ...checkedText(cli, { text, file: name }) };
}

/** The same for a text from elsewhere; `file` names it in messages. */
export function checkedText(
  cli: Cli,
  { text, file }: { readonly text: string; readonly file: string },
): Omit<CheckedFile, 'text'> {
  const loaded = loadPolicy({ text, file, now: cli.io.now() });
  if (!loaded.ok) throw invalid(cli, loaded.problems, 'policy');
  return loaded;
}

/** Prints faults as `file:line:column: …`, and gives the error to throw. */
export function invalid(cli: Cli, problems: readonly ConfigProblem[], what: string): CliError {
  if (!cli.json) for (const problem of problems) cli.io.out(`${formatProblem(problem)}\n`);
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return new CliError(`The ${what} has ${count}.`, { fields: { problems } });
}

/** `! policy.yaml:12: access[2]: can never apply`, warnings before notes. */
export function findingLines(cli: Cli, findings: readonly Finding[], file: string): string[] {
  const line = ({ severity, place, message }: Finding): string => {
    const mark = severity === 'warning' ? cli.paint('yellow', '!') : '-';
    return `${mark} ${printable(file)}:${place.line}: ${place.path}: ${printable(message)}`;
  };
  const of = (severity: Finding['severity']) => findings.filter((finding) => finding.severity === severity);
  return [...of('warning'), ...of('note')].map(line);
}
