import { GrapeError } from '../../base/index.ts';
import { FieldReader, type KnownKeys } from '../fields.ts';
import type { FieldTest, GeoPoint } from './filter.ts';
import { parseExactNumber } from './values.ts';

const known = (...keys: string[]): KnownKeys => ({ keys: new Set(keys), laterKeys: new Set() });
const POINT = known('lon', 'lat');
const RADIUS = known('center', 'radius');
const BOX = known('top_left', 'bottom_right');

/** `{"center": {"lon", "lat"}, "radius": metres}`. */
export function parseRadius(value: unknown, path: string): FieldTest {
  const fields = new FieldReader(value, path, RADIUS);
  const center = pointOf(fields.required('center'), fields.path('center'));
  const radiusMeters = Number(parseExactNumber(fields.required('radius'), fields.path('radius')));
  if (radiusMeters < 0)
    throw new GrapeError('INVALID_FILTER', `${fields.path('radius')} must not be negative (metres)`);
  return { kind: 'radius', center, radiusMeters };
}

/** `{"top_left": {"lon", "lat"}, "bottom_right": {"lon", "lat"}}`. */
export function parseBox(value: unknown, path: string): FieldTest {
  const fields = new FieldReader(value, path, BOX);
  const northWest = pointOf(fields.required('top_left'), fields.path('top_left'));
  const southEast = pointOf(fields.required('bottom_right'), fields.path('bottom_right'));
  if (northWest.lat < southEast.lat)
    throw new GrapeError('INVALID_FILTER', `${path} has its top below its bottom`);
  const [north, west] = [northWest.lat, northWest.lon];
  return { kind: 'box', box: { north, west, south: southEast.lat, east: southEast.lon } };
}

function pointOf(value: unknown, path: string): GeoPoint {
  const fields = new FieldReader(value, path, POINT);
  const degrees = (key: string, max: number): number => {
    const number = Number(parseExactNumber(fields.required(key), fields.path(key)));
    if (Math.abs(number) <= max) return number;
    throw new GrapeError('INVALID_FILTER', `${fields.path(key)} must be from -${max} to ${max} degrees`);
  };
  return { lon: degrees('lon', 180), lat: degrees('lat', 90) };
}
