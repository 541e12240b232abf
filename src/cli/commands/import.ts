import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Argument, type Command } from 'commander';
import { formatProblem } from '../../kernel/config.ts';
import { printable } from '../../kernel/text.ts';
import { importPolicy } from '../../policy/import/import.ts';
import {
  IMPORT_KINDS,
  type Imported,
  type ImportKind,
  type ImportNote,
  type Severity,
} from '../../policy/import/model.ts';
import type { Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { CliError, EXIT } from '../failure.ts';

/** `gatehouse import`: another gateway's configuration as a policy. */
export function importCommand(program: Command, cli: Cli): void {
  const command = program
    .command('import')
    .description("translate another gateway's configuration into a policy; nothing is changed anywhere")
    .addArgument(new Argument('<kind>', 'whose configuration it is').choices(IMPORT_KINDS))
    .argument('<file>', 'YAML or JSON')
    .option('--out <file>', 'write the policy to a new file instead of printing it')
    .action((kind: ImportKind, file: string, options: { out?: string }) => {
      runImport(cli, { kind, file, out: options.out });
    });
  examples(command, cli.io.command, [
    ['import litellm config.yaml --out policy.yaml', 'the policy in a file, what to look at on the screen'],
    ['import claude-gateway gateway.yaml', 'of the Claude apps gateway; or the answer of its spend-limits API'],
    ['import portkey config.json --json', 'policy, configuration and notes for a program'],
  ]);
}

interface Request {
  readonly kind: ImportKind;
  readonly file: string;
  readonly out: string | undefined;
}

function runImport(cli: Cli, { kind, file, out }: Request): void {
  const result = importPolicy(kind, { text: readText(resolve(cli.io.cwd, file), file), file });
  if (!result.ok) {
    if (!cli.json) for (const problem of result.problems) cli.note(formatProblem(problem));
    throw new CliError(`${printable(file)} cannot be translated: it is not a configuration that can be read.`, {
      exit: EXIT.usage,
      fields: { problems: result.problems },
    });
  }
  if (out !== undefined) writeNew(resolve(cli.io.cwd, out), { text: result.policy, name: out });
  if (cli.json) {
    cli.answer(result, () => []);
    return;
  }
  if (out === undefined) cli.io.out(result.policy);
  for (const line of report(result, { file, out })) cli.note(line);
}

/** The parser takes 1 MiB; one byte more makes it say so, and a device without an end is not read to it. */
const MOST = 1024 * 1024 + 1;

function readText(path: string, name: string): string {
  const bytes = Buffer.alloc(MOST);
  let length = 0;
  try {
    const file = openSync(path, 'r');
    try {
      for (let read = -1; read !== 0 && length < MOST; length += read) {
        read = readSync(file, bytes, length, MOST - length, null);
      }
    } finally {
      closeSync(file);
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length));
  } catch (error) {
    // A file that was cut at the limit may end inside a character: then its size is the fault to report.
    if (length === MOST) return bytes.toString('latin1');
    const why = error instanceof TypeError ? 'it is not UTF-8 text' : 'there is no such file, or it may not be read';
    throw new CliError(`${printable(name)} cannot be read: ${why}.`, { exit: EXIT.usage });
  }
}

function writeNew(path: string, { text, name }: { text: string; name: string }): void {
  try {
    writeFileSync(path, text, { flag: 'wx' });
  } catch (error) {
    const there = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new CliError(`${printable(name)} ${there ? 'is already there' : 'cannot be written'}.`, {
      exit: EXIT.failed,
      remedy: there ? 'Name another file, or move that one away.' : null,
    });
  }
}

const HEADINGS: readonly (readonly [Severity, string])[] = [
  ['untranslated', 'Not translated'],
  ['changed', 'Translated, but it means something else now'],
  ['check', 'To be looked at'],
];

/** What a person has to know: the notes by kind, then the way to the provider. */
function report({ notes, config }: Imported, { file, out }: { file: string; out: string | undefined }): string[] {
  const sections = HEADINGS.flatMap(([severity, heading]) => {
    const own = notes.filter((note) => note.severity === severity);
    return own.length === 0 ? [] : ['', `${heading} (${own.length}):`, ...grouped(own, printable(file))];
  });
  const upstream = config === null ? [] : ['', ...config.trimEnd().split('\n')];
  const written = out === undefined ? [] : ['', `The policy is in ${printable(out)}.`];
  return [...sections, ...upstream, ...written];
}

/** A note that is the same at many places is said once, above them. */
function grouped(notes: readonly ImportNote[], file: string): string[] {
  const byMessage = new Map<string, ImportNote[]>();
  for (const note of notes) byMessage.set(note.message, [...(byMessage.get(note.message) ?? []), note]);
  return [...byMessage].flatMap(([message, same]) => {
    const places = same.map(({ path, line }) => `${file}:${line}${path === '' ? '' : `: ${path}`}`);
    return places.length === 1
      ? [`  ${places.join()}: ${message}.`]
      : [`  ${message}:`, ...places.map((at) => `    ${at}`)];
  });
}
