/** Entry of the command line; bin/gatehouse.cjs runs it. */
import { processIo } from './process-io.ts';
import { run } from './run.ts';

// What is written is for whoever runs this alone, also in a folder that was there before and is open to others.
process.umask(0o077);
const io = processIo();
process.exitCode = await run(process.argv.slice(2), io);
await io.close();
