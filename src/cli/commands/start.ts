import { type Command, InvalidArgumentError } from 'commander';
import type { RunningGatehouse } from '../../main.ts';
import type { Cli } from '../cli.ts';
import { connectLines } from '../connect.ts';
import { DEFAULT_URL } from '../credentials.ts';
import { examples } from '../examples.ts';
import { CliError } from '../failure.ts';
import { showValue } from '../fields.ts';
import { version } from '../version.ts';

interface StartFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: number;
  readonly data?: string;
  readonly workers?: number;
}

/** Signals within this many milliseconds are one. */
const SAME_SIGNAL_MS = 500;

/** `gatehouse start`: serve until a signal comes. */
export function startCommand(program: Command, cli: Cli): void {
  const start = program
    .command('start [mode]')
    .description('serve until Ctrl-C or SIGTERM; the mode “demo” is the same as gatehouse demo')
    .action((mode: string | undefined, flags: StartFlags) => {
      if (mode !== undefined && mode !== 'demo')
        throw new CliError(`There is no mode “${showValue(mode)}”; the only one is demo.`, { exit: 2 });
      return serve(cli, flags, mode === 'demo');
    });
  examples(startFlags(start), cli.io.command, [
    ['start', 'with ANTHROPIC_API_KEY set'],
    ['start --config /etc/gatehouse.yaml', 'with a configuration'],
    ['start demo', 'with a simulated provider'],
  ]);
}

/** `gatehouse demo`: the same in front of the built-in simulated provider. */
export function demoCommand(program: Command, cli: Cli): void {
  const demo = program
    .command('demo')
    .description('try Gatehouse in front of a simulated provider: no key, no cost, nothing leaves this machine')
    .action((flags: StartFlags) => serve(cli, flags, true));
  examples(startFlags(demo), cli.io.command, [['demo', 'then follow what it prints']]);
}

function startFlags(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file (default: gatehouse.yaml where there is one)')
    .option('--host <address>', 'address to listen on')
    .option('--port <number>', 'port to listen on; 0 takes any free one', portOf)
    .option('--data <folder>', 'folder for everything that is kept')
    .option('--workers <number>', 'relay workers in front, for a machine with more cores; 0 for none', workersOf);
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return port;
}

function workersOf(text: string): number {
  const workers = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (!(workers <= 64)) throw new InvalidArgumentError('It must be a number from 0 to 64.');
  return workers;
}

async function serve(cli: Cli, flags: StartFlags, demo: boolean): Promise<void> {
  const { io } = cli;
  const running = await io.start({ ...flags, demo }).catch(portTaken);
  let first: number | null = null;
  const forget = io.onSignal(() => {
    // One Ctrl-C can arrive twice, from the terminal and from what started us.
    if (first !== null && io.now() - first < SAME_SIGNAL_MS) return;
    // The second time somebody is in a hurry: running answers are cut, what is recorded is safe either way.
    if (first !== null) io.exitNow(130);
    first = io.now();
    cli.note('Stopping: running answers may finish. Press Ctrl-C again to stop at once.');
    void running.stop();
  });
  const { url, ownerSecret, simulated, demoKey, dataDir, warnings, providerKey } = running;
  cli.answer({ version: version(), url, ownerSecret, simulated, demoKey, dataDir, warnings, providerKey }, () =>
    banner(cli, running),
  );
  await running.done;
  forget();
}

function portTaken(error: unknown): never {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    const port = 'port' in error ? ` ${showValue(error.port)}` : '';
    throw new CliError(`The port${port} is taken by another program.`, {
      remedy: 'Is a Gatehouse running already? Stop it, or choose another port with --port.',
    });
  }
  if (error instanceof Error && 'syscall' in error && /^(listen|getaddrinfo)$/.test(String(error.syscall))) {
    throw new CliError(`Gatehouse cannot listen there: ${showValue(error.message)}.`, {
      remedy: 'Check --host and --port, or listen.host and listen.port.',
    });
  }
  throw error;
}

function banner(cli: Cli, running: RunningGatehouse): string[] {
  const { url, simulated, dataDir } = running;
  return [
    cli.paint('bold', `Gatehouse ${version()} listens on ${url}`),
    `It keeps everything in ${dataDir}`,
    ...(simulated
      ? ['', cli.paint('yellow', 'SIMULATED: every answer is made up by a built-in provider; no model is called.')]
      : []),
    ...missing(running),
    ...noPolicy(cli, running),
    '',
    ...nextSteps(cli, running),
    ...(running.warnings.length > 0
      ? ['', ...running.warnings.map((text) => `${cli.paint('yellow', '!')} ${text}`)]
      : []),
    '',
    'Ctrl-C stops it.',
  ];
}

function missing({ providerKey, simulated }: RunningGatehouse): string[] {
  if (providerKey || simulated) return [];
  return [
    '',
    'Missing: a provider key. Until there is one, calls are refused with this reason.',
    '  export ANTHROPIC_API_KEY=…   then start again; or name a key in upstream.key of gatehouse.yaml',
  ];
}

function noPolicy(cli: Cli, { policy, url }: RunningGatehouse): string[] {
  if (policy) return [];
  const command = url === DEFAULT_URL ? cli.io.command : `${cli.io.command} --url ${url}`;
  return [
    '',
    'Missing: a policy. Until there is one, nothing is allowed. Once you are its owner:',
    `  ${cli.io.command} policy init policy.yaml   then read and change it`,
    `  ${command} policy apply policy.yaml`,
  ];
}

function nextSteps(cli: Cli, { url, ownerSecret, simulated, demoKey }: RunningGatehouse): string[] {
  const command = url === DEFAULT_URL ? cli.io.command : `${cli.io.command} --url ${url}`;
  const label = simulated ? ' (simulated)' : '';
  const lines = connectLines(url, demoKey ?? '');
  const [base = '', token = ''] = lines.map((line) => `     ${line}`);
  const connect = [`Connect Claude Code${label}:`, base, demoKey === null ? `${token}…the ghk_ key…` : token];
  const claim = [
    `     ${command} owner claim ${ownerSecret} --email you@example.com`,
    'Make yourself a key:',
    `     ${command} keys create --person you@example.com --label laptop`,
  ];
  if (demoKey !== null) {
    const own =
      ownerSecret === null
        ? ['', 'See the other side:']
        : ['', 'See the other side: become its owner; the secret works once:', claim[0] ?? ''];
    return [...connect, ...own, `     ${command} usage --by person`, `     ${command} audit tail --follow`];
  }
  if (ownerSecret === null) return [...connect, 'A key, where you have none:', claim[2] ?? ''];
  return ['It has no owner yet. In another terminal, become its owner; the secret works once:', ...claim, ...connect];
}
