/** What stands at the head of every line: enough to pass most records by without parsing them. */
export interface LineHead {
  readonly seq: number;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly kind: string;
}

const HEAD =
  /^\{"seq":(\d{1,15}),"prev":"[0-9a-f]{64}","id":"([^"]{1,64})","at":"([^"]{1,40})","kind":"([a-z.]{1,32})"/;

/** Reads the head as the writer lays it out. Throws for a line that starts with anything else. */
export function headOf(line: Buffer): LineHead {
  const match = HEAD.exec(line.toString('latin1', 0, 300));
  if (match === null) throw new Error('a line of the journal does not start as its records do');
  const [, seq, id = '', at = '', kind = ''] = match;
  return { seq: Number(seq), id, at: Date.parse(at), kind };
}
