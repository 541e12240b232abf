/**
 * A real gateway in a process of its own, for tests that kill it or break its disk. Arguments: configuration file, and the step
 * before which the process kills itself (`none` for never). Prints one JSON line when it serves.
 */
import { startGatehouse } from '../../src/main.ts';

const [config, killBefore] = process.argv.slice(2);
const gatehouse = await startGatehouse({
  config,
  beforeStep: (name) => {
    if (name === killBefore) process.kill(process.pid, 'SIGKILL');
  },
});
process.on('SIGTERM', () => void gatehouse.stop());
process.stdout.write(`${JSON.stringify({ url: gatehouse.url, ownerSecret: gatehouse.ownerSecret })}\n`);
