import type { FuzzTarget } from '../engine/target.ts';
import { credentials, forwarded, keyFormat, trace } from './headers.ts';
import { imports } from './imports.ts';
import { journal, tamper } from './journal.ts';
import { jsonScan, request } from './json.ts';
import { days, decimals, units } from './numbers.ts';
import { policy } from './policy.ts';
import { routing } from './routing.ts';
import { samlAnswer, samlMetadata } from './saml.ts';
import { sse } from './sse.ts';
import { cliTable, csv, terminal } from './text.ts';
import { idClaims, idToken, openIdDocuments } from './tokens.ts';
import { usage } from './usage.ts';

/** Every fuzz target. `docs/fuzzing.md` lists them with who may be hostile, and a test keeps the two the same. */
export const TARGETS: readonly FuzzTarget[] = [
  sse,
  jsonScan,
  request,
  credentials,
  forwarded,
  keyFormat,
  trace,
  idToken,
  idClaims,
  openIdDocuments,
  samlAnswer,
  samlMetadata,
  routing,
  policy,
  imports,
  journal,
  tamper,
  usage,
  days,
  units,
  decimals,
  csv,
  terminal,
  cliTable,
];
