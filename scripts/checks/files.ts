import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './run.ts';

const CODE = ['src', 'test', 'scripts', 'e2e', 'faults', 'bench', 'bin'];
const MAX_LINES = 500;

/** Every code file of the repository, relative to its root. */
function codeFiles(): string[] {
  return CODE.flatMap((folder) => {
    try {
      const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
      return names
        .filter((name) => /\.[cm]?[jt]sx?$/.test(name) && !name.split(/[\\/]/).includes('node_modules'))
        .map((name) => join(folder, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
}

/** Files longer than a person can keep in mind. */
export function longFiles(): string[] {
  const faults: string[] = [];
  for (const file of codeFiles()) {
    const lines = readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1;
    if (lines > MAX_LINES) faults.push(`${file} has ${lines} lines; the limit is ${MAX_LINES}`);
  }
  return faults;
}

interface Locked {
  readonly hasInstallScript?: boolean;
  readonly resolved?: string;
}

/** A lock that fits everybody's registry (no addresses in it) and runs nobody's code at install. */
export function lockFaults(text: string): string[] {
  const { packages } = JSON.parse(text) as { packages: Record<string, Locked> };
  const faults: string[] = [];
  for (const [name, entry] of Object.entries(packages)) {
    if (entry.hasInstallScript === true) faults.push(`package-lock.json: ${name} has an install script`);
    if (entry.resolved !== undefined) faults.push(`package-lock.json: ${name} names an address ("resolved")`);
  }
  return faults;
}

const EXACT = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;

/** Dependencies whose version is a range: what is tested must be what is installed. */
export function manifestFaults(text: string): string[] {
  const manifest = JSON.parse(text) as Record<string, unknown>;
  return ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'].flatMap((group) =>
    Object.entries((manifest[group] ?? {}) as Record<string, string>)
      .filter(([, version]) => !EXACT.test(version))
      .map(([name, version]) => `package.json: ${group}.${name} is "${version}", not one exact version`),
  );
}

/** Everything about the files of the repository that the linters do not look at. */
export function fileFaults(): string[] {
  const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');
  return [...longFiles(), ...lockFaults(read('package-lock.json')), ...manifestFaults(read('package.json'))];
}
