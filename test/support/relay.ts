import { RemoteCall } from '../../src/main/workers/remote-call.ts';
import { WorkerCall } from '../../src/main/workers/worker-call.ts';
import type { Arrival, HeldEnvelope } from '../../src/steps/exchange.ts';
import type { Upstream } from '../../src/upstream/ports.ts';

interface Between {
  readonly upstream: Upstream;
  readonly pingMs: number;
  readonly govern: (arrival: Arrival) => Promise<void>;
}

/** Takes calls through both halves of a relay worker's protocol, each message printed and parsed as on the wire. */
export function betweenWorkers({ upstream, pingMs, govern }: Between): (envelope: HeldEnvelope) => Promise<void> {
  let last = 0;
  return async (envelope) => {
    const call = ++last;
    let remote: RemoteCall | null = null;
    const said = <T>(message: T): T => JSON.parse(JSON.stringify(message));
    const worker = new WorkerCall({
      call,
      envelope,
      upstream,
      pingMs,
      send: (sent) => {
        const message = said(sent);
        setImmediate(() => {
          if (message.is !== 'open') {
            if ('call' in message) remote?.hear(message);
            return;
          }
          remote = new RemoteCall({
            call,
            envelope: message.envelope,
            send: (answer) => setImmediate(() => 'call' in answer && worker.hear(said(answer) as typeof answer)),
            stuck: () => {
              throw new Error('a worker did not end a call that was cut');
            },
          });
          void govern({ envelope: remote, carrier: remote }).finally(() =>
            setImmediate(() => worker.hear({ is: 'close', call })),
          );
        });
      },
    });
    await worker.run();
  };
}
