import type { Command } from 'commander';

/** Adds examples to a command's help: pairs of a command line and what it does. */
export function examples(command: Command, name: string, lines: readonly (readonly [string, string])[]): Command {
  const width = Math.max(...lines.map(([line]) => line.length));
  const shown = lines.map(([line, what]) => `  ${name} ${line.padEnd(width)}  ${what}`);
  return command.addHelpText('after', `\nExamples:\n${shown.join('\n')}`);
}
