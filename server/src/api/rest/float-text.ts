/** Significant digits that always tell one float32 from the next. */
const DIGITS_MAX = 9;
const DIGITS_FIRST = 6;
/** Above, a double does not hold every integer any more. */
const EXACT_EXPONENT_MAX = 15;
/** Powers of ten that a double holds exactly. */
const EXACT_POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

/**
 * A float32 as the shortest decimal that gives the same float32 again: 0.1, where the value as a double would print
 * 0.10000000149011612. `value` is finite and already a float32.
 */
export function floatText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6)
    return value === 0 && 1 / value < 0 ? '-0' : String(value);
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= EXACT_EXPONENT_MAX) return shortestSlowly(value);
  for (let digits = DIGITS_FIRST; digits <= DIGITS_MAX; digits += 1) {
    const candidate = rounded(value, digits - 1 - exponent);
    if (candidate !== undefined && Math.fround(candidate) === value) return String(candidate);
  }
  return shortestSlowly(value);
}

/** The float32 numbers of `bytes` (little-endian) as a JSON array. */
export function vectorText(bytes: Buffer): string {
  let text = '[';
  for (let at = 0; at < bytes.length; at += 4) {
    if (at > 0) text += ',';
    text += floatText(bytes.readFloatLE(at));
  }
  return `${text}]`;
}

/** `value` rounded to so many decimals; undefined where the power of ten is not exact. */
function rounded(value: number, decimals: number): number | undefined {
  const power = EXACT_POWERS[Math.abs(decimals)];
  if (power === undefined) return undefined;
  return decimals >= 0 ? Math.round(value * power) / power : Math.round(value / power) * power;
}

/** For very small and very large values. */
function shortestSlowly(value: number): string {
  for (let digits = 1; digits <= DIGITS_MAX; digits += 1) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return String(candidate);
  }
  return String(value);
}
