/** A real gateway in a process of its own, which can be killed at every failpoint and before every step. Argument: configuration file. */
import { startGatehouse } from '../../src/main.ts';
import { reached } from './armed.ts';

const gatehouse = await startGatehouse({ config: process.argv[2], beforeStep: (name) => reached(`step.${name}`) });
process.on('SIGTERM', () => void gatehouse.stop());
process.stdout.write(`${JSON.stringify({ url: gatehouse.url, ownerSecret: gatehouse.ownerSecret })}\n`);
