import type { GeoBox, GeoPoint } from '../../model/index.ts';
import { EARTH_RADIUS_METERS } from '../filter/geo.ts';

const DEGREES = 180 / Math.PI;
/** What rounding may cost, in degrees: a tenth of a millimetre. */
const MARGIN = 1e-9;

/** A box around all points at most so far from the centre (Matuschek, Finding points within a distance). */
export function boundsOf(o: { readonly center: GeoPoint; readonly radiusMeters: number }): GeoBox {
  const { center } = o;
  const angle = o.radiusMeters / EARTH_RADIUS_METERS;
  const [south, north] = [center.lat - angle * DEGREES - MARGIN, center.lat + angle * DEGREES + MARGIN];
  // A pole is in it, or almost: every longitude is.
  if (south <= -90 || north >= 90) return { south, north, west: -180, east: 180 };
  const width = Math.asin(Math.min(1, Math.sin(angle) / Math.cos(center.lat / DEGREES))) * DEGREES + MARGIN;
  return { south, north, west: wrapped(center.lon - width), east: wrapped(center.lon + width) };
}

function wrapped(lon: number): number {
  if (lon < -180) return lon + 360;
  return lon > 180 ? lon - 360 : lon;
}
