import type { Command } from 'commander';
import { z } from 'zod';
import { printable } from '../../kernel/text.ts';
import { type FailedAssertion, loadAssertions, runAssertions } from '../../policy/assertions.ts';
import type { LoadedPolicy } from '../../policy/compile.ts';
import { policySchema } from '../../policy/schema.ts';
import type { Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { CliError } from '../failure.ts';
import { policyInForce } from '../policy-api.ts';
import { checkedFile, checkedText, findingLines, invalid, readDocument, writeDocument } from '../policy-files.ts';
import { STARTER } from '../policy-starter.ts';

/** What needs no gateway: init, check, test, schema. */
export function localCommands(policy: Command, cli: Cli): void {
  const init = policy
    .command('init [file]')
    .description('write a short policy with comments to a new file, by default policy.yaml')
    .action((file = 'policy.yaml') => {
      writeDocument(cli, file, STARTER);
      cli.answer({ file }, () => [
        `Wrote ${printable(file)}. Read and change it, then:`,
        `  ${cli.io.command} policy check ${printable(file)}`,
        `  ${cli.io.command} policy apply ${printable(file)}`,
      ]);
    });
  examples(init, cli.io.command, [['policy init', 'never overwrites a file']]);
  const check = policy
    .command('check <file>')
    .description('check a policy: every fault with its place, and remarks on one that is valid; needs no gateway')
    .action((file: string) => checkFile(cli, file));
  examples(check, cli.io.command, [
    ['policy check policy.yaml', 'ends with 1 where it is not valid'],
    ['policy check policy.yaml --json', 'for an editor or a pipeline'],
  ]);
  const test = policy
    .command('test <file>')
    .description('run tests of a policy: who must be allowed or refused what')
    .option('--policy <file>', 'the policy to test (default: the one in force)')
    .action((file: string, options: { policy?: string }) => testFile(cli, file, options.policy));
  examples(test, cli.io.command, [
    ['policy test policy.tests.yaml --policy policy.yaml', 'ends with 1 where one fails'],
  ]);
  const schema = policy
    .command('schema')
    .description('print the JSON Schema of a policy document, for editors')
    .action(() => {
      const { $schema, ...rest } = z.toJSONSchema(policySchema, { io: 'input' });
      const document = { $schema, $id: 'urn:gatehouse:policy', title: 'Gatehouse policy', ...rest };
      cli.answer(document, () => [JSON.stringify(document, null, 2)]);
    });
  examples(schema, cli.io.command, [['policy schema > policy.schema.json', 'then: # yaml-language-server: $schema=…']]);
}

function checkFile(cli: Cli, file: string): void {
  const { policy, findings } = checkedFile(cli, file);
  cli.answer({ valid: true, file, findings }, () => [
    `${cli.paint('green', '✓')} ${printable(file)} is valid: ${sizeOf(policy)}.`,
    ...(allowsNothing(policy)
      ? [`${cli.paint('yellow', '!')} No rule allows a model: every call would be refused.`]
      : []),
    ...findingLines(cli, findings, file),
  ]);
}

/** Valid, and hardly ever meant: a file that was cut short or not written at all. */
function allowsNothing({ rules, mode }: LoadedPolicy): boolean {
  return (
    mode === 'enforce' &&
    !rules.some((rule) => rule.resource === 'model' && rule.effect !== 'deny' && rule.mode === 'enforce')
  );
}

function sizeOf({ rules, rates, budgets, teams }: LoadedPolicy): string {
  const counts = [
    [rules.length, 'rule'],
    [rates.length, 'rate'],
    [budgets.length, 'budget'],
    [teams.size, 'team'],
  ] as const;
  return counts.map(([count, word]) => `${count} ${word}${count === 1 ? '' : 's'}`).join(', ');
}

async function testFile(cli: Cli, file: string, policyFile: string | undefined): Promise<void> {
  const loaded = loadAssertions({ text: readDocument(cli, file), file });
  if (!loaded.ok) throw invalid(cli, loaded.problems, 'file of tests');
  const { name, policy } = await tested(cli, policyFile);
  const { passed, failed } = runAssertions(policy, loaded.assertions, cli.io.now());
  const all = passed + failed.length;
  if (failed.length > 0) {
    if (!cli.json) for (const one of failed) for (const line of failedLines(file, one)) cli.io.out(`${line}\n`);
    throw new CliError(`${failed.length} of ${all} tests of ${printable(name)} failed.`, {
      fields: { passed, failed },
    });
  }
  cli.answer({ policy: name, passed, failed }, () => [
    `${cli.paint('green', '✓')} ${all === 1 ? 'One test' : `${all} tests`} of ${printable(name)} passed.`,
  ]);
}

async function tested(cli: Cli, file: string | undefined): Promise<{ name: string; policy: LoadedPolicy }> {
  if (file !== undefined) return { name: file, policy: checkedFile(cli, file).policy };
  const current = await policyInForce(cli);
  if (current === null || typeof current.text !== 'string') {
    throw new CliError('No policy is in force.', { remedy: 'Name one with --policy.' });
  }
  const name = `revision ${String(current.revision)}`;
  return { name, policy: checkedText(cli, { text: current.text, file: name }).policy };
}

function failedLines(file: string, { name, line, expected, got, decidedBy }: FailedAssertion): string[] {
  const by = decidedBy === null ? [] : [`  decided by ${printable(decidedBy)}`];
  return [
    `${printable(file)}:${line}: ${printable(name)}: expected ${printable(expected)}, got ${printable(got)}`,
    ...by,
  ];
}
