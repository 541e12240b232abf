/** Who may have written an input in order to harm: a caller of any door, a provider, or whoever can write a file that an operator gives us. */
export type Hostile = 'caller' | 'provider' | 'file';

/** One parser, or a few that work on the same bytes, and the property that must hold whatever the bytes are. */
export interface FuzzTarget {
  readonly name: string;
  /** The files it exercises, for whoever reads a report. */
  readonly parses: string;
  readonly hostile: readonly Hostile[];
  /** Valid or nearly valid inputs, from which mutation starts. */
  readonly seeds: readonly (string | Uint8Array)[];
  /** Words of the language: mutation puts them in whole. */
  readonly tokens: readonly string[];
  /** Longest input that mutation makes, bytes; 4096 unless told. */
  readonly longest?: number;
  /** Throws, or rejects, when the property fails. */
  run(input: Uint8Array): void | Promise<void>;
  /** Gives back what `run` opened, such as a server or a folder. */
  close?(): Promise<void>;
}
