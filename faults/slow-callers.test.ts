import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { after, before, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { type Double, startDouble } from '../test/support/double.ts';
import { claim, type House, makeHouse, type RunningChild, startChild } from '../test/support/house.ts';
import { CALL, delta, MESSAGE_START, raw, STREAM_CALL } from '../test/support/raw.ts';
import { openSlow, residentMiB, type Slow } from './support/slow.ts';

const MANY = 10_000;
/** What ten thousand may cost beyond an idle gateway: a head of 32 KiB each, a socket, a parser, and what the allocator keeps. */
const MOST_MIB = 768;
const POST = 'POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';

let double: Double;
let house: House;
let child: RunningChild;
let key: string;
let greedy: string;
let idleMiB: number;

before(async () => {
  double = await startDouble();
  house = makeHouse({ upstream: double.url });
  child = await startChild(house);
  const admin = await claim(child);
  const keyOf = async (email: string): Promise<string> => {
    await admin.call('POST', '/api/people', { email });
    return String((await admin.call('POST', '/api/keys', { person: email, label: 'test' })).secret);
  };
  key = await keyOf('dev@example.com');
  greedy = await keyOf('greedy@example.com');
  await served(50);
  idleMiB = residentMiB(child.process.pid);
});

after(async () => {
  await child.stop();
  await double.close();
  house.remove();
});

/** Ordinary calls of somebody else, each on a new connection: all are answered. */
async function served(calls = 20): Promise<void> {
  for (let i = 0; i < calls; i++) {
    const { status, body } = await raw(child.url, { body: CALL, headers: { authorization: `Bearer ${key}` } });
    assert.equal(status, 200, body.toString());
  }
}

async function slowly(t: TestContext, first: string, options: { count?: number; deaf?: boolean } = {}): Promise<Slow> {
  const slow = await openSlow({ port: Number(new URL(child.url).port), count: MANY, first, ...options });
  t.after(() => slow.end());
  return slow;
}

function bounded(): void {
  const more = residentMiB(child.process.pid) - idleMiB;
  assert.ok(more < MOST_MIB, `${Math.round(more)} MiB more than before`);
}

const SLOW: Readonly<Record<string, string>> = {
  'that say nothing': '',
  'whose heads never end (slowloris)': POST,
  'whose heads never end and are as large as may be': `${POST}x-large: ${'a'.repeat(31 * 1024)}`,
  'of strangers whose bodies never end (R-U-Dead-Yet)': `${POST}content-length: 100000\r\n\r\n{`,
  'to the admin door whose bodies never end': `${POST.replace('/v1/messages', '/api/people')}content-length: 100000\r\n\r\n{`,
  'to no door whose bodies never end': `${POST.replace('/v1/messages', '/nothing')}transfer-encoding: chunked\r\n\r\n1\r\n{\r\n`,
};

for (const [shape, first] of Object.entries(SLOW)) {
  test(`ten thousand connections ${shape} cost bounded memory, and calls are served meanwhile`, async (t) => {
    const slow = await slowly(t, first);
    await served();
    // A further piece for each, as those tools send it.
    slow.say(first.endsWith('\r\n') ? 'x: 1\r\n' : 'x');
    await served();
    bounded();
  });
}

test('a head that does not arrive in time is told so and closed, however steadily it trickles', async (t) => {
  const slow = await slowly(t, POST, { count: 500 });
  while (slow.open() > 0) {
    slow.say('x: 1\r\n');
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  assert.deepEqual(slow.answers(), { 408: 500 });
});

test('ten thousand unfinished calls of one caller: as many run as it may have open, and others are served', async (t) => {
  const slow = await slowly(t, `${POST}authorization: Bearer ${greedy}\r\ncontent-length: 100000\r\n\r\n{`);
  await served();
  // 64 wait for their bodies; the others were told and closed.
  while (slow.open() > 64) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(slow.answers(), { nothing: 64, 429: MANY - 64 });
  slow.say('{');
  await served();
  bounded();
});

test('a caller that reads none of a thousand endless answers holds what its open calls may hold, and others are served', async (t) => {
  const block = Buffer.from(delta('x'.repeat(60_000)));
  let endless = 0;
  double.answer = (seen, response) => {
    const isStream = seen.body.includes('"stream":true');
    response.writeHead(200, { 'content-type': isStream ? 'text/event-stream' : 'application/json' });
    if (!isStream) return void response.end('{"type":"message","usage":{"input_tokens":1,"output_tokens":1}}');
    endless++;
    response.write(MESSAGE_START);
    const more = (): void => {
      while (!response.destroyed && response.write(block));
    };
    response.on('drain', more);
    more();
  };
  const head = `${POST}authorization: Bearer ${greedy}\r\ncontent-length: ${STREAM_CALL.length}\r\n\r\n`;
  await slowly(t, head + STREAM_CALL, { count: 1000, deaf: true });
  await served();
  bounded();
  assert.equal(endless, 64);
});

const run = promisify(execFile);

for (const [name, mode] of [
  ['slow heads', ['-H', '-t', 'GET']],
  ['slow bodies', ['-B', '-s', '8192', '-f', 'application/json']],
  ['slow reads', ['-X', '-k', '5', '-w', '1', '-y', '10', '-n', '3', '-z', '1']],
] as const) {
  test(`slowhttptest, ${name}: the service stays available`, async (t) => {
    try {
      execFileSync('slowhttptest', ['-h'], { stdio: 'ignore' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return t.skip('slowhttptest is not installed');
    }
    const url = `${child.url}/${name === 'slow bodies' ? 'v1/messages' : 'v1/models'}`;
    const tool = run('slowhttptest', [
      ...mode,
      '-c',
      '4000',
      '-r',
      '1000',
      '-i',
      '2',
      '-l',
      '12',
      '-p',
      '10',
      '-u',
      url,
    ]);
    // As long as it runs, whichever way it ends.
    let running = true;
    const ended = tool
      .catch((error) => error)
      .finally(() => {
        running = false;
      });
    while (running) await served(5);
    const { stdout } = (await ended) as { stdout: string };
    // Whatever stands between are colours for a terminal.
    const last = stdout.match(/service available:[^A-Z]*(?:YES|NO)/g)?.at(-1);
    assert.match(String(last), /YES/, stdout.slice(-2000));
    bounded();
  });
}
