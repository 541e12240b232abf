import type { GatehouseConfig } from '../config.ts';

const LOCAL = new Set(['127.0.0.1', '::1', 'localhost']);

/** What is weaker than it could be, said at every start and in the health report. */
export function warningsOf({ journal, listen }: GatehouseConfig): string[] {
  const warnings: string[] = [];
  if (journal.durability === 'written') {
    warnings.push('The journal is written, not synced: a power cut can lose the last records (journal.durability).');
  }
  if (journal.checkpoints.length === 0) {
    warnings.push(
      'Checkpoints stay on this machine: name a second place in journal.checkpoints, so that a rewritten trail is found.',
    );
  }
  const local = LOCAL.has(listen.host);
  const https = listen.tls !== null || listen.url?.startsWith('https:') === true;
  if (!local && !https) {
    warnings.push(
      'Gatehouse listens beyond this machine without TLS: name certificates in listen.tls, or put a TLS proxy in front and say so in listen.url.',
    );
  }
  if (listen.open_metrics && !local) {
    warnings.push('/metrics is open to everybody who reaches this port (listen.open_metrics).');
  }
  return warnings;
}
