/**
 * The filter language once more, straight from its description, on unparsed JSON with plain keys: slow, and short enough to be
 * believed. Numbers are doubles, and times are texts of one zone.
 */
type Json = Readonly<Record<string, unknown>>;

interface Naive {
  readonly id: number;
  readonly payload: Json;
}

export function naivelyMatches(filter: Json, point: Naive): boolean {
  const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value : [value]) as Json[];
  const holds = (condition: Json): boolean => naivelyHolds(condition, point);
  const { must, should, must_not: mustNot, min_should: minShould } = filter;
  if (must !== undefined && !listOf(must).every(holds)) return false;
  if (mustNot !== undefined && listOf(mustNot).some(holds)) return false;
  if (should !== undefined && listOf(should).length > 0 && !listOf(should).some(holds)) return false;
  if (minShould === undefined) return true;
  const { conditions, min_count: minCount } = minShould as { conditions: Json[]; min_count: number };
  return conditions.filter(holds).length >= minCount;
}

function naivelyHolds(condition: Json, point: Naive): boolean {
  if ('key' in condition) {
    const { key, ...test } = condition;
    return fieldPasses(valuesAt(point.payload, key as string), test);
  }
  if ('has_id' in condition) return (condition['has_id'] as unknown[]).includes(point.id);
  if ('is_empty' in condition)
    return naivelyHolds({ ...(condition['is_empty'] as Json), is_empty: true }, point);
  if ('is_null' in condition)
    return naivelyHolds({ ...(condition['is_null'] as Json), is_null: true }, point);
  if (!('nested' in condition)) return naivelyMatches(condition, point);
  const { key, filter } = condition['nested'] as { key: string; filter: Json };
  return valuesAt(point.payload, key)
    .flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]))
    .some((value) => isObject(value) && naivelyMatches(filter, { ...point, payload: value }));
}

function fieldPasses(values: unknown[], test: Json): boolean {
  if ('is_empty' in test) {
    const isEmpty = values.every((value) => value === null || (Array.isArray(value) && value.length === 0));
    return isEmpty === test['is_empty'];
  }
  if ('is_null' in test) {
    const isNull = values.some((value) => value === null || (Array.isArray(value) && value.includes(null)));
    return isNull === test['is_null'];
  }
  if ('values_count' in test) {
    const counts = values.map((value) => {
      if (Array.isArray(value)) return value.length;
      return value === null ? 0 : 1;
    });
    return (counts.length === 0 ? [0] : counts).some((count) => between(count, test['values_count'] as Json));
  }
  return values
    .flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]))
    .some((value) => valuePasses(value, test));
}

function valuePasses(value: unknown, test: Json): boolean {
  const { match, range, geo_radius: radius, geo_bounding_box: box } = test as Record<string, Json>;
  if (match !== undefined) return matches(value, match);
  if (range !== undefined) {
    const isOfTimes = Object.values(range).some((bound) => typeof bound === 'string');
    if (!isOfTimes) return typeof value === 'number' && between(value, range);
    // Texts of one zone are in the order of their times.
    return typeof value === 'string' && /^\d{4}-/.test(value) && between(value, range);
  }
  if (!isObject(value) || typeof value['lon'] !== 'number' || typeof value['lat'] !== 'number') return false;
  const at = value as { lon: number; lat: number };
  if (radius !== undefined) {
    const { center, radius: most } = radius as { center: typeof at; radius: number };
    return angle(at, center) * 6_371_008.8 <= most;
  }
  const { top_left: from, bottom_right: to } = box as { top_left: typeof at; bottom_right: typeof at };
  if (at.lat > from.lat || at.lat < to.lat) return false;
  // Going east from the western edge, the point comes before the eastern edge.
  const eastOf = (lon: number): number => (lon - from.lon + 360) % 360;
  return from.lon <= to.lon ? at.lon >= from.lon && at.lon <= to.lon : eastOf(at.lon) <= eastOf(to.lon);
}

function matches(value: unknown, { value: one, any, except, text }: Json): boolean {
  const isComparable = ['string', 'boolean'].includes(typeof value) || Number.isInteger(value);
  if (one !== undefined) return value === one;
  if (any !== undefined) return (any as unknown[]).includes(value);
  if (except !== undefined) return isComparable && !(except as unknown[]).includes(value);
  const words = (of: string): string[] => of.toLowerCase().split(' ');
  return typeof value === 'string' && words(text as string).every((word) => words(value).includes(word));
}

function between(value: number | string, { gt, gte, lt, lte }: Json): boolean {
  return (
    !(gt !== undefined && value <= (gt as typeof value)) &&
    !(gte !== undefined && value < (gte as typeof value)) &&
    !(lt !== undefined && value >= (lt as typeof value)) &&
    !(lte !== undefined && value > (lte as typeof value))
  );
}

/** Between two directions from the centre of the earth, by their scalar product. */
function angle(a: { lon: number; lat: number }, b: { lon: number; lat: number }): number {
  const direction = ({ lon, lat }: typeof a): number[] => {
    const [x, y] = [(lon * Math.PI) / 180, (lat * Math.PI) / 180];
    return [Math.cos(y) * Math.cos(x), Math.cos(y) * Math.sin(x), Math.sin(y)];
  };
  const [v, w] = [direction(a), direction(b)];
  const product = v.reduce((sum, part, i) => sum + part * (w[i] as number), 0);
  return Math.acos(Math.min(1, Math.max(-1, product)));
}

function valuesAt(payload: unknown, key: string): unknown[] {
  let values: unknown[] = [payload];
  for (const piece of key.split('.')) {
    const name = piece.replace('[]', '');
    values = values.filter((value) => isObject(value) && name in value).map((value) => (value as Json)[name]);
    if (piece.endsWith('[]'))
      values = values.flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : []));
  }
  return values;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
