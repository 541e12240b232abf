import { tlsFiles } from '../doors/config.ts';
import type { TlsMaterial } from '../doors/tls.ts';
import { TlsWatch } from '../doors/tls-watch.ts';
import type { StateParts } from './state.ts';

/** Certificates that are served with, and who is told of new ones. */
export interface OpenTls {
  readonly material: TlsMaterial;
  /** Hears of the newest certificates at once, and of new ones from now on. */
  onRenewed(listener: (material: TlsMaterial) => void): void;
  warnings(): string[];
}

/** Reads the certificates of `listen.tls` and keeps looking at them; null where somebody else does TLS. Rejects with TlsProblem. */
export async function openTls({
  config,
  clock,
  log,
  closers,
}: Pick<StateParts, 'config' | 'clock' | 'log' | 'closers'>): Promise<OpenTls | null> {
  const files = tlsFiles(config.listen);
  if (files === null) return null;
  let renew = (_material: TlsMaterial): void => undefined;
  const watch = await TlsWatch.open({
    files,
    clock,
    renew(material) {
      renew(material);
      log.info({ certificate: files.certificate }, 'new certificates are served');
    },
    warn: (why) => log.error({ why }, 'new certificates are not served; those before stay'),
  });
  closers.add('certificates', () => watch.close());
  return {
    get material() {
      return watch.material;
    },
    onRenewed(listener) {
      renew = listener;
      // Also what came between the opening and this moment.
      listener(watch.material);
    },
    warnings: () => watch.warnings(),
  };
}
