/** Entry of the command line; bin/gatehouse.cjs runs it. */
import { processIo } from './process-io.ts';
import { run } from './run.ts';

const io = processIo();
process.exitCode = await run(process.argv.slice(2), io);
await io.close();
