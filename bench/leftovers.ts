/** What must not outlive the benchmark, even when somebody presses Ctrl-C: servers and their folders. */

const left = new Set<() => void>();

/** Runs `clear` when the process ends, unless what is returned was called before. */
export function leftover(clear: () => void): () => void {
  left.add(clear);
  return () => left.delete(clear);
}

/** From now on signals end the process in order. */
export function clearAtExit(): void {
  process.on('exit', () => {
    for (const clear of left) clear();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
}
