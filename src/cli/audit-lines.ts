/** Records of the audit trail as single lines for people. */
import { type Fields, numberOf, objectOf, showValue, textOf } from './fields.ts';

/** `2026-11-24 12:00:03 outcome  ada@example.com claude-… ok …  rec_…`. */
export function recordLine(record: Fields, names: Fields): string {
  const at = textOf(record, 'at').replace('T', ' ').slice(0, 19);
  const kind = textOf(record, 'kind');
  const says = SAYS[kind] ?? ((each: Fields) => [showValue(bodyOf(each))]);
  const body = says(record, (field) => nameOf(record, names, field)).filter((part) => part !== '');
  return `${at} ${kind.padEnd(8)} ${body.join(' ')}  ${textOf(record, 'id')}`;
}

type Name = (field: string) => string;

const SAYS: Readonly<Record<string, (record: Fields, name: Name) => string[]>> = {
  intent: (record, name) => {
    const target = objectOf(record, 'target');
    const simulated = target.simulated === true ? ' (simulated)' : '';
    return [
      name('who'),
      textOf(record, 'action'),
      textOf(record, 'model'),
      `to ${textOf(target, 'upstream')}${simulated}`,
    ];
  },
  outcome: (record, name) => {
    const usage = objectOf(record, 'usage');
    const tokens =
      'output_tokens' in usage ? `${numberOf(usage, 'input_tokens')} in, ${numberOf(usage, 'output_tokens')} out` : '';
    const took = numberOf(objectOf(record, 'latency'), 'total');
    return [
      name('who'),
      textOf(record, 'model'),
      textOf(record, 'result'),
      textOf(record, 'code'),
      tokens,
      took > 0 ? `${Math.round(took)} ms` : '',
    ];
  },
  refusal: (record, name) => [name('who'), textOf(record, 'code'), textOf(record, 'model'), textOf(record, 'detail')],
  change: (record, name) => {
    const reason = textOf(record, 'reason');
    return [name('actor'), textOf(record, 'action'), name('subject'), reason === '' ? '' : `“${reason}”`];
  },
  gateway: (record) => [textOf(record, 'event'), textOf(record, 'version')],
  content: (record, name) => [name('who'), textOf(record, 'part'), `of ${textOf(record, 'intent')}, encrypted`],
  strangers: (record) => [showValue(record.counts)],
};

/** The name of an id in the record, else the id itself. */
function nameOf(record: Fields, names: Fields, field: string): string {
  const id = record[field];
  return (typeof id === 'string' ? textOf(names, id) : '') || textOf(record, field);
}

const ENVELOPE = new Set(['seq', 'prev', 'id', 'at', 'kind']);

function bodyOf(record: Fields): Fields {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !ENVELOPE.has(name)));
}

/** A record with all its fields, one a line; nested ones by their path. */
export function recordDetails(record: Fields, names: Fields): string[] {
  const head = [
    `${textOf(record, 'kind')} ${textOf(record, 'id')}`,
    `  at: ${textOf(record, 'at')}`,
    `  seq: ${textOf(record, 'seq')}`,
  ];
  return [
    ...head,
    ...flatten(bodyOf(record), '').map(([path, value]) => {
      const name = typeof value === 'string' ? textOf(names, value) : '';
      return `  ${path}: ${value === null ? '-' : showValue(value)}${name === '' ? '' : ` (${name})`}`;
    }),
  ];
}

function flatten(fields: Fields, above: string): [string, unknown][] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const path = showValue(above === '' ? name : `${above}.${name}`);
    const nested =
      typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
    return nested ? flatten(value as Fields, path) : [[path, value] as [string, unknown]];
  });
}
