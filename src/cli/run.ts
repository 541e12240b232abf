import { Command, CommanderError } from 'commander';
import { Cli } from './cli.ts';
import { auditCommand } from './commands/audit.ts';
import { backupCommand } from './commands/backup.ts';
import { budgetsCommand } from './commands/budgets.ts';
import { checkCommand } from './commands/check.ts';
import { doctorCommand } from './commands/doctor.ts';
import { grantsCommand } from './commands/grants.ts';
import { guestsCommand } from './commands/guests.ts';
import { identitiesCommand } from './commands/identities.ts';
import { idpCommand } from './commands/idp.ts';
import { importCommand } from './commands/import.ts';
import { keysCommand } from './commands/keys.ts';
import { openapiCommand } from './commands/openapi.ts';
import { ownerCommand } from './commands/owner.ts';
import { peopleCommand } from './commands/people.ts';
import { policyCommand } from './commands/policy.ts';
import { proposalsCommand } from './commands/proposals.ts';
import { restoreCommand } from './commands/restore.ts';
import { rolesCommand } from './commands/roles.ts';
import { sessionsCommand } from './commands/sessions.ts';
import { demoCommand, startCommand } from './commands/start.ts';
import { stopCommand } from './commands/stop.ts';
import { teamsCommand } from './commands/teams.ts';
import { usageCommand } from './commands/usage.ts';
import { CliError, EXIT } from './failure.ts';
import { safeJson, showValue } from './fields.ts';
import type { Io } from './io.ts';
import { version } from './version.ts';

const COMMANDS = [
  startCommand,
  demoCommand,
  checkCommand,
  ownerCommand,
  peopleCommand,
  teamsCommand,
  rolesCommand,
  idpCommand,
  identitiesCommand,
  guestsCommand,
  sessionsCommand,
  keysCommand,
  stopCommand,
  grantsCommand,
  policyCommand,
  proposalsCommand,
  budgetsCommand,
  usageCommand,
  auditCommand,
  doctorCommand,
  backupCommand,
  restoreCommand,
  importCommand,
  openapiCommand,
];

/**
 * Runs one command line (without the program's name) and resolves with its exit code. Never rejects for what a user did; what
 * nobody foresaw is one sentence too, with its stack where GATEHOUSE_DEBUG is set.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const program = new Command();
  const cli = new Cli(io, program);
  const said: string[] = [];
  setUp(program, io, (text) => said.push(text));
  // Settings pass to a subcommand at the moment it is made, so they come first.
  for (const command of COMMANDS) command(program, cli);
  try {
    if (argv.length === 0) {
      io.out(program.helpInformation() + firstSteps(io.command));
      return EXIT.ok;
    }
    await program.parseAsync([...argv], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    const json = argv.includes('--json');
    // A command that needs a subcommand has said its help; every other complaint is put into our own words.
    if (!json && error instanceof CommanderError && error.code === 'commander.help') io.err(said.join(''));
    return report(error, { io, json });
  }
}

function setUp(program: Command, io: Io, hear: (text: string) => void): void {
  program
    .name('gatehouse')
    .description('One endpoint, one policy set, one audit trail for every way people reach Claude.')
    .version(version(), '-V, --version', 'show the version')
    .option('--url <address>', 'the gateway (default: GATEHOUSE_URL, the one you claimed, or http://127.0.0.1:8787)')
    .option(
      '--token-file <file>',
      'file with the admin token (default: GATEHOUSE_TOKEN, or the one kept by owner claim)',
    )
    .option('--json', 'print one machine-readable object and nothing else')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({ writeOut: io.out, writeErr: hear, getOutHelpWidth: () => io.columns })
    .exitOverride()
    .addHelpText('after', () => firstSteps(io.command));
}

function firstSteps(command: string): string {
  return `
First steps:
  ${command} demo                               try it: a simulated provider, no key, no cost
  ${command} start                              serve, with ANTHROPIC_API_KEY set; prints a one-use secret
  ${command} owner claim gho_… --email YOU      become its owner; your admin token is kept for you
  ${command} policy init                        who may use what; change it, then: policy apply policy.yaml
  ${command} keys create --person YOU           a virtual key, and the two lines that connect Claude Code
  ${command} usage --by person                  who used how much
  ${command} audit tail --follow                what is happening now
  ${command} doctor                             what could be better, and how

Times are in UTC.

Exit codes:
  0  done
  1  refused by the gateway, or failed
  2  the command line is wrong
  3  no gateway answered
  4  something that was verified is not as it should be
`;
}

/** One sentence and what to do, on standard error; with --json one object on standard output. */
function report(error: unknown, { io, json }: { io: Io; json: boolean }): number {
  const failure = toFailure(error, io.env.GATEHOUSE_DEBUG !== undefined);
  if (failure === null) return EXIT.ok;
  const { message, remedy, exit, fields } = failure;
  if (json) io.out(`${safeJson({ error: { message, remedy, exit, ...fields } }, 2)}\n`);
  else io.err(`gatehouse: ${message}\n${remedy === null ? '' : `  ${remedy}\n`}`);
  return exit;
}

function toFailure(error: unknown, debug: boolean): CliError | null {
  if (error instanceof CliError) return error;
  if (error instanceof CommanderError) {
    // Help and version end this way too.
    if (error.exitCode === 0) return null;
    if (error.code === 'commander.help')
      return new CliError('This command needs a subcommand.', { exit: EXIT.usage, remedy: 'Add --help to see which.' });
    const message = showValue(error.message.replace(/^error: /, '').replace(/\n\((.*)\)$/s, '. $1'));
    return new CliError(message, { exit: EXIT.usage, remedy: 'Add --help to see how it is used.' });
  }
  const said = error instanceof Error ? error.message : String(error);
  if (debug && error instanceof Error) return new CliError(error.stack ?? said);
  const fault = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  const remedy = fault ? 'This is a fault of Gatehouse; with GATEHOUSE_DEBUG=1 it says where.' : null;
  return new CliError(said.split('\n').map(showValue).join('\n'), { remedy });
}
