export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };

/** What JSON.parse makes of bytes that are valid UTF-8 without a byte order mark; undefined for all others. */
export function parsed(input: Uint8Array): Value | undefined {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input)) as Value;
  } catch {
    return undefined;
  }
}

/** Values at a path such as `tools[].type`, in order. */
export function valuesAt(value: Value, path: string): Value[] {
  return path
    .split(/\.|(?=\[\])/)
    .reduce<Value[]>((values, step) => values.flatMap((one) => below(one, step)), [value]);
}

function below(value: Value, step: string): Value[] {
  if (step === '[]') return Array.isArray(value) ? value : [];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.hasOwn(value, step) ? [value[step] as Value] : [];
}

interface Open {
  readonly array: boolean;
  readonly path: string;
  readonly members: string[];
  name: string;
}

/** Every object of a JSON text that JSON.parse accepts, with its members' names as written, doubled ones too. Paths as in `valuesAt`. */
export function names(text: string): { readonly path: string; readonly members: readonly string[] }[] {
  const objects: Open[] = [];
  const stack: Open[] = [];
  const tokens = [...text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/gsu)];
  for (const [i, { 0: token, index }] of tokens.entries()) {
    const top = stack.at(-1);
    if (token === '{' || token === '[') {
      const base =
        top === undefined
          ? ''
          : top.array
            ? `${top.path}[]`
            : [top.path, top.name].filter((part) => part !== '').join('.');
      const open = { array: token === '[', path: base, members: [], name: '' };
      stack.push(open);
      if (!open.array) objects.push(open);
    } else if (token === '}' || token === ']') stack.pop();
    else if (top !== undefined && !top.array) {
      const rest = text.slice(index + token.length, tokens[i + 1]?.index);
      if (!rest.trimStart().startsWith(':')) continue;
      top.name = JSON.parse(token) as string;
      top.members.push(top.name);
    }
  }
  return objects;
}
