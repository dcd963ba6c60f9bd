/** A moment: seconds since 1970 (UTC, without leap seconds) and nanoseconds 0..999,999,999 after them. */
export interface Instant {
  readonly seconds: number;
  readonly nanos: number;
}

const INSTANT =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:[Zz]|([+-])(\d\d):?(\d\d))?)?$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * RFC 3339, also with a space for the T, without a zone (then UTC), without seconds, or a date alone (its first moment).
 * Undefined when it is none.
 */
export function parseInstant(text: string): Instant | undefined {
  const match = INSTANT.exec(text);
  if (match === null) return undefined;
  const at = (group: number): number => Number(match[group] ?? 0);
  const [year, month, day] = [at(1), at(2), at(3)];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if (at(4) > 23 || at(5) > 59 || at(6) > 59 || at(9) > 23 || at(10) > 59) return undefined;
  const zone = (match[8] === '-' ? -1 : 1) * (at(9) * 3600 + at(10) * 60);
  const seconds = daysSince1970(year, month, day) * 86_400 + at(4) * 3600 + at(5) * 60 + at(6) - zone;
  return { seconds, nanos: Number((match[7] ?? '').padEnd(9, '0')) };
}

/** Negative, 0 or positive, as for `sort`. */
export function compareInstants(a: Instant, b: Instant): number {
  return a.seconds - b.seconds || a.nanos - b.nanos;
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

function daysIn(year: number, month: number): number {
  return month === 2 && isLeap(year) ? 29 : (DAYS[month - 1] as number);
}

/** Of the Gregorian calendar, also before it was in use. */
function daysSince1970(year: number, month: number, day: number): number {
  const before = year - 1;
  const leaps = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  let days = year * 365 + leaps - 719_527;
  for (let past = 1; past < month; past += 1) days += daysIn(year, past);
  return days + day - 1;
}
