/** Who is slowed down: those who fail, and nobody beside them. */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { Buckets } from '../../src/doors/signin/buckets.ts';
import { SignInThrottle } from '../../src/doors/signin/throttle.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const NAT = '192.0.2.7';

let now = 0;
const clock = { now: () => 0, monotonic: () => now };
let throttle = new SignInThrottle(clock);
beforeEach(() => {
  now = 5_000_000;
  throttle = new SignInThrottle(clock);
});

/** One whole sign-in; true when it was let through. */
function signIn(peer: string, email: string | null = null): boolean {
  const { wait, mark } = throttle.start(peer, email);
  if (wait > 0) return false;
  const arrival = throttle.arrive(peer);
  if (arrival.wait > 0) return false;
  arrival.succeeded(mark);
  return true;
}

/** Comes back with nothing good; the seconds to wait, 0 when it was looked at. */
function fail(peer: string, person: string | null = null): number {
  const arrival = throttle.arrive(peer);
  return arrival.wait > 0 ? arrival.wait : arrival.failed(person);
}

/** Fails until refused; how often it was looked at. */
function failUntilRefused(peer: string, most = 10_000): number {
  for (let count = 0; count < most; count++) if (fail(peer) > 0) return count;
  return most;
}

describe('a company behind one address', () => {
  test('three thousand sign in within a minute, with two fumbles in a hundred', () => {
    let refused = 0;
    for (let i = 0; i < 3000; i++) {
      now += MINUTE / 3000;
      if (i % 50 === 7 && fail(NAT) > 0) refused += 1;
      if (!signIn(NAT, `dev${i}@acme.com`)) refused += 1;
    }
    assert.equal(refused, 0);
  });

  test('three thousand are at their provider at once, and nine hundred come back at once', () => {
    for (let i = 0; i < 3000; i++) assert.equal(throttle.start(NAT, `dev${i}@acme.com`).wait, 0);
    for (let round = 0; round < 3; round++) {
      const arrivals = Array.from({ length: 900 }, () => throttle.arrive(NAT));
      assert.ok(arrivals.every(({ wait }) => wait === 0));
      for (const arrival of arrivals) arrival.succeeded(null);
    }
  });

  test('as many as like may sign in, who get in', () => {
    for (let i = 0; i < 13_000; i++) assert.equal(signIn(NAT), true);
    for (let i = 0; i < 6000; i++) assert.equal(throttle.start(NAT, null).wait, 0);
    assert.equal(throttle.start(NAT, null).wait, 1, 'those who only begin are bounded');
  });

  test('one of them who attacks is refused, and the others get in as room comes back', () => {
    assert.equal(failUntilRefused(NAT), 120);
    // A colleague waits as long as told.
    const { wait } = throttle.arrive(NAT);
    assert.equal(wait, 5);
    now += wait * SECOND;
    assert.equal(signIn(NAT, 'bob@acme.com'), true);
    // Who got in made room for the next.
    for (let i = 0; i < 4; i++) assert.equal(fail(NAT), 0);
    assert.equal(signIn(NAT, 'carol@acme.com'), true);
  });
});

describe('an attacker', () => {
  test('who fails on and on is looked at twelve times a minute', () => {
    failUntilRefused(NAT);
    let looked = 0;
    for (let i = 0; i < 600; i++) {
      now += SECOND;
      if (fail(NAT) === 0) looked += 1;
    }
    assert.ok(looked <= 121, `${looked}`);
  });

  test('who sends all at once has so many looked at, and no more', () => {
    const arrivals = Array.from({ length: 5000 }, () => throttle.arrive(NAT));
    const let_ = arrivals.filter(({ wait }) => wait === 0);
    assert.equal(let_.length, 960);
    for (const arrival of let_) arrival.failed(null);
    assert.ok(throttle.arrive(NAT).wait > 0);
    assert.ok(throttle.start(NAT, null).wait > 0);
  });

  test('does not keep out the other addresses of the neighbourhood', () => {
    assert.equal(failUntilRefused('192.0.2.66'), 120);
    for (let i = 1; i < 60; i++) assert.equal(signIn(`192.0.2.${i}`), true);
  });

  test('with a whole neighbourhood is bounded by it, and does not keep out the next one', () => {
    let looked = 0;
    for (let i = 0; i < 256; i++) looked += failUntilRefused(`192.0.2.${i}`);
    assert.equal(looked, 480);
    assert.equal(signIn('192.0.3.1'), true);
  });

  test('with endless addresses of IPv6 is one of one network', () => {
    let looked = 0;
    for (let i = 0; i < 500; i++) looked += fail(`2001:db8:0:1::${i.toString(16)}`) === 0 ? 1 : 0;
    assert.equal(looked, 120);
    assert.equal(signIn('2001:db8:0:2::1'), true);
    for (let i = 0; i < 5000; i++) looked += fail(`2001:db8:0:${(i % 256).toString(16)}::1`) === 0 ? 1 : 0;
    // What the /56 holds, and what the one who got in gave back.
    assert.equal(looked, 485);
  });

  test('cannot make us keep more than so much', () => {
    for (let i = 0; i < 45_000; i++) {
      const peer = `2001:db8:${(i >> 8).toString(16)}:${((i & 255) << 8).toString(16)}::1`;
      throttle.start(peer, `someone${i}@acme.com`);
      fail(peer, `per_${i}`);
    }
    assert.ok(throttle.count <= 5 * 20_000 + 1, `${throttle.count}`);
  });
});

describe('an account', () => {
  test('that was typed ten times without getting in has to wait, for a minute', () => {
    for (let i = 0; i < 10; i++) assert.equal(throttle.start(NAT, 'bob@acme.com').wait, 0);
    assert.equal(throttle.start(NAT, ' BOB@acme.com ').wait, 60);
    assert.equal(throttle.start(NAT, 'carol@acme.com').wait, 0);
    assert.equal(throttle.start(NAT, null).wait, 0);
    now += MINUTE;
    assert.equal(throttle.start(NAT, 'bob@acme.com').wait, 0);
    assert.equal(throttle.start(NAT, 'bob@acme.com').wait, 60);
  });

  test('that gets in begins anew', () => {
    for (let i = 0; i < 9; i++) throttle.start(NAT, 'bob@acme.com');
    assert.equal(signIn(NAT, 'bob@acme.com'), true);
    for (let i = 0; i < 10; i++) assert.equal(throttle.start(NAT, 'bob@acme.com').wait, 0);
  });

  test('is not locked out by whoever types it somewhere else', () => {
    for (let i = 0; i < 50; i++) throttle.start('198.51.100.1', 'bob@acme.com');
    assert.equal(throttle.start(NAT, 'bob@acme.com').wait, 0);
  });

  test('of a person who was proven and refused ten times has to wait, wherever they come from', () => {
    for (let i = 0; i < 10; i++) assert.equal(fail(`192.0.${i}.1`, 'per_bob'), 0);
    assert.equal(fail('198.51.100.1', 'per_bob'), 60);
    assert.equal(fail('198.51.100.1', 'per_carol'), 0);
  });

  test('is marked by a digest that says nothing and differs from process to process', () => {
    const { mark } = throttle.start(NAT, 'bob@acme.com');
    assert.match(mark ?? '', /^[\w-]{22}$/);
    assert.notEqual(new SignInThrottle(clock).start(NAT, 'bob@acme.com').mark, mark);
  });
});

describe('the sealed way in', () => {
  test('is tried three times from one neighbourhood and thirty times in all', () => {
    for (let i = 0; i < 3; i++) assert.equal(throttle.open(`192.0.2.${i}`).wait, 0);
    assert.equal(throttle.open('192.0.2.9').wait, 200);
    let tried = 3;
    for (let i = 0; i < 1000; i++) if (throttle.open(`10.${i >> 8}.${i & 255}.1`).wait === 0) tried += 1;
    assert.equal(tried, 30);
    assert.equal(throttle.open('198.51.100.1').wait, 2);
    now += 2 * SECOND;
    assert.equal(throttle.open('198.51.100.1').wait, 0);
  });

  test('does not count who gets in', () => {
    for (let i = 0; i < 100; i++) {
      const opening = throttle.open(NAT);
      assert.equal(opening.wait, 0);
      opening.succeeded();
    }
  });
});

test('buckets forget those used longest ago, never the newer half, and run dry', () => {
  const buckets = new Buckets(clock, { holds: 2, dryMs: 10 * SECOND, most: 6 });
  buckets.pour('a', 5);
  assert.equal(buckets.room('a'), 0, 'never more than it holds');
  assert.equal(buckets.wait('a'), 5);
  now += 5 * SECOND;
  assert.deepEqual([buckets.room('a'), buckets.wait('a')], [1, 0]);
  buckets.pour('a', -5);
  assert.deepEqual([buckets.room('a'), buckets.count], [2, 0]);
  for (let i = 0; i < 100; i++) {
    buckets.pour(`${i}`, 2);
    assert.ok(buckets.count <= 6);
    for (let newer = Math.max(0, i - 2); newer <= i; newer++) assert.equal(buckets.room(`${newer}`), 0);
  }
  assert.equal(buckets.room('90'), 2);
});
