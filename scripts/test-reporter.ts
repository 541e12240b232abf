import { relative } from 'node:path';
import { inspect } from 'node:util';

/** The part of node:test's events (https://nodejs.org/api/test.html#class-testsstream) that is read here. */
interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name: string;
    readonly nesting: number;
    readonly file?: string;
    readonly line?: number;
    readonly column?: number;
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly message?: string;
    readonly details?: { readonly type?: string; readonly error?: Error & { failureType?: string } };
  };
}

const here = (file: string) => relative(process.cwd(), file);

function failure({ data }: TestEvent): string {
  const error = data.details?.error;
  const where = data.file === undefined ? '' : `test at ${here(data.file)}:${data.line ?? 1}:${data.column ?? 1}\n`;
  const why = inspect(error?.cause instanceof Error ? error.cause : (error?.cause ?? error), { depth: 4 });
  return `\n${where}✖ ${data.name}\n  ${why.replaceAll('\n', '\n  ')}\n`;
}

/**
 * Prints failures and skips only, and as its last line a JSON object with the counts. Suites are not counted, and a test that failed
 * only because a test inside it did is counted but not printed again.
 */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const failedIn = new Set<string>();
  for await (const event of events) {
    const { type, data } = event;
    if (type === 'test:stderr' || type === 'test:stdout') {
      // What tests print is noise, unless the file fails: then it may be the only trace of why it could not be loaded.
      if (data.file !== undefined && type === 'test:stderr') failedIn.add(`${here(data.file)}: ${data.message ?? ''}`);
      continue;
    }
    if ((type !== 'test:pass' && type !== 'test:fail') || data.details?.type === 'suite') continue;
    // A file with no test in it is reported as one test of the file's name that passes: nothing was checked.
    const empty = type === 'test:pass' && /\.test\.ts$/.test(data.name);
    if (data.skip !== undefined && data.skip !== false) {
      counts.skipped += 1;
      yield `skipped: ${data.name}${typeof data.skip === 'string' && data.skip !== '' ? ` (${data.skip})` : ''}\n`;
    } else if (type === 'test:fail' || empty || (data.todo !== undefined && data.todo !== false)) {
      counts.failed += 1;
      if (empty) yield `\n✖ ${data.name} holds no test\n`;
      else if (type === 'test:pass') yield `\n✖ ${data.name} is marked todo: finish or remove it\n`;
      else if (data.details?.error?.failureType !== 'subtestsFailed') yield failure(event);
    } else counts.passed += 1;
  }
  if (counts.failed > 0) for (const line of failedIn) yield `stderr of ${line}`;
  yield `${JSON.stringify(counts)}\n`;
}
