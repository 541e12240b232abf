import type { Command } from 'commander';
import { printable } from '../../kernel/text.ts';
import type { Cli } from '../cli.ts';
import { LONG_MS } from '../client.ts';
import { confirm } from '../confirm.ts';
import { countOf } from '../counts.ts';
import { examples } from '../examples.ts';
import { type Fields, listOf, numberOf, textOf } from '../fields.ts';
import { answerLines, policyInForce, refuseForFile, remarkLines, sendDocument } from '../policy-api.ts';
import { checkedFile } from '../policy-files.ts';

interface ChangeOptions {
  readonly reason?: string;
  readonly yes?: boolean;
}

const REASON = ['--reason <text>', 'why, for the audit trail; name nobody in it'] as const;

/** `policy diff`, `apply` and `rollback`. */
export function changeCommands(policy: Command, cli: Cli): void {
  const diff = policy
    .command('diff <file>')
    .description('who would gain and who would lose what')
    .option('--against <revision>', 'compare with this revision instead of what is in force', countOf)
    .action(async (file: string, { against }: { against?: number }) => {
      const { text } = checkedFile(cli, file);
      const answer = await sendDocument(cli, file, () =>
        cli.api().post('/api/policy/diff', { text, against }, LONG_MS),
      );
      cli.answer(answer, () => answerLines(answer));
    });
  examples(diff, cli.io.command, [
    ['policy diff policy.yaml', 'against what is in force'],
    ['policy diff policy.yaml --against 3', 'against revision 3'],
  ]);
  const apply = policy
    .command('apply <file>')
    .description('put a policy in force, after showing what it changes')
    .option(...REASON)
    .option('--yes', 'do not ask')
    .action((file: string, options: ChangeOptions) => applyFile(cli, file, options));
  examples(apply, cli.io.command, [['policy apply policy.yaml --reason "SEC-214" --yes', 'in a pipeline']]);
  const rollback = policy
    .command('rollback')
    .argument('<revision>', 'its number, as policy history shows it', countOf)
    .description('go back to an earlier revision, after showing what that changes')
    .option(...REASON)
    .option('--yes', 'do not ask')
    .action((revision: number, options: ChangeOptions) => rollBack(cli, revision, options));
  examples(rollback, cli.io.command, [['policy rollback 3 --reason "INC-42"', 'policy history shows the numbers']]);
}

async function applyFile(cli: Cli, file: string, options: ChangeOptions): Promise<void> {
  const { text } = checkedFile(cli, file);
  refuseForFile(await policyInForce(cli));
  const diff = await sendDocument(cli, file, () => cli.api().post('/api/policy/diff', { text }, LONG_MS));
  await agreed(cli, diff, { ...options, word: 'apply', what: `Applying ${printable(file)}` });
  // Whoever applies another one between the question and the answer makes this one fail: what was shown is what is done.
  const body = { text, reason: options.reason, expect: numberOf(diff, 'newest') };
  report(cli, await sendDocument(cli, file, () => cli.api().post('/api/policy/apply', body)), 'Applied');
}

async function rollBack(cli: Cli, revision: number, options: ChangeOptions): Promise<void> {
  refuseForFile(await policyInForce(cli));
  const diff = await cli.api().post('/api/policy/diff', { revision }, LONG_MS);
  await agreed(cli, diff, { ...options, word: 'rollback', what: `Going back to revision ${revision}` });
  const body = { revision, reason: options.reason, expect: numberOf(diff, 'newest') };
  report(cli, await cli.api().post('/api/policy/rollback', body), 'Rolled back');
}

async function agreed(
  cli: Cli,
  diff: Fields,
  { yes, word, what }: ChangeOptions & { readonly word: string; readonly what: string },
): Promise<void> {
  const lines = [`${what} at ${cli.url()}:`, ...answerLines(diff).map((line) => `  ${line}`)];
  if (yes === true && !cli.json) for (const line of lines) cli.io.out(`${line}\n`);
  await confirm(cli.io, { yes: yes === true, word, explanation: lines.join('\n') });
}

function report(cli: Cli, answer: Fields, verb: string): void {
  const proposal = textOf(answer, 'id');
  if (proposal.startsWith('chg_')) {
    cli.answer(answer, () => [
      'Not applied: the policy in force wants a second person for this.',
      ...listOf(answer, 'points').map((point) => `  ${textOf(point, 'path')}: ${textOf(point, 'message')}`),
      `Somebody else may now run: ${cli.io.command} proposals approve ${proposal}`,
    ]);
    return;
  }
  const revision = textOf(answer, 'revision');
  cli.answer(answer, () => [
    answer.unchanged === true
      ? `Revision ${revision} already says this: nothing was changed.`
      : `${verb}: revision ${revision} is in force.`,
    ...remarkLines(cli, answer),
  ]);
}
