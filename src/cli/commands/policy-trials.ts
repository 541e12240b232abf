import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { LONG_MS } from '../client.ts';
import { countOf } from '../counts.ts';
import { examples } from '../examples.ts';
import { usageError } from '../failure.ts';
import { answerLines, sendDocument, withoutPolicy } from '../policy-api.ts';
import { checkedFile } from '../policy-files.ts';

interface ExplainOptions {
  readonly person?: string;
  readonly service?: string;
  readonly team?: string;
  readonly key?: string;
  readonly model?: string;
  readonly capability?: string;
  readonly policy?: string;
}

/** `policy explain` and `replay`. */
export function trialCommands(policy: Command, cli: Cli): void {
  const explain = policy
    .command('explain')
    .description('whether a caller may use a model or capability now, and why')
    .option('--person <who>', 'who calls, by e-mail address or id')
    .option('--service <name>', 'or a service, by name or id')
    .option('--team <name>', 'the team the call names, one of theirs')
    .option('--key <id>', 'the key it is made with (default: the only one, where there is one)')
    .option('--model <name>', 'the model that is asked for')
    .option('--capability <name>', 'or what the provider would run, such as web_search')
    .option('--policy <file>', 'ask this policy instead of the one in force')
    .action((options: ExplainOptions) => explainCall(cli, options));
  examples(explain, cli.io.command, [
    ['policy explain --person ada@example.com --model claude-opus-5-5', 'with stops, approvals and budgets'],
    ['policy explain --service payments-ci --capability web_search --policy new.yaml', 'under a policy to come'],
  ]);
  const replay = policy
    .command('replay <file>')
    .description('what a policy would have refused and allowed of the calls of the last days')
    .option('--days <n>', 'how many days back, at most 90', countOf, 7)
    .action(async (file: string, { days }: { days: number }) => {
      if (days > 90) throw usageError('A replay reaches at most 90 days back.');
      const { text } = checkedFile(cli, file);
      const post = () => cli.api().post('/api/policy/replay', { text, days }, LONG_MS);
      const answer = await sendDocument(cli, file, post);
      cli.answer(answer, () => answerLines(answer));
    });
  examples(replay, cli.io.command, [['policy replay policy.yaml --days 30', 'may take minutes after a busy month']]);
}

async function explainCall(cli: Cli, { policy, ...question }: ExplainOptions): Promise<void> {
  if ((question.person === undefined) === (question.service === undefined)) {
    throw usageError('Say who calls with either --person or --service.');
  }
  if ((question.model === undefined) === (question.capability === undefined)) {
    throw usageError('Say what is asked for with either --model or --capability.');
  }
  const text = policy === undefined ? undefined : checkedFile(cli, policy).text;
  const post = () => cli.api().post('/api/policy/explain', { ...question, text });
  const answer = await sendDocument(cli, policy ?? 'policy', post).catch((error: unknown) => {
    throw withoutPolicy(cli, error);
  });
  cli.answer(answer, () => answerLines(answer));
}
