/** What the gateway says about policies, read without trust. */
import { printable } from '../kernel/text.ts';
import type { Cli } from './cli.ts';
import { CliError } from './failure.ts';
import { type Fields, listOf, numberOf, objectOf, showValue, textOf, timeOf } from './fields.ts';

/** The lines of an answer, safe to print. */
export function answerLines(answer: Fields): string[] {
  return Array.isArray(answer.lines) ? answer.lines.map(showValue) : [];
}

/** Remarks that the gateway makes on a document, warnings before notes. */
export function remarkLines(cli: Cli, answer: Fields): string[] {
  const findings = listOf(answer, 'findings');
  const of = (severity: string) => findings.filter((finding) => finding.severity === severity);
  return [...of('warning'), ...of('note')].map((finding) => {
    const place = objectOf(finding, 'place');
    const mark = finding.severity === 'warning' ? cli.paint('yellow', '!') : '-';
    return `${mark} line ${numberOf(place, 'line')}: ${textOf(place, 'path')}: ${textOf(finding, 'message')}`;
  });
}

/** The policy in force; null when there is none. Throws CliError for everything else. */
export async function policyInForce(cli: Cli): Promise<Fields | null> {
  try {
    return await cli.api().get('/api/policy');
  } catch (error) {
    if (error instanceof CliError && error.fields.code === 'resource_unknown') return null;
    throw error;
  }
}

/** The same where a command cannot do without one. Throws CliError. */
export async function policyNeeded(cli: Cli): Promise<Fields> {
  try {
    return await cli.api().get('/api/policy');
  } catch (error) {
    throw withoutPolicy(cli, error);
  }
}

/** The remedy of whatever names something unknown, for when that is the policy itself: there is no list to look it up in. */
export function withoutPolicy(cli: Cli, error: unknown): unknown {
  if (!(error instanceof CliError) || error.fields.code !== 'resource_unknown') return error;
  if (!error.message.startsWith('No policy is in force')) return error;
  const { message, exit, fields } = error;
  const remedy = `Write one with: ${cli.io.command} policy init — then: ${cli.io.command} policy apply policy.yaml`;
  return new CliError(message, { exit, fields, remedy });
}

/** Before anybody is asked: a policy that a file says is changed in that file. */
export function refuseForFile(policy: Fields | null): void {
  if (policy?.source !== 'file') return;
  throw new CliError(`The policy of this gateway is the file ${textOf(policy, 'file')} on its machine.`, {
    remedy: 'Change that file: it is watched. To apply policies from here, take policy.file out of its configuration.',
  });
}

/** Sends a document, and says where a gateway of another version finds faults that were not found here. */
export async function sendDocument(cli: Cli, file: string, send: () => Promise<Fields>): Promise<Fields> {
  try {
    return await send();
  } catch (error) {
    const errors = error instanceof CliError && Array.isArray(error.fields.errors) ? error.fields.errors : [];
    if (!cli.json) {
      for (const { pointer, detail } of errors as { pointer?: unknown; detail?: unknown }[]) {
        cli.io.out(`${printable(file)}:${showValue(detail)} ${pointer ? `(${showValue(pointer)})` : ''}\n`);
      }
    }
    throw error;
  }
}

/** `Revision 4, applied 2026-11-24 12:00 by ada@example.com: reason`. */
export function revisionLine(row: Fields): string {
  const by = textOf(row, 'author_name') || textOf(row, 'author');
  const back = row.restores === null || row.restores === undefined ? '' : `, back to ${textOf(row, 'restores')}`;
  const reason = textOf(row, 'reason');
  const when = timeOf(row, 'applied_at');
  return `Revision ${textOf(row, 'revision')}, applied ${when} UTC by ${by}${back}${reason === '' ? '' : `: ${reason}`}`;
}

/** A document for a terminal: what could rewrite it is made visible. */
export function documentLines(text: unknown): string[] {
  const lines = typeof text === 'string' ? text.replace(/\n$/, '').split('\n') : [];
  return lines.map((line) => printable(line.replaceAll('\t', '    ').replace(/\r$/, ''), 4000));
}
