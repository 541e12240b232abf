import { CliError, usageError } from './failure.ts';
import type { Io } from './io.ts';

/**
 * Asks a person to type `word` before something that cannot be undone; passes at once with --yes. Throws a usage error where
 * there is nobody to ask, so that a script never does it by accident.
 */
export async function confirm(
  io: Io,
  { yes, explanation, word }: { yes: boolean; explanation: string; word: string },
): Promise<void> {
  if (yes) return;
  io.err(`${explanation}\n`);
  const typed = await io.ask(`Type ${word} to go on: `);
  if (typed === null) throw usageError('This needs a confirmation, and there is no terminal to ask.', 'Add --yes.');
  if (typed.trim().toLowerCase() !== word.toLowerCase()) {
    throw new CliError('Nothing was changed.', { remedy: `To go on, type ${word}, or add --yes.` });
  }
}
