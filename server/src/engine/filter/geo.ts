import type { GeoBox, GeoPoint } from '../../model/index.ts';

/** Mean radius of the earth (IUGG 1980), in metres. */
export const EARTH_RADIUS_METERS = 6_371_008.8;
const RADIANS = Math.PI / 180;

/** `{"lon", "lat"}` with both in range; other keys may stand beside them. */
export function geoPointOf(value: unknown): GeoPoint | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { lon, lat } = value as Readonly<Record<string, unknown>>;
  if (typeof lon !== 'number' || typeof lat !== 'number') return undefined;
  return Math.abs(lon) <= 180 && Math.abs(lat) <= 90 ? { lon, lat } : undefined;
}

/** Along a great circle of a sphere, by the haversine formula. */
export function distanceMeters(a: GeoPoint, b: GeoPoint): number {
  const north = Math.sin(((b.lat - a.lat) * RADIANS) / 2);
  const east = Math.sin(((b.lon - a.lon) * RADIANS) / 2);
  const share = north * north + Math.cos(a.lat * RADIANS) * Math.cos(b.lat * RADIANS) * east * east;
  return 2 * EARTH_RADIUS_METERS * Math.asin(Math.min(1, Math.sqrt(share)));
}

export function isInBox({ lon, lat }: GeoPoint, { north, south, west, east }: GeoBox): boolean {
  if (lat > north || lat < south) return false;
  return west <= east ? lon >= west && lon <= east : lon >= west || lon <= east;
}
