import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { schemathesis } from './tools.ts';

/** Something that does not hold, and where. */
export interface Found {
  /** `Undocumented status code`. */
  readonly title: string;
  readonly operations: readonly string[];
}

export interface Verdict {
  /** Operations of the description that were tried. */
  readonly tested: number;
  readonly cases: number;
  readonly found: readonly Found[];
  /** What the tool itself could not do. */
  readonly errors: readonly unknown[];
  /** How to see each finding again, as printed for people. */
  readonly text: string;
}

export interface ProbeOptions {
  readonly url: string;
  readonly token: string;
  /** Paths that are left out. */
  readonly without?: readonly string[];
  /** Ids that must outlive the probe. */
  readonly kept: readonly string[];
  readonly seconds: number;
  readonly seed: number;
}

/** No answer is an error of the server or differs from its description; what the description forbids is refused; no door stands open. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'ignored_auth',
];

/** Has schemathesis try a running gateway by its own description (`/api/openapi.json`). */
export async function probe(options: ProbeOptions): Promise<Verdict> {
  const { url, token, without = [], kept, seconds, seed } = options;
  const program = schemathesis();
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-schemathesis-'));
  const report = join(folder, 'report.json');
  const argv = [
    ...['run', `${url}/api/openapi.json`, '--no-color', '-H', `Authorization: Bearer ${token}`],
    ...['--checks', CHECKS.join(','), '--phases', 'examples,coverage,fuzzing', '--max-examples', '20'],
    ...[
      '--max-time',
      String(seconds),
      '--seed',
      String(seed),
      '--request-timeout',
      '20',
      '--generation-database',
      'none',
    ],
    ...['--report', 'json', '--report-json-path', report],
    ...without.flatMap((path) => ['--exclude-path', path]),
  ];
  const path = [import.meta.dirname, process.env.PYTHONPATH ?? ''].join(delimiter);
  const env = {
    ...process.env,
    PYTHONPATH: path,
    PYTHONDONTWRITEBYTECODE: '1',
    SCHEMATHESIS_HOOKS: 'schemathesis_hooks',
    PROTECTED_IDS: kept.join(','),
  };
  try {
    const text = await said(program, argv, { cwd: folder, env });
    return verdictOf(report, text);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function said(
  program: string,
  argv: readonly string[],
  settings: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<string> {
  const child = spawn(program, argv, { ...settings, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += chunk;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(text));
  });
}

function verdictOf(report: string, text: string): Verdict {
  let read: Record<string, unknown>;
  try {
    read = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    throw new Error(`schemathesis did not run:\n${text}`);
  }
  const {
    operations,
    test_cases: cases,
    failures,
    errors,
  } = read as {
    operations: { tested: number };
    test_cases: { generated: number };
    failures: Found[];
    errors: unknown[];
  };
  const found = failures.map(({ title, operations }) => ({ title, operations }));
  return { tested: operations.tested, cases: cases.generated, found, errors, text };
}
