/** The benchmark: `npm run bench -- --help`. What is measured and how to read it: docs/benchmarks.md. */
import { writeFileSync } from 'node:fs';
import { compare } from './compare.ts';
import { clearAtExit } from './leftovers.ts';
import { canPin, caveats, machine } from './machine.ts';
import { HELP, type Options, parseOptions } from './options.ts';
import { render, reportOf } from './report.ts';
import { renderSoak, soak } from './soak.ts';

async function main(given: Options, argv: readonly string[]): Promise<void> {
  clearAtExit();
  const options = { ...given, pin: given.pin && canPin() };
  // Progress goes where it disturbs nobody who reads the result.
  const say = (line: string): void => {
    if (!options.json) console.error(line);
  };
  const about = {
    when: new Date().toISOString(),
    command: ['npm run bench', ...(argv.length === 0 ? [] : ['--', ...argv])].join(' '),
    machine: machine(options),
    options,
  };
  if (options.soak) {
    const result = await soak(options, say);
    print(options, { ...about, soak: result }, () => renderSoak(result));
    if (result.failed > 0) process.exitCode = 1;
    return;
  }
  const comparison = await compare(options, say);
  const report = reportOf(comparison, { ...about, caveats: caveats(options, about.machine, comparison.rows) });
  print(options, report, () => render(report));
  // A peer may be missing; a report without Gatehouse is no report.
  if (Object.keys(report.left).some((name) => name.startsWith('gatehouse'))) process.exitCode = 1;
}

function print(options: Options, report: object, text: () => string): void {
  const json = `${JSON.stringify(report, null, 2)}\n`;
  if (options.out !== null) writeFileSync(options.out, json);
  process.stdout.write(options.json ? json : `\n${text()}\n`);
}

try {
  const argv = process.argv.slice(2);
  const options = parseOptions(argv);
  if (options === 'help') console.log(HELP);
  else await main(options, argv);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
