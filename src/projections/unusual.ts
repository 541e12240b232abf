/** Finds spending far above one's own habit, and says what changed. Pure: no clock, no database. */
import { addDays, daysBetween } from '../kernel/days.ts';
import { growthOf } from './growth.ts';
import type { UnusualSpending } from './ports.ts';

/** The last days that are looked at, today included. */
export const RECENT_DAYS = 7;
/** The days before them that say what is usual. */
export const BASELINE_DAYS = 28;
/** Less than this above the usual is not worth anybody's time, micro-dollars. */
export const LEAST_EXCESS = 5_000_000;
/** How far above: this many robust standard deviations, and at least this many times the usual. */
const FAR = 4;
const TIMES = 2;
/** The median absolute deviation of a normal distribution is its standard deviation divided by this. */
const NORMAL = 1.4826;
/** Less history than this is no habit. */
const LEAST_DAYS = 5;
const LEAST_WEEKS = 3;

/** What one caller's key spent on one model on one day. */
export interface SpendingDay {
  readonly day: string;
  readonly who: string;
  readonly key: string;
  readonly team: string;
  readonly model: string;
  readonly calls: number;
  readonly micros: number;
}

export interface Habit {
  readonly scope: UnusualSpending['scope'];
  readonly subject: string;
  readonly today: string;
  /** Everything of this subject from BASELINE_DAYS + RECENT_DAYS days up to and including today. */
  readonly days: readonly SpendingDay[];
}

interface Window {
  readonly days: 1 | 7;
  readonly from: string;
  readonly to: string;
  readonly usual: number;
  /** Days or weeks of the baseline that `usual` is about. */
  readonly units: number;
}

/**
 * Compares today, yesterday and the last seven days with the four weeks before those seven: a day with the days on which
 * anything was spent, the week with the weeks. Null when nothing stands out, or when there is too little history.
 */
export function unusualOf(habit: Habit): UnusualSpending | null {
  const { today, days } = habit;
  const recent = addDays(today, 1 - RECENT_DAYS);
  const baseline = { from: addDays(recent, -BASELINE_DAYS), to: addDays(recent, -1) };
  const byDay = new Map<string, number>();
  for (const { day, micros } of days) byDay.set(day, (byDay.get(day) ?? 0) + micros);
  const amount = (from: string, to: string): number =>
    daysBetween(from, to).reduce((sum, day) => sum + (byDay.get(day) ?? 0), 0);
  const active = daysBetween(baseline.from, baseline.to).flatMap((day) => byDay.get(day) || []);
  const weeks = [0, 7, 14, 21].map((start) =>
    amount(addDays(baseline.from, start), addDays(baseline.from, start + RECENT_DAYS - 1)),
  );
  const windows: Window[] = [];
  if (active.length >= LEAST_DAYS) {
    const one = { days: 1, usual: median(active), units: active.length } as const;
    for (const day of [today, addDays(today, -1)]) windows.push({ ...one, from: day, to: day });
  }
  if (weeks.filter((week) => week > 0).length >= LEAST_WEEKS) {
    windows.push({ days: 7, usual: median(weeks), units: weeks.length, from: recent, to: today });
  }
  let worst: { readonly window: Window; readonly micros: number } | null = null;
  for (const window of windows) {
    const micros = amount(window.from, window.to);
    const { usual } = window;
    if (micros < usual + Math.max(LEAST_EXCESS, tooMuch(window.days === 1 ? active : weeks))) continue;
    if (worst === null || micros - usual > worst.micros - worst.window.usual) worst = { window, micros };
  }
  if (worst === null) return null;
  const dayLimit = active.length >= LEAST_DAYS ? median(active) + tooMuch(active) : Number.POSITIVE_INFINITY;
  const lately = daysBetween(recent, today);
  const stands = lately.find((day) => (byDay.get(day) ?? 0) >= dayLimit);
  const since = stands ?? lately.find((day) => day >= worst.window.from && byDay.has(day)) ?? worst.window.from;
  return explained(habit, { ...worst, since, baseline });
}

/** How much more than the median is far above it. */
function tooMuch(amounts: readonly number[]): number {
  const usual = median(amounts);
  const spread = NORMAL * median(amounts.map((amount) => Math.abs(amount - usual)));
  return Math.max(FAR * spread, (TIMES - 1) * usual);
}

interface Found {
  readonly window: Window;
  readonly micros: number;
  readonly since: string;
  readonly baseline: { readonly from: string; readonly to: string };
}

function explained(habit: Habit, { window, micros, since, baseline }: Found): UnusualSpending {
  const { scope, subject } = habit;
  const now = habit.days.filter(({ day }) => day >= window.from && day <= window.to);
  const before = habit.days.filter(({ day }) => day >= baseline.from && day <= baseline.to);
  const grew = (by: 'model' | 'key' | 'who') => growthOf({ now, before, units: window.units, by });
  const callsOf = (days: readonly SpendingDay[]): number => days.reduce((sum, { calls }) => sum + calls, 0);
  const usualCalls = callsOf(before) / window.units;
  const usualMean = before.reduce((sum, day) => sum + day.micros, 0) / window.units;
  return {
    scope,
    subject,
    days: window.days,
    to: window.to,
    since,
    micros,
    usualMicros: Math.round(window.usual),
    calls: callsOf(now),
    usualCalls: Math.round(usualCalls * 10) / 10,
    driver: driverOf(callsOf(now) / usualCalls, micros / usualMean),
    model: grew('model'),
    key: scope === 'key' ? null : grew('key'),
    who: scope === 'team' ? grew('who') : null,
  };
}

/** Amounts are calls times cost per call: which of the two explains at least two thirds of the growth, on a scale of ratios. */
function driverOf(calls: number, amount: number): UnusualSpending['driver'] {
  const share = Math.log(calls) / Math.log(amount);
  if (!Number.isFinite(share)) return 'both';
  return share >= 2 / 3 ? 'calls' : share <= 1 / 3 ? 'cost_per_call' : 'both';
}

function median(amounts: readonly number[]): number {
  const sorted = amounts.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
