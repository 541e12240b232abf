import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { changeCommands } from './policy-change.ts';
import { localCommands } from './policy-local.ts';
import { showCommands } from './policy-show.ts';
import { trialCommands } from './policy-trials.ts';

/** `gatehouse policy`: who may what, and how much. */
export function policyCommand(program: Command, cli: Cli): void {
  const policy = program.command('policy').description('who may use which model, how fast, and for how much');
  examples(policy, cli.io.command, [
    ['policy init policy.yaml', 'a short policy to begin with'],
    ['policy check policy.yaml', 'every fault with its place; needs no gateway'],
    ['policy diff policy.yaml', 'who would gain and lose what'],
    ['policy replay policy.yaml --days 7', 'what it would have refused last week'],
    ['policy apply policy.yaml --reason "SEC-214"', 'in force when this returns'],
    ['policy explain --person ada@example.com --model claude-opus-5-5', 'why she may, or may not'],
    ['policy rollback 3', 'back to revision 3'],
  ]);
  localCommands(policy, cli);
  changeCommands(policy, cli);
  showCommands(policy, cli);
  trialCommands(policy, cli);
}
