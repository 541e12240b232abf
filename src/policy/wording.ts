import { printable } from '../kernel/text.ts';
import { sixDigits } from '../kernel/units.ts';
import type { Period, Place, Subject } from './model.ts';
import { few } from './text.ts';

/** Micro-dollars as people read them, exact: `300 USD`, `12.50 USD`, `0.000001 USD`. */
export function usd(micros: number): string {
  const digits = sixDigits(micros);
  return `${micros % 1_000_000 === 0 ? digits.slice(0, -7) : digits.replace(/0{1,4}$/, '')} USD`;
}

/** `300 USD/month`; a lifetime budget reads `300 USD for life`. */
export function usdPer(micros: number, period: Period): string {
  return period === 'lifetime' ? `${usd(micros)} for life` : `${usd(micros)}/${period}`;
}

/** `access[2] (line 21)`; without the line where no line says it. */
export function placeName(place: Place): string {
  return place.line === 0 ? place.path : `${place.path} (line ${place.line})`;
}

/** `access[2] (line 21): deny claude-opus-* to everyone`. */
export function placeLine(place: Place): string {
  return `${placeName(place)}: ${printable(place.text)}`;
}

/** The name of a person or service; its id once the name is erased. */
export function partyName(party: Pick<Subject, 'id' | 'name'>): string {
  return printable(party.name ?? party.id);
}

/** `1 person`, `12 people and 2 services`. */
export function countOf(parties: readonly Pick<Subject, 'kind'>[]): string {
  const people = parties.filter((party) => party.kind === 'person').length;
  const services = parties.length - people;
  const words = [];
  if (people > 0) words.push(people === 1 ? '1 person' : `${people} people`);
  if (services > 0) words.push(services === 1 ? '1 service' : `${services} services`);
  return words.join(' and ');
}

/** The first five, then how many more: a change that hits a thousand people stays one line. */
export function listed(names: readonly string[]): string {
  return few(
    names.map((name) => printable(name)),
    5,
  );
}

/** A title and its entries below a blank line; no lines without entries. */
export function section(title: string, entries: readonly string[]): string[] {
  return entries.length === 0 ? [] : ['', title, ...entries.map((entry) => `  ${entry}`)];
}

/** A moment in a time zone, to the minute: `2027-06-30 00:00 Europe/Berlin`. */
export function moment(at: number, timeZone: string): string {
  // Swedish writes dates as ISO 8601 does.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  return `${format.format(at)} ${timeZone}`;
}

/** A moment as records write it, to the second. */
export function utc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
