/** Exit codes, as the top help documents them. */
export const EXIT = {
  ok: 0,
  /** Refused by the gateway, or failed. */
  failed: 1,
  /** The command line was wrong. */
  usage: 2,
  /** No gateway answered. */
  unreachable: 3,
  /** Something that was verified is not as it should be. */
  unverified: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What went wrong, in one sentence, and what to do about it. Shown without a stack trace. */
export class CliError extends Error {
  readonly exit: ExitCode;
  readonly remedy: string | null;
  /** Further fields for `--json`, such as the problem's code and record id. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(
    message: string,
    options: { exit?: ExitCode; remedy?: string | null; fields?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message);
    this.name = 'CliError';
    this.exit = options.exit ?? EXIT.failed;
    this.remedy = options.remedy ?? null;
    this.fields = options.fields ?? {};
  }
}

/** A wrong command line. */
export function usageError(message: string, remedy: string | null = null): CliError {
  return new CliError(message, { exit: EXIT.usage, remedy });
}
