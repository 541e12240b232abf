import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { startTestGateway } from '../support/gateway.ts';
import { raw, STREAM_CALL } from '../support/raw.ts';

const PING = 'event: ping\ndata: {"type": "ping"}\n\n';

/** True for text behind which an event of ours corrupts nothing: nothing yet, or a blank line in any spelling that is over. */
function isBetween(before: string): boolean {
  return before === '' || /(?:\n|\r)(?:\ufeff)?(?:\n|\r)$/.test(before);
}

test('pings stand between events only, however lines end and chunks are cut, and an error comes after whole events', async (t) => {
  const gateway = await startTestGateway({ pingMs: 2 });
  t.after(() => gateway.close());
  const end = fc.constantFrom('\n', '\r\n', '\r');
  const text = fc
    .array(fc.tuple(end, fc.string({ unit: 'grapheme', maxLength: 8 }), fc.constantFrom('', '\ufeff', ': c')), {
      minLength: 1,
      maxLength: 4,
    })
    .map((events) =>
      events
        .map(
          ([eol, word, odd]) =>
            `${odd}${odd === ': c' ? eol : ''}event: x${eol}data: ${JSON.stringify(word)}${eol}${eol}`,
        )
        .join(''),
    );
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 25 }), fc.boolean(), async (whole, size, dies) => {
      const bytes = Buffer.from(whole);
      gateway.double.answer = async (_seen, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (let at = 0; at < bytes.length; at += size) {
          response.write(bytes.subarray(at, at + size));
          await new Promise((resolve) => setTimeout(resolve, 3));
        }
        if (dies) response.write('data: half', () => response.destroy());
        else response.end();
      };
      const said = (await raw(gateway.url, { body: STREAM_CALL })).body.toString();
      const [passed = '', error] = said.split('event: error\n');
      const parts = passed.split(PING);
      assert.equal(error !== undefined, dies);
      // A blank line of one CR may still be half of CR LF: when the provider dies there, the event is the provider's loss.
      if (dies) assert.ok(whole.startsWith(parts.join('')) && isBetween(passed), JSON.stringify(said));
      else assert.equal(parts.join(''), whole);
      for (let i = 1; i < parts.length; i++) {
        assert.ok(isBetween(parts.slice(0, i).join('')), JSON.stringify(said));
        assert.ok(
          !(parts[i] ?? '').startsWith('\n') || !parts.slice(0, i).join('').endsWith('\r'),
          JSON.stringify(said),
        );
      }
    }),
    { numRuns: 40, seed: 11 },
  );
});
