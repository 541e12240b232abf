import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type VerifyReport, verifyJournal, type WriterReport } from '../../journal/verify.ts';
import { dataPaths } from '../../main/paths.ts';
import type { Cli } from '../cli.ts';
import { dataFolder } from '../data-folder.ts';
import { examples } from '../examples.ts';
import { CliError, EXIT } from '../failure.ts';
import { showValue } from '../fields.ts';
import { Progress } from '../progress.ts';

interface VerifyFlags {
  readonly journal?: string;
  readonly checkpoint?: string;
  readonly publicKey?: string;
  readonly data?: string;
  readonly config?: string;
}

/** `gatehouse audit verify`: reads the journal's files and needs no gateway. */
export function verifyCommand(audit: Command, cli: Cli): void {
  const verify = audit
    .command('verify')
    .description('check on the files that no record was changed, removed or reordered; needs no gateway')
    .option('--journal <folder>', 'the journal (default: the one in the data folder)')
    .option('--checkpoint <file>', 'a checkpoint that was kept elsewhere, or a file of them, one a line')
    .option('--public-key <file>', 'public key for the signatures (default: the one in the data folder)')
    .option('--data <folder>', 'data folder (default: that of the configuration)')
    .option('--config <file>', 'configuration file')
    .action((flags: VerifyFlags) => runVerify(cli, flags));
  examples(verify, cli.io.command, [
    ['audit verify --checkpoint /mnt/elsewhere/checkpoints.jsonl', 'finds a cut or rewritten trail too'],
    ['audit verify --journal backup/journal --public-key audit.pub', 'a copy, on any machine'],
  ]);
}

async function runVerify(cli: Cli, flags: VerifyFlags): Promise<void> {
  const dir = flags.journal ?? dataPaths(dataFolder(flags)).journal;
  const publicKey = publicKeyOf(flags);
  const [checkpoint, ...earlier] = flags.checkpoint === undefined ? [] : checkpointsOf(flags.checkpoint);
  const progress = new Progress(cli.io);
  const report = await verifyJournal({
    dir,
    ...(checkpoint === undefined ? {} : { checkpoint, earlier }),
    ...(publicKey === undefined ? {} : { publicKey }),
    onProgress: ({ file, records }) => progress.at(`${showValue(file)}: ${records} records`),
  });
  progress.done();
  if (report.ok) return cli.answer({ journal: dir, ...report }, () => reportLines(cli, report));
  if (!cli.json) for (const line of reportLines(cli, report)) cli.io.out(`${line}\n`);
  throw new CliError(`The journal in ${dir} is not whole.`, {
    exit: EXIT.unverified,
    remedy:
      'Copy the folder before you change anything, and compare it with a backup and the checkpoints kept elsewhere.',
    fields: { journal: dir, report },
  });
}

function publicKeyOf({ publicKey, journal, ...flags }: VerifyFlags): string | undefined {
  if (publicKey !== undefined) return readFile(publicKey, 'public key');
  if (journal !== undefined) return undefined;
  const own = join(dataPaths(dataFolder(flags)).keys, 'signing.key.pub');
  return existsSync(own) ? readFile(own, 'public key') : undefined;
}

/** Newest first: a file of one checkpoint, or one that they were added to line by line. A line cut by a crash is passed over. */
function checkpointsOf(file: string): unknown[] {
  const text = readFile(file, 'checkpoint');
  const whole = parsed(text);
  const found = whole.length > 0 ? whole : text.trimEnd().split('\n').reverse().flatMap(parsed);
  if (found.length > 0) return found;
  throw new CliError(`There is no checkpoint in ${file}.`, { remedy: 'It holds one JSON object, or one a line.' });
}

function parsed(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return [];
  }
}

function readFile(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new CliError(`The ${what} ${file} cannot be read.`, { remedy: 'Check its name and permissions.' });
  }
}

function reportLines(cli: Cli, report: VerifyReport): string[] {
  const mark = (ok: boolean): string => (ok ? cli.paint('green', '✓') : cli.paint('red', '✗'));
  return [
    ...report.writers.flatMap((writer) => writerLines(writer, mark)),
    ...report.problems.map((problem) => `${mark(false)} ${showValue(problem)}`),
    ...report.notes.map((note) => `${cli.paint('yellow', '!')} ${showValue(note)}`),
  ];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function writerLines(writer: WriterReport, mark: (ok: boolean) => string): string[] {
  const head = writer.head === null ? 'no records' : `head ${writer.head.seq} ${writer.head.hash.slice(0, 16)}…`;
  const first = `${mark(writer.problemCount === 0)} ${showValue(writer.writer)}: ${counted(writer.records, 'record')} in ${counted(writer.segments, 'segment')}, ${head}`;
  const facts = [
    writer.durability === 'written' ? 'durability is “written”: the newest records may be lost with the power' : '',
    writer.openIntents > 0 ? `${writer.openIntents} calls without an outcome: running now, or cut off by a crash` : '',
    writer.retired === null
      ? ''
      : `records up to ${writer.retired.through} were retired, as record ${writer.retired.recordedIn} says`,
    writer.tornTail === null ? '' : `${writer.tornTail.bytes} bytes of an unfinished line at the end`,
  ].filter((fact) => fact !== '');
  const problems = writer.problems.map(
    ({ file, line, problem }) =>
      `${mark(false)} ${showValue(file)}${line === null ? '' : `:${line}`}: ${showValue(problem)}`,
  );
  const more = writer.problemCount - writer.problems.length;
  return [
    first,
    ...facts.map((fact) => `  ${fact}`),
    ...problems,
    ...(more > 0 ? [`  and ${more} more problems`] : []),
  ];
}
