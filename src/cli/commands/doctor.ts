import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { DEFAULT_FILE, type GatehouseConfig } from '../../config.ts';
import { formatDuration } from '../../kernel/units.ts';
import { resolveSecret } from '../../secrets/reference.ts';
import type { Cli } from '../cli.ts';
import { credentialsFile, DEFAULT_URL } from '../credentials.ts';
import { configOf, dataFolder } from '../data-folder.ts';
import {
  checkCheckpoints,
  checkConfig,
  checkDisk,
  checkJournal,
  checkLeaks,
  checkModes,
  checkNode,
  checkPort,
  type Finding,
} from '../doctor-checks.ts';
import { examples } from '../examples.ts';
import { CliError, EXIT } from '../failure.ts';
import { type Fields, objectOf, showValue, textOf } from '../fields.ts';

interface DoctorFlags {
  readonly config?: string;
  readonly data?: string;
}

const MAX_SKEW_MS = 5_000;

/** `gatehouse doctor`: what could be better, and how. Changes nothing. */
export function doctorCommand(program: Command, cli: Cli): void {
  const doctor = program
    .command('doctor')
    .description('check this machine, the data folder and the running gateway; says how to mend each thing')
    .option('--config <file>', 'configuration file')
    .option('--data <folder>', 'data folder (default: that of the configuration)')
    .action((flags: DoctorFlags) => examine(cli, flags));
  examples(doctor, cli.io.command, [['doctor', 'after every change of the installation']]);
}

async function examine(cli: Cli, flags: DoctorFlags): Promise<void> {
  const config = configOf(flags);
  const dataDir = dataFolder(flags);
  const gateway = await lookAtGateway(cli);
  const fullAt = textOf(objectOf(gateway.health ?? {}, 'disk'), 'full_at') || null;
  const findings = [
    checkNode(process.versions.node),
    ...checkConfig(config),
    ...checkModes(dataDir),
    ...checkLeaks([flags.config ?? DEFAULT_FILE, '.env']),
    credentialsFinding(cli),
    await checkDisk(dataDir, config, { fullAt, now: cli.io.now() }),
    await checkJournal(dataDir),
    await checkCheckpoints(dataDir, config),
    ...gateway.findings,
    ...(gateway.reachable ? [] : [await checkPort(config)]),
    providerKey(cli, config, gateway.health),
  ];
  // The gateway warns of its configuration in the words that are used here.
  conclude(
    cli,
    findings.filter(({ text }, index) => findings.findIndex((other) => other.text === text) === index),
  );
}

function conclude(cli: Cli, findings: readonly Finding[]): void {
  const marks = { ok: cli.paint('green', '✓'), warning: cli.paint('yellow', '!'), bad: cli.paint('red', '✗') };
  const lines = findings.flatMap(({ state, text, fix }) => [
    `${marks[state]} ${text}`,
    ...(fix === null ? [] : [`    ${fix}`]),
  ]);
  const wrong = findings.filter(({ state }) => state === 'bad');
  if (wrong.length === 0) {
    cli.answer({ ok: true, findings }, () => lines);
    return;
  }
  if (!cli.json) for (const line of lines) cli.io.out(`${line}\n`);
  const count = wrong.length === 1 ? 'One thing is' : `${wrong.length} things are`;
  throw new CliError(`${count} wrong.`, {
    exit: wrong.some(({ check }) => check === 'journal') ? EXIT.unverified : EXIT.failed,
    remedy: 'What stands below each ✗ mends it.',
    fields: { findings },
  });
}

interface Seen {
  readonly reachable: boolean;
  /** The health report, where a token for it is at hand. */
  readonly health: Fields | null;
  readonly findings: readonly Finding[];
}

/** Asks the gateway for what is open to anybody, then for its health where there is a token. */
async function lookAtGateway(cli: Cli): Promise<Seen> {
  const url = addressOf(cli);
  let date: string | undefined;
  try {
    const answer = await cli.io.http({
      method: 'GET',
      url: new URL(`${url}/api/openapi.json`),
      headers: {},
      body: null,
      timeoutMs: 5_000,
    });
    if (answer.status !== 200) throw new Error('not a gateway');
    date = typeof answer.headers.date === 'string' ? answer.headers.date : undefined;
  } catch {
    const fix = `Start it with: ${cli.io.command} start — or name another with --url.`;
    return {
      reachable: false,
      health: null,
      findings: [{ check: 'gateway', state: 'warning', text: `No gateway answers at ${url}`, fix }],
    };
  }
  const findings: Finding[] = [
    { check: 'gateway', state: 'ok', text: `A gateway answers at ${url}`, fix: null },
    clock(cli, date),
  ];
  try {
    const health = await cli.api().get('/api/health');
    return { reachable: true, health, findings: [...findings, healthFinding(health), ...warningFindings(health)] };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const found: Finding = {
      check: 'health',
      state: 'warning',
      text: `Its health was not read: ${error.message}`,
      fix: error.remedy,
    };
    return { reachable: true, health: null, findings: [...findings, found] };
  }
}

/** An unusable credentials file is a finding of its own and must not end the examination. */
function addressOf(cli: Cli): string {
  try {
    return cli.url();
  } catch (error) {
    if (error instanceof CliError && error.exit !== EXIT.usage) return DEFAULT_URL;
    throw error;
  }
}

/** Records and expiries go by the gateway's clock. */
function clock(cli: Cli, date: string | undefined): Finding {
  const skew = Math.abs(Date.parse(date ?? '') - cli.io.now());
  if (Number.isNaN(skew)) return { check: 'clock', state: 'warning', text: 'The gateway told no time', fix: null };
  if (skew <= MAX_SKEW_MS) return { check: 'clock', state: 'ok', text: 'The clocks agree', fix: null };
  const text = `The gateway’s clock and this one differ by ${formatDuration(skew)}`;
  return { check: 'clock', state: 'warning', text, fix: 'Keep both right with NTP.' };
}

function healthFinding(health: Fields): Finding {
  const status = textOf(health, 'status');
  const disk = textOf(objectOf(health, 'disk'), 'state');
  const reasons = [
    textOf(objectOf(health, 'journal'), 'trouble'),
    disk === 'ok' ? '' : `disk ${disk}`,
    objectOf(health, 'projections').ok === true ? '' : 'the views cannot be read',
    objectOf(health, 'upstream').configured === true ? '' : 'no provider key',
  ].filter((reason) => reason !== '');
  const text = [`The gateway says it is ${status || 'in an unknown state'}`, ...reasons].join('; ');
  if (status === 'ok') return { check: 'health', state: 'ok', text, fix: null };
  return { check: 'health', state: status === 'degraded' ? 'warning' : 'bad', text, fix: 'Look into its log.' };
}

/** What the gateway warns of itself, such as a policy file that is not in force. Warnings may have several lines. */
function warningFindings(health: Fields): Finding[] {
  const warnings = Array.isArray(health.warnings) ? health.warnings.filter((text) => typeof text === 'string') : [];
  return warnings.map((text) => {
    const shown = text.split('\n').map(showValue).join('\n    ');
    return { check: 'warning', state: 'warning', text: shown, fix: null };
  });
}

function providerKey(cli: Cli, config: GatehouseConfig, health: Fields | null): Finding {
  const upstream = objectOf(health ?? {}, 'upstream');
  if (upstream.simulated === true) {
    return { check: 'provider', state: 'ok', text: 'The provider is simulated; no key is needed', fix: null };
  }
  const present =
    health === null ? resolveSecret(config.upstream.key, cli.io.env) !== null : upstream.configured === true;
  if (present)
    return { check: 'provider', state: 'ok', text: `The provider key ${config.upstream.key} is there`, fix: null };
  const text = `There is no provider key (${config.upstream.key})`;
  return {
    check: 'provider',
    state: 'warning',
    text,
    fix: 'Set it where the gateway starts; until then every call is refused.',
  };
}

function credentialsFinding(cli: Cli): Finding {
  const file = credentialsFile(cli.io);
  try {
    // Reading refuses a file that others can read.
    cli.url();
    return {
      check: 'credentials',
      state: 'ok',
      text: existsSync(file) ? `${file} is yours alone` : 'No admin token is kept here',
      fix: null,
    };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { check: 'credentials', state: 'bad', text: error.message, fix: error.remedy };
  }
}
