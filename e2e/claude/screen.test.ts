/**
 * Limits on the screen: in a session that is signed in to a gateway Claude Code reads the headers of limits, warns, shows dollars in
 * `/usage` and prints a block word for word. The sign-in is a stand-in of the test, in front of a real Gatehouse.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Desk, installClaude, makeDesk, read, runTurn } from './client.ts';
import { dayOf, type GovernedHouse, type Key, nextMonth, openGovernedHouse, send } from './house.ts';
import { type StandIn, signInFor } from './stand-in.ts';
import { openTerminal, type Terminal, terminalMissing } from './terminal.ts';

/** A token of Haiku costs a cent and one of Sonnet a ten-thousandth: between them any amount can be spent exactly. */
const POLICY = `
time_zone: UTC
access:
  - { allow: "*", to: everyone }
prices:
  - { models: claude-haiku-5-5, input: 0, cache_write_5m: 0, cache_write_1h: 0, cache_read: 0, output: 10000 }
  - { models: claude-sonnet-5-5, input: 0, cache_write_5m: 0, cache_write_1h: 0, cache_read: 0, output: 1 }
budgets:
  - { each: person, limit: 100 USD/month, warn: [80%, 97%], when_spent: "Ask in #claude-budget." }
`;
const LIMIT = 100_000_000;
const CENT = 10_000;
/** Signed in to a gateway that names no models, the client starts with one that the simulated provider does not know. */
const MODEL = ['--model', 'claude-opus-5-5'];
const missing = terminalMissing();
const skip = missing ?? false;
const resetDay = dayOf(nextMonth());
/** As the client shows it: `Dec 1`, and in December `Jan 1, 2027`. */
const year = nextMonth().getUTCFullYear();
const shownDay = year === new Date().getUTCFullYear() ? resetDay : `${resetDay}, ${year}`;

let binary: string;
let house: GovernedHouse;
let key: Key;
let signIn: StandIn;
let desk: Desk;
let terminal: Terminal;

before(async () => {
  if (missing !== null) return;
  binary = installClaude();
  house = await openGovernedHouse(POLICY);
  key = await house.person('developer@example.com');
  signIn = await signInFor(house.url, key.secret);
  desk = makeDesk();
  settle(desk, signIn.url);
  terminal = openTerminal(desk, binary, MODEL);
});

after(async () => {
  terminal?.close();
  await signIn?.close();
  await house?.close();
  desk?.remove();
});

/** One turn at the prompt. */
async function say(words: string): Promise<void> {
  terminal.type(words);
  await terminal.shows(new RegExp(`❯\\s${words}`));
  terminal.press('Enter');
}

/** Spends until exactly this share of the budget is used, beside the client, as another terminal of the developer would. */
async function spendTo(share: number): Promise<void> {
  const { outcomes } = await house.records(key);
  const spent = outcomes.reduce((sum, { cost }) => sum + (cost as { micros: number }).micros, 0);
  const left = Math.round(LIMIT * share) - spent;
  for (const [model, tokens] of [
    ['claude-haiku-5-5', Math.floor(left / CENT)],
    ['claude-sonnet-5-5', left % CENT],
  ] as const) {
    if (tokens === 0) continue;
    const messages = [{ role: 'user', content: `[[sim:huge ${4 * tokens}]]` }];
    const { status, text } = await send(house.url, key, { body: { model, max_tokens: tokens, messages } });
    assert.equal(status, 200, text);
  }
}

const words = `The budget of $100.00 a month for you is spent; it resets on ${resetDay}. Ask in #claude-budget. (Gatehouse record rec_`;

// One story, so that what cannot work without the step before it does not wait for it.
test('a developer signs in, is warned at both marks, sees the dollars, and reads the block word for word after one request', {
  skip,
}, async () => {
  await terminal.shows(/API Usage Billing[\s\S]*❯/);
  await say('/login');
  await terminal.shows(/Cloud gateway[\s\S]*Enter to connect/);
  terminal.press('Enter');
  await terminal.shows(/Yes, trust this gateway/);
  terminal.press('Up');
  await terminal.shows(/❯ Yes, trust this gateway/);
  terminal.press('Enter');
  await terminal.shows(/Connected to Cloud gateway/);
  terminal.press('Enter');
  await terminal.shows(/Login successful[\s\S]*❯/);
  await say('hello');
  const screen = await terminal.shows(/● Simulated answer from claude-opus-5-5[^\n]*You wrote "hello"/);
  assert.doesNotMatch(screen, /You've used/);
  const { intents } = await house.records(key);
  const client = intents[0]?.client as { user_agent: string } | undefined;
  assert.match(String(client?.user_agent), /^claude-cli\/.*\(external, cli\)$/);

  await spendTo(0.8);
  await say('second');
  await terminal.shows(new RegExp(`You've used 80% of your usage credits · resets ${shownDay}, 12am \\(UTC\\)`));
  await terminal.shows(/You wrote "second"/);
  // Shown for some seconds, in which the client shows no other.
  await terminal.shows(/^(?![\s\S]*You've used)/);

  await spendTo(0.97);
  await say('/usage');
  const usage = await terminal.shows(/Spend limit[\s\S]*spent this month/);
  assert.match(usage, /97% used/);
  assert.ok(usage.includes(`$97.00 / $100.00 spent this month · Resets ${shownDay}, 12am (UTC)`), usage);
  terminal.press('Escape');
  await terminal.shows(/You wrote "second"[\s\S]*❯/);

  await say('third');
  await terminal.shows(/You've used 97% of your usage credits/);
  await terminal.shows(/You wrote "third"/);

  await spendTo(1);
  const before = await house.records(key);
  await say('fourth');
  const blocked = await terminal.shows(/The budget of/);
  assert.ok(blocked.includes(words), blocked);
  assert.doesNotMatch(blocked, /API Error|rejected/);
  const { intents: sent, refusals } = await house.records(key);
  assert.equal(sent.length, before.intents.length);
  assert.deepEqual(
    refusals.map(({ code, rule }) => [code, rule]),
    [['budget_spent', 'budgets[0]']],
  );
  await say('/usage');
  assert.match(await terminal.shows(/spent this month/), /100% used\n\s*\$100\.00 \/ \$100\.00 spent this month/);
});

test('headless at the same desk the block is word for word as well', { skip }, async () => {
  const turn = await runTurn(binary, { prompt: 'hi', args: MODEL, desk });
  assert.equal(turn.exitCode, 1);
  assert.equal(read(turn), `${words}…)`);
});

test('with a key alone the client takes the same answer for a limit of requests', { skip }, async () => {
  const turn = await runTurn(binary, { url: house.url, key: key.secret, prompt: 'hi' });
  assert.equal(turn.exitCode, 1);
  assert.equal(read(turn), `API Error: Request rejected (429) · ${words}…)`);
});

/** What stands in the folders of somebody who has used the client before, and whose platform team told it where the gateway is. */
function settle(desk: Desk, gateway: string): void {
  const seen = { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true };
  const state = { hasCompletedOnboarding: true, theme: 'dark', projects: { [desk.work]: seen } };
  const settings = { forceLoginMethod: 'gateway', forceLoginGatewayUrl: gateway };
  writeFileSync(join(desk.config, '.claude.json'), JSON.stringify(state));
  writeFileSync(join(desk.config, 'settings.json'), JSON.stringify(settings));
}
