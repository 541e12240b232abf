/** The worker's entry: messages in, messages out. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Call, type FromWorker, failureOf, type ToWorker, type WorkerOptions } from './rpc.ts';
import { ViewsService } from './service.ts';

const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');
const send = (message: FromWorker): void => port.postMessage(message);
const service = new ViewsService(workerData as WorkerOptions, send);

function answer({ method, argument }: Call): unknown {
  // Both sides share the table of methods, so the argument is the one this method takes.
  const run = service[method] as (argument: unknown) => unknown;
  return run.call(service, argument);
}

async function handle(call: Call): Promise<void> {
  try {
    send({ answer: { id: call.id, value: await answer(call) } });
  } catch (error) {
    send({ failure: { id: call.id, error: failureOf(error) } });
  }
  if (call.method === 'close') port?.close();
}

port.on('message', ({ call }: ToWorker) => void handle(call));
send({ ready: true });
