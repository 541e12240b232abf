import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the suite fetches for itself, out of version control. */
const KEPT = fileURLToPath(new URL('../../.e2e', import.meta.url));
const INSTALLED = '/usr/share/simplesamlphp';
const INSTALL_MS = 300_000;
const SCHEMATHESIS = 'schemathesis==4.32.5';

/** Commands that are needed, and the Debian packages that have them. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  php: ['php-cli', 'php-xml', 'php-mbstring'],
  xmlsec1: ['xmlsec1'],
  openssl: ['openssl'],
  faketime: ['faketime'],
  python3: ['python3', 'python3-venv'],
  chromium: ['chromium'],
};

/** A tool that is not there and could not be had: the reason to skip a test, in words for whoever reads its output. */
export class Missing extends Error {}

function run(command: string, args: readonly string[], cwd?: string): string {
  const settings = {
    stdio: 'pipe',
    timeout: INSTALL_MS,
    encoding: 'utf8',
    ...(cwd === undefined ? {} : { cwd }),
  } as const;
  return execFileSync(command, args, { ...settings, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
}

function works(command: string, args: readonly string[]): boolean {
  try {
    run(command, args);
    return true;
  } catch {
    return false;
  }
}

const isThere = (command: string): boolean => works('sh', ['-c', `command -v ${command}`]);

/** Installs what is missing where that is allowed. Throws a Missing with the command that would help. */
export function need(...commands: readonly string[]): void {
  const isMissing = (command: string): boolean =>
    !isThere(command) || (command === 'php' && !works('php', ['-r', 'exit(extension_loaded("dom") ? 0 : 1);']));
  const missing = commands.filter(isMissing);
  if (missing.length === 0) return;
  const packages = missing.flatMap((command) => PACKAGES[command] ?? [command]);
  const install = ['install', '-y', '-q', '--no-install-recommends', ...packages];
  if (process.getuid?.() === 0 && isThere('apt-get')) {
    if (!works('apt-get', install)) works('apt-get', ['update', '-q']) && works('apt-get', install);
  }
  if (missing.some(isMissing)) throw new Missing(`not installed here: apt-get install ${packages.join(' ')}`);
}

/**
 * The folder of SimpleSAMLphp: the installed one, else the Debian package unpacked without being installed, because its installation brings
 * a web server that starts by itself.
 */
export function simpleSaml(): string {
  need('php', 'openssl');
  if (existsSync(INSTALLED)) return INSTALLED;
  const unpacked = join(KEPT, 'simplesamlphp');
  const program = join(unpacked, INSTALLED);
  if (existsSync(program)) return program;
  mkdirSync(KEPT, { recursive: true });
  const folder = mkdtempSync(join(KEPT, 'download-'));
  try {
    run('apt-get', ['download', 'simplesamlphp'], folder);
    const [archive = ''] = readdirSync(folder);
    run('dpkg-deb', ['-x', join(folder, archive), unpacked]);
  } catch {
    throw new Missing('SimpleSAMLphp is not installed here and could not be downloaded: apt-get install simplesamlphp');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return program;
}

/** The program of schemathesis, in a Python environment of its own. */
export function schemathesis(): string {
  need('python3');
  const folder = join(KEPT, 'schemathesis');
  const program = join(folder, 'bin', 'schemathesis');
  if (existsSync(program)) return program;
  try {
    run('python3', ['-m', 'venv', folder]);
    run(join(folder, 'bin', 'pip'), ['install', '-q', '--disable-pip-version-check', SCHEMATHESIS]);
  } catch {
    rmSync(folder, { recursive: true, force: true });
    throw new Missing('schemathesis could not be installed: PyPI cannot be reached from here');
  }
  return program;
}

/** `skip` of a test: false where `look` finds everything, else the reason. */
export function lacking(look: () => unknown): string | false {
  try {
    look();
    return false;
  } catch (error) {
    if (error instanceof Missing) return error.message;
    throw error;
  }
}
