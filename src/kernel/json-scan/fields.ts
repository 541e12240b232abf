/** One place in the tree of wanted paths. */
export interface FieldNode {
  /** Wanted members of an object at this place. */
  readonly names: ReadonlyMap<string, FieldNode>;
  /** The same by folded name. */
  readonly folded: ReadonlyMap<string, string>;
  /** What an item of an array at this place is, when items are wanted. */
  readonly item: FieldNode | undefined;
  /** Set when the value at this place is itself wanted. */
  readonly path: string | undefined;
  /** Counts the nodes of a tree from 0. */
  readonly index: number;
}

interface Draft extends FieldNode {
  readonly names: Map<string, Draft>;
  readonly folded: Map<string, string>;
  item: Draft | undefined;
  path: string | undefined;
}

/** The tree of wanted paths. */
export interface FieldTree {
  readonly root: FieldNode;
  readonly size: number;
}

/**
 * Compiles paths such as `model`, `tools[].type`, `metadata.user_id` or `[].method`.
 * Names are of letters, digits and underscores; TypeError for a path of another shape.
 */
export function compileFields(paths: readonly string[]): FieldTree {
  let size = 0;
  const draft = (): Draft => ({ names: new Map(), folded: new Map(), item: undefined, path: undefined, index: size++ });
  const root = draft();
  for (const path of paths) {
    if (!/^(?:\[\]|\w+)(?:\[\]|\.\w+)*$/.test(path)) throw new TypeError(`not a field path: ${path}`);
    let node = root;
    for (const part of path.match(/\[\]|\w+/g) ?? []) {
      let below = part === '[]' ? node.item : node.names.get(part);
      if (below === undefined) {
        below = draft();
        if (part === '[]') node.item = below;
        else {
          node.names.set(part, below);
          node.folded.set(foldName(part), part);
        }
      }
      node = below;
    }
    node.path = path;
  }
  return { root, size };
}

/** Control and format characters, spaces of every kind, and the dot that lower-casing `İ` leaves behind. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Z}]|\u0307/gu;

/**
 * A name as the most forgiving parser might compare it: without NUL, white space and invisible characters, in NFKC, in one
 * case. Case goes up and down again, because `ı` and `ſ` become plain letters only on the way up.
 */
function foldName(name: string): string {
  return name.replace(INVISIBLE, '').normalize('NFKC').toUpperCase().toLowerCase().replace(INVISIBLE, '');
}

/**
 * The wanted name that `key` is not, but that some parser could take it for; undefined when there is none. Parsers of the
 * field differ here: some compare without case, some stop at a NUL. Takes time linear in the length of the key.
 */
export function lookalike(node: FieldNode, key: string): string | undefined {
  if (/^[!-~]*$/.test(key)) return node.folded.get(key.toLowerCase());
  const nul = key.indexOf('\0');
  if (nul > 0) {
    const cut = key.slice(0, nul);
    const wanted = node.names.has(cut) ? cut : lookalike(node, cut);
    if (wanted !== undefined) return wanted;
  }
  const visible = key.replace(INVISIBLE, '');
  // Normalising long runs of combining marks takes quadratic time. Nothing this long folds to a wanted name: wanted names are
  // ASCII, and a character becomes one or more characters in NFKC, of at most two UTF-16 units before.
  let longest = 0;
  for (const name of node.folded.keys()) longest = Math.max(longest, name.length);
  return visible.length > 2 * longest ? undefined : node.folded.get(foldName(visible));
}
