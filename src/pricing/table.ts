import type { PriceOverride } from '../policy/model.ts';
import { type Contract, contractOf, underContract } from './contract.ts';
import { LIST, LIST_VERSION, type ListModel } from './list.ts';
import type { Price, PriceTable } from './model.ts';
import { priceOf } from './price.ts';
import { startOf, termsAt, unknownTermsAt } from './terms.ts';

/** Callers can invent names without end, so only so many are remembered, and no long ones. */
const MOST_REMEMBERED = 1000;
const LONGEST_REMEMBERED = 200;

/** The price from a time on, milliseconds since the epoch. */
interface Span {
  readonly from: number;
  readonly price: Price;
}

export interface PriceTableOptions {
  /** Contract prices; the first that names the model and holds at the time decides. */
  readonly overrides?: readonly PriceOverride[];
  /** Whether a model pattern of a policy, such as `claude-opus-*`, matches a name. */
  readonly matches: (pattern: string, name: string) => boolean;
}

const FAMILIES: ReadonlyMap<string, ListModel> = new Map(
  LIST.flatMap((entry) => [entry.model, ...(entry.aliases ?? [])].map((name) => [name, entry] as const)),
);

/**
 * The shipped list under the contract prices of a policy. Names are those of the API: a dated name has the price of its
 * family, and a contract for the family holds for its dated names too.
 * @throws RangeError for a contract price that is no decimal number
 */
export function priceTable({ overrides = [], matches }: PriceTableOptions): PriceTable {
  const contracts = overrides.map(contractOf);
  const remembered = new Map<string, readonly Span[]>();
  const unknown = spansOf(null, []);

  function look(name: string): readonly Span[] {
    const family = familyOf(name);
    const names = family === null ? [name] : [name, family.model];
    const mine = contracts.filter(({ models }) => models.some((pattern) => names.some((own) => matches(pattern, own))));
    return family === null && mine.length === 0 ? unknown : spansOf(family, mine);
  }

  function spans(name: string): readonly Span[] {
    const found = remembered.get(name);
    if (found !== undefined) return found;
    const made = look(name);
    if (name.length <= LONGEST_REMEMBERED) {
      const [oldest] = remembered.keys();
      if (remembered.size >= MOST_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
      remembered.set(name, made);
    }
    return made;
  }

  return {
    version: LIST_VERSION,
    find: ({ model, at }) => {
      const all = spans(model);
      const span = all.findLast(({ from }) => from <= at) ?? all[0];
      if (span === undefined) throw new RangeError(`${model} has no price`);
      return span.price;
    },
  };
}

function familyOf(name: string): ListModel | null {
  return FAMILIES.get(name) ?? FAMILIES.get(name.replace(/-20\d{6}$/, '')) ?? null;
}

/** The prices of a family, or of what the list does not hold, one for each stretch of time between two changes. */
function spansOf(family: ListModel | null, contracts: readonly Contract[]): readonly Span[] {
  const changes = (family === null ? LIST : [family]).flatMap(({ rows }) => rows.map(startOf));
  const edges = [...changes, ...contracts.flatMap(({ from, until }) => [from, until])].filter(Number.isFinite);
  const starts = [Number.NEGATIVE_INFINITY, ...new Set(edges)].sort((a, b) => a - b);
  return starts.map((from) => {
    const list = family === null ? unknownTermsAt(from) : termsAt(family, from);
    const contract = contracts.find((candidate) => candidate.from <= from && from < candidate.until);
    return { from, price: priceOf(contract === undefined ? list : underContract(list, contract)) };
  });
}
