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
import { readDocument, writeDocument } from '../policy-files.ts';

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
  const result = importPolicy(kind, { text: readDocument(cli, file), file });
  if (!result.ok) {
    if (!cli.json) for (const problem of result.problems) cli.note(formatProblem(problem));
    throw new CliError(`${printable(file)} cannot be translated: it is not a configuration that can be read.`, {
      exit: EXIT.usage,
      fields: { problems: result.problems },
    });
  }
  if (out !== undefined) writeDocument(cli, out, result.policy);
  if (cli.json) {
    cli.answer(result, () => []);
    return;
  }
  if (out === undefined) cli.io.out(result.policy);
  for (const line of report(result, { file, out })) cli.note(line);
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
