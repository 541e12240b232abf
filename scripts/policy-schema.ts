/** Writes docs/policy.schema.json, for editors, from the policy document's schema: `node scripts/policy-schema.ts`. A test fails when it is stale. */
import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { policySchema } from '../src/policy/schema.ts';

const WIDTH = 120;

/** docs/policy.schema.json: JSON Schema of what may be written, without what only compiling can check. */
export function renderPolicySchema(): string {
  const { $schema, ...rest } = z.toJSONSchema(policySchema, { io: 'input', unrepresentable: 'throw' });
  const head = { $schema, $id: 'urn:gatehouse:policy', title: 'Gatehouse policy' };
  return `${pretty({ ...head, ...rest }, { indent: '', used: 0 })}\n`;
}

interface Position {
  readonly indent: string;
  /** Characters of the line that stand before the value and after it. */
  readonly used: number;
}

/** As the formatter of the house writes JSON: mappings over several lines, short lists on one. */
function pretty(value: unknown, { indent, used }: Position): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const flat = `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
    const plain = value.every((item) => typeof item !== 'object');
    if (plain && indent.length + used + flat.length <= WIDTH) return flat;
    return `[\n${value.map((item) => `${inner}${pretty(item, { indent: inner, used: 1 })}`).join(',\n')}\n${indent}]`;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([name, child]) => {
    const key = `${JSON.stringify(name)}: `;
    return `${inner}${key}${pretty(child, { indent: inner, used: key.length + 1 })}`;
  });
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

if (import.meta.main) writeFileSync(new URL('../docs/policy.schema.json', import.meta.url), renderPolicySchema());
