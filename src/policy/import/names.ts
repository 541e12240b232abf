import { looksSecret } from './hidden.ts';

/** What a gateway's name for a model means to Gatehouse. */
export type ModelName =
  /** Reached at the Claude API by this name or pattern. */
  | { readonly kind: 'claude'; readonly name: string }
  /** Claude, at another provider. */
  | { readonly kind: 'elsewhere'; readonly provider: string }
  | { readonly kind: 'other' };

const CLAUDE = /^claude[a-z0-9.*-]{0,100}$/;

/** A name or pattern of the Claude API, in lower case; null for anything else. */
export function claudeName(name: string): string | null {
  const lower = name.toLowerCase();
  return CLAUDE.test(lower) && !looksSecret(name) ? lower : null;
}

/**
 * Reads `provider/model`. Without a provider, a name that starts with `claude` is Anthropic's own.
 * @param provider what another setting says the provider is, or null
 */
export function modelOf(model: string, provider: string | null): ModelName {
  // Before lower case hides the shape of a credential.
  if (looksSecret(provider ?? '') || looksSecret(model)) return { kind: 'other' };
  const slash = model.indexOf('/');
  const prefix = (provider ?? (slash < 0 ? '' : model.slice(0, slash))).toLowerCase();
  const own = slash >= 0 && model.slice(0, slash).toLowerCase() === 'anthropic' ? model.slice(slash + 1) : model;
  const name = own === '*' ? 'claude-*' : claudeName(own);
  if (prefix === 'anthropic' && name !== null) return { kind: 'claude', name };
  if (prefix === '' && name !== null && own !== '*') return { kind: 'claude', name };
  if (/claude/i.test(model) && /^[a-z][a-z0-9_-]{0,40}$/.test(prefix)) return { kind: 'elsewhere', provider: prefix };
  return { kind: 'other' };
}

/** Gives groups and teams of the source names that a policy document can hold. */
export class TeamNames {
  readonly #names = new Map<string, string>();

  /** The team's name: lower case, with hyphens for what else it had. Two that would look alike get a number. */
  of(source: string): string {
    const known = this.#names.get(source);
    if (known !== undefined) return known;
    const slug = looksSecret(source)
      ? ''
      : source
          .normalize('NFKD')
          .toLowerCase()
          .replace(/[^a-z0-9]+/g, '-');
    const base = slug.replace(/^-+|-+$/g, '').slice(0, 60) || 'team';
    const taken = new Set(this.#names.values());
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}-${n}`;
    this.#names.set(source, name);
    return name;
  }
}
